"""The program as a library: data in, a search, a value that shows itself; scripts need no guard."""

import doctest
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

import tuner
from tests.support.estimators import points, tiny
from tests.support.outcomes import confirmed, study_of
from tuner.base.errors import DataError, StorageError, StudyError
from tuner.data.ingest.ingest import ingest, ingest_from_python
from tuner.data.sources import Places
from tuner.outcome import Outcome
from tuner.python.examples import examples_of
from tuner.python.search import optimize
from tuner.python.study import Changes, study_on
from tuner.python.tuned import Tuned
from tuner.recipe import Arrays, Cut, Table

SCRIPT = """
import os, tuner
from tests.support.estimators import points, tiny
reported, runs, study = [], os.path.abspath("runs"), tiny(epochs=20)
study["recipe"]["training"]["batch_size"] = {"choice": [16, 17]}
tuned = tuner.optimize(study, *points(), runs=runs, workers=1, test=TEST, on_progress=reported.append)
print(tuned)
print(reported[-1].trials, reported[-1].best)
"""
"""A search in processes. The script has no `if __name__ == "__main__"`."""


def output_of(folder: Path, script: str, test: float, more: str = "") -> list[str]:
    """The lines that the script prints, with `more` lines, run from a file in this folder, or from a pipe as `-`. Nothing is on
    standard error."""
    text = SCRIPT.replace("TEST", str(test)) + more
    (folder / "script.py").write_text(text)
    environment = {"PYTHONPATH": f"{Path(__file__).parents[2]}", "TUNER_CACHE": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, script]
    done = subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the script."""
    return tmp_path_factory.mktemp("script")


@pytest.fixture(scope="module")
def output(folder: Path) -> list[str]:
    """The lines that the script prints as a file."""
    return output_of(folder, "script.py", test=0.25, more="print(*tuned.predict(points()[0][:3]))")


@pytest.fixture(scope="module")
def tuned(folder: Path, output: list[str]) -> Tuned:
    """The study of the script."""
    return tuner.load_study("study", folder / "runs")


@pytest.mark.slow
def test_a_script_without_a_guard_searches_once_and_prints_its_study(tuned: Tuned, output: list[str]) -> None:
    assert output[0] == "study study: 1 complete, 0 pruned, 0 failed"
    assert output[:-2] == str(tuned).splitlines()
    assert output[-2] == f"1 {tuned.trials.validation_accuracy[0]}"
    assert output[-1] == " ".join(tuned.predict(points()[0][:3]))


@pytest.mark.slow
def test_a_script_in_a_pipe_searches_once(tmp_path: Path) -> None:
    output = output_of(tmp_path, "-", test=0.0)
    assert [line for line in output if line.startswith("study ")] == ["study study: 1 complete, 0 pruned, 0 failed"]
    assert "there is no test part: nothing was tested" in output


@pytest.mark.slow
def test_a_search_gives_a_recipe_trials_figures_and_a_model(tuned: Tuned) -> None:
    assert tuned.best_recipe is not None
    assert [figure.name for figure in tuned.figures] == ["validation accuracy", "test accuracy"]
    assert all(0 <= figure.low <= figure.value <= figure.high <= 1 for figure in tuned.figures)
    assert tuned.trials[["state", "epochs"]].values.tolist() == [["complete", 20]]
    assert tuned.model.is_file()


@pytest.mark.slow
def test_the_predictor_of_a_search_knows_the_names_of_classes(tuned: Tuned) -> None:
    predicted = tuned.predictor.predict(points()[0])
    assert predicted.names == ("left", "right")
    assert np.mean(np.array(predicted.classes) == points()[1]) > 0.8


@pytest.mark.slow
def test_an_unknown_study_is_refused(tuned: Tuned, folder: Path) -> None:
    with pytest.raises(StudyError, match="the storage has no study 'studdy'"):
        tuner.load_study("studdy", folder / "runs")


@pytest.mark.slow
def test_a_tuned_model_predicts_and_scores(tuned: Tuned) -> None:
    x, y = points()
    expected = np.mean(tuned.predict(x) == y)
    assert expected > 0.8
    assert tuned.score(x, y) == tuned.score(x.to_numpy(), y.to_numpy()) == pytest.approx(expected)
    assert tuned.score(x.assign(side=y), "side") == pytest.approx(expected)
    assert tuned.score(x, y, "log_loss") > 0
    assert tuned.predict_proba(x[:3]).sum(axis=1) == pytest.approx(1.0)
    assert tuned.predict(x[:0]).shape == (0,)
    with pytest.raises(StudyError, match="there is no metric 'acuracy' of classification; did you mean accuracy"):
        tuned.score(x, y, "acuracy")


@pytest.mark.slow
def test_columns_count_by_name_and_others_are_left_alone(tuned: Tuned) -> None:
    x, _ = points()
    turned = x[["right", "left"]].assign(other="?")
    assert (tuned.predict_proba(turned) == tuned.predict_proba(x)).all()
    with pytest.raises(DataError, match="the data: has no column 'right'"):
        tuned.predict(x[["left"]])


@pytest.mark.slow
def test_the_best_parameters_are_those_of_the_model(tuned: Tuned) -> None:
    assert tuned.best_recipe is not None
    assert tuned.best_params == {"training.batch_size": tuned.best_recipe.training.batch_size}


@pytest.mark.slow
def test_a_tuned_study_writes_its_report(tuned: Tuned, tmp_path: Path) -> None:
    page = tuned.report(tmp_path / "pages")
    assert page == tmp_path / "pages" / "report.html"
    assert "<svg" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_tuned_study_is_pickled_without_its_loaded_model(tuned: Tuned) -> None:
    x, _ = points()
    expected = tuned.predict_proba(x)
    again = pickle.loads(pickle.dumps(tuned))
    assert again == tuned
    assert (again.predict_proba(x) == expected).all()


@pytest.mark.slow
def test_a_prompt_shows_one_line_and_completion_shows_what_is_public(tuned: Tuned) -> None:
    assert repr(tuned).startswith("<Tuned study: 1 trial, validation accuracy ")
    assert repr(tuned).count("\n") == 0
    assert set(dir(tuned)) >= {"predict", "predict_proba", "score", "best_params", "report", "trials", "model"}
    for each in (tuned, tuner, tuner.TunedClassifier()):
        assert [name for name in dir(each) if name.startswith("_")] == []


def test_a_notebook_shows_a_card_with_a_drawing_and_no_network() -> None:
    record = study_of([0.5, 0.75, 0.625])
    card = Tuned(Outcome(record, record.best, confirmed((1,), (4,), (0.875,))))._repr_html_()
    assert card.startswith("<style>.tuner-card{")
    assert "<svg" in card
    assert "% of the test part correctly" in card
    assert "Model: best.keras" in card
    assert "<summary>everything</summary>" in card
    assert "src=" not in card
    assert "<script" not in card


def test_a_card_of_one_trial_has_no_chart() -> None:
    record = study_of([0.5])
    card = Tuned(Outcome(record, record.best, None))._repr_html_()
    assert "<svg" not in card
    assert "no winner is confirmed yet" in card


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, tuner; assert 'optimize' in dir(tuner); "
        "print([name for name in ('tensorflow', 'sklearn', 'pandas', 'numpy', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="module 'tuner' has no attribute 'optimise'"):
        tuner.optimise  # noqa: B018


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "predicted"),
    [(("0", "1"), [0, 1]), (("False", "True"), [False, True]), (("007", "1"), ["007", "1"]), (("a", "b"), ["a", "b"])],
)
def test_classes_come_back_as_the_numbers_and_truths_that_they_were(
    classes: tuple[str, str], predicted: list[object], tuned: Tuned
) -> None:
    x, _ = points()
    renamed = replace(tuned)
    output = replace(tuned.predictor.output, names=classes)
    vars(renamed)["predictor"] = replace(tuned.predictor, output=output)
    assert sorted({each.item() for each in renamed.predict(x)}) == predicted


def test_runs_without_a_storage_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as error:
        tuner.load_study("study", tmp_path)
    assert str(error.value) == f"there is no storage in {tmp_path} yet: run `tuner.optimize` first, or pass runs="


def test_half_of_the_data_is_refused() -> None:
    with pytest.raises(StudyError, match="x and y come together, and groups, weights, test and validation with them"):
        optimize(tiny(), points()[0])
    with pytest.raises(StudyError, match="x and y come together, and groups, weights, test and validation with them"):
        optimize(points()[0])
    with pytest.raises(StudyError, match="pass a study, or x and y for one that is made for them"):
        optimize(None)


def test_data_from_python_is_named_by_its_content(tmp_path: Path) -> None:
    places = Places(None, tmp_path)
    x, y = points()
    first, again = (ingest_from_python(examples_of(x, y), Cut(share=0.0), "classification", places) for _ in range(2))
    assert first == again
    assert ingest(replace(first, found=None), tmp_path, places, print) == first
    assert first.found is not None
    assert (first.found.training_examples, first.found.test_examples) == (80, 0)
    assert ingest_from_python(examples_of(-x, y), Cut(share=0.0), "classification", places).path != first.path


def test_data_from_python_that_is_gone_is_refused(tmp_path: Path) -> None:
    gone = Arrays(path="python:0123456789abcdef")
    with pytest.raises(DataError) as error:
        ingest(gone, tmp_path, Places(None, tmp_path), lambda _: None)
    message = f"python:0123456789abcdef: came from Python and is not in the cache {tmp_path}; pass it again"
    assert str(error.value) == message


def test_a_study_for_the_data_keeps_groups_whole_and_has_the_test_part(tmp_path: Path) -> None:
    x, y = points()
    examples = examples_of(x, y, groups=np.arange(80) // 8)
    file = study_on(None, examples, Changes(test=examples_of(x, y)), Places(None, tmp_path))
    data = file.data[0]
    assert isinstance(data, Table)
    assert (data.group, data.test, file.confirmation.anchors) == ("groups", data.path, True)
    assert data.found is not None
    assert (data.found.training_examples, data.found.test_examples) == (80, 80)


@pytest.mark.long
@pytest.mark.parametrize("described", [tuner.optimize, tuner.TunedClassifier], ids=["optimize", "TunedClassifier"])
def test_the_examples_of_a_docstring_run(described: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"tuner": tuner, "sklearn": sklearn}
    for example in doctest.DocTestParser().get_examples(described.__doc__ or ""):
        exec(example.source, names)
