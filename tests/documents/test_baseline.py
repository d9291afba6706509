"""Replicating a small document: runs are stored, never made twice, continued, judged and written to a file."""

import math
import shutil
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner.__main__ import run as run_command
from tuner.base.errors import TunerError
from tuner.data.sources import Places
from tuner.documents.assessment import assess, count
from tuner.documents.baseline import BaselineOptions, baseline
from tuner.documents.claims import LOOKS
from tuner.documents.document import Document, load_document
from tuner.documents.evidence import Evidence
from tuner.documents.runs import Run, is_of, open_baseline, read_results, stored_runs, write_results
from tuner.storage import default_url, open_storage

DOCUMENT = """
title = "XOR with few units"
about = "It varies the batch size."
study = "xor"
[recipe.data]
name = "xor"
[recipe.protocol]
kind = "holdout"
validation = 50
[recipe.training]
batch_size = 50
epochs = 2
[recipe.network]
kind = "dense"
widths = [3]
[[reading]]
id = "optimizer"
silent = "the optimizer"
only = ["three"]
options = [{ name = "Adam" }, { name = "SGD", set = { "training.optimizer" = "sgd" } }]
[[experiment]]
id = "three"
title = "Three units"
reported = { parameters = 17, test_accuracy = 0.5 }
[[experiment]]
id = "again"
title = "The same, told twice"
"""
FOLDS = """
[[experiment]]
id = "folds"
title = "Two folds"
set = { "protocol" = { kind = "k_fold", folds = 2 } }
repeats = 2
[[claim]]
id = "folds"
says = "The folds are no better."
falls = ["three", "folds"]
"""


TWO_SILENT_FIELDS = """
title = "Two silent fields"
about = "It varies the batch size."
study = "xor"
[recipe.data]
name = "xor"
[recipe.protocol]
kind = "none"
[recipe.training]
epochs = 2
[recipe.network]
kind = "dense"
widths = [3]
[[reading]]
id = "scaling"
silent = "the scaling"
options = [{ name = "unit" }, { name = "none", set = { "data.scaling" = "none" } }]
[[reading]]
id = "batch"
silent = "the batch size"
options = [{ name = "32" }, { name = "50", set = { "training.batch_size" = 50 } }]
[[experiment]]
id = "one"
title = "One"
reported = { test_accuracy = 0.8 }
[[experiment]]
id = "two"
title = "Two"
set = { "training.epochs" = 3 }
reported = { test_accuracy = 0.8 }
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """A document whose experiments train in a moment."""
    path = tmp_path / "xor.toml"
    path.write_text(DOCUMENT + FOLDS)
    return load_document(path)


def until_decided(document: Document, places: Places, folder: Path) -> BaselineOptions:
    """Runs by the rule, in this process."""
    return BaselineOptions(
        documents=(document,),
        storage=default_url(folder),
        places=places,
        results=folder,
        only="*",
        repeats=1,
        until_decided=True,
        every_reading=False,
        workers=1,
        threads=1,
        runs=folder,
        executor="in_process",
    )


def run_all(document: Document, places: Places, folder: Path, repeats: int = 1, only: str = "*") -> list[str]:
    """Run what is missing, under the first readings and each alternative; the names of the new runs."""
    before = {run.names for run in read_results(folder / "xor.json")}
    options = until_decided(document, places, folder)
    options = replace(options, until_decided=False, every_reading=only == "*", repeats=repeats, only=only)
    runs = baseline(options, lambda _: None)["xor"].runs
    return sorted(f"{run.experiment} {run.reading} {run.repeat}" for run in runs if run.names not in before)


@pytest.mark.slow
def test_a_document_is_run_once_continued_and_judged(document: Document, places: Places, tmp_path: Path) -> None:
    assert run_all(document, places, tmp_path, only="three") == ["three  0"]
    assert run_all(document, places, tmp_path) == ["again  0", "folds  0", "folds  1", "three optimizer: SGD 0"]
    assert run_all(document, places, tmp_path) == []
    assert run_all(document, places, tmp_path, repeats=2) == ["again  1", "three  1"]
    study = open_baseline(open_storage(default_url(tmp_path)), document)
    runs = list(stored_runs(study))
    three, again = (next(run for run in runs if run.names == (name, "", 0)) for name in ("three", "again"))
    assert again == replace(three, experiment="again"), "an equal recipe was not trained twice"
    folds = next(run for run in runs if run.names == ("folds", "", 0))
    accuracies = folds.curve["fold_test_accuracy"]
    assert len(accuracies) == len(folds.curve["fold_validation_accuracy"]) == 2
    assert folds.figures["test_accuracy"] == pytest.approx(np.mean(accuracies))
    assert folds.figures["fold_spread"] == pytest.approx(np.std(accuracies, ddof=1))
    assert np.sum(three.confusion) == 250
    assert len(three.curve["validation_accuracy"]) == 2

    found = assess(document, runs)
    row = found.rows[0]
    assert row.first.figures[0].verdict == "reproduced"
    assert (len(row.first.runs), row.tried) == (2, 2)
    assert found.claims[0].chosen.judgement == "undecided", "one run of the folds decides nothing"
    frozen = study.trials[0]
    assert frozen.user_attrs["experiment"] == "three"
    assert frozen.value == pytest.approx(three.figures["test_accuracy"])


def test_runs_that_a_document_no_longer_asks_for_are_ignored(document: Document) -> None:
    run = made(document, "three", (1,), 0.5, repeat=2)
    assert is_of(document, run)
    assert not is_of(document, replace(run, experiment="four"))
    assert not is_of(document, replace(run, reading="optimizer: Lion"))
    assert not is_of(document, replace(run, repeat=1)), "another seed is another key"
    (three, *others) = document.experiment
    assert not is_of(replace(document, experiment=(replace(three, set={"network.widths": [4]}), *others)), run)


def test_results_are_read_as_they_were_written(document: Document, tmp_path: Path) -> None:
    runs = [made(document, "three", (0,), 0.5, repeat) for repeat in (0, 1)]
    runs[0] = replace(runs[0], figures={"test_loss": math.inf}, environment={"python": "another"})
    runs.append(replace(runs[0], experiment="again", reading=""))
    path = tmp_path / "results" / "xor.json"
    write_results(path, document, runs)
    assert read_results(path) == sorted(runs, key=lambda run: run.names)
    assert [each.name for each in path.parent.iterdir()] == ["xor.json"], "nothing half-written stays"
    path.write_text("[]")
    with pytest.raises(TunerError, match="does not hold a document's results"):
        read_results(path)
    assert read_results(tmp_path / "none.json") == []


def made(document: Document, experiment: str, choice: tuple[int, ...], accuracy: float, repeat: int = 0) -> Run:
    """A run that nobody made."""
    (found,) = [each for each in document.experiment if each.id == experiment]
    variant = document.variant(found, choice, repeat)
    figures = {"parameters": 17.0, "test_accuracy": accuracy}
    return Run(
        *variant.names,
        variant.key,
        variant.recipe.to_dict(),
        figures,
        {"training_accuracy": [0.5]},
        [[9, 1], [0, 9]],
        "finished",
        1.0,
        {},
    )


def test_a_reading_may_name_the_figure_that_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    means = """[[reading]]
id = "history"
silent = "which epochs"
options = [{ name = "the last" }, { name = "all", measured = { training_accuracy = "mean_training_accuracy" } }]
[[experiment]]
id = "one"
"""
    text = TWO_SILENT_FIELDS.replace('[[experiment]]\nid = "one"\n', means)
    path.write_text(text.replace("test_accuracy = 0.8", "training_accuracy = 0.6", 1))
    document = load_document(path)
    runs = []
    for choice in (document.first_choice, (0, 0, 1)):
        run = made(document, "one", choice, 0.0)
        curve = {"training_accuracy": [0.5, 0.7]}
        runs.append(replace(run, figures={"training_accuracy": 0.7}, curve=curve))
        runs.append(made(document, "two", choice, 0.8))
    found = assess(document, runs)
    assert document.reading_name(found.choice) == "history: all"
    assert found.rows[0].first.figures[0].measured == (0.7,)
    assert found.rows[0].chosen.figures[0].measured == (0.6,)


def test_the_choice_is_the_readings_that_explain_all_experiments_together(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(TWO_SILENT_FIELDS)
    document = load_document(path)
    first = [made(document, name, (0, 0), 0.68) for name in ("one", "two")]
    assert Evidence(document, first).best_script() == (0, 0)
    worse = [made(document, name, (0, 1), accuracy) for name, accuracy in (("one", 0.69), ("two", 0.2))]
    assert Evidence(document, first + worse).best_script() == (0, 0), "the one a little better, the other much worse"
    better = [made(document, name, (1, 0), 0.76) for name in ("one", "two")]
    assert Evidence(document, first + worse + better).best_script() == (1, 0)
    best = [made(document, name, (1, 1), 0.8) for name in ("one", "two")]
    assert Evidence(document, first + better + best[:1]).best_script() == (1, 0), "not run for both"
    found = assess(document, first + worse + better + best)
    assert found.choice == (1, 1)
    assert document.reading_name(found.choice) == "scaling: none, batch: 50"
    assert [row.chosen.figures[0].verdict for row in found.rows] == ["reproduced", "reproduced"]
    assert found.rows[0].first.figures[0].verdict == "not reproduced"
    assert found.rows[0].tried == 4
    assert (count(found, "first").reproduced, count(found, "best").reproduced) == (0, 2)


@pytest.mark.slow
def test_baseline_runs_judges_and_writes_down(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studies" / "documents").mkdir(parents=True)
    (tmp_path / "studies" / "documents" / "small.toml").write_text(DOCUMENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    call = ["baseline", "--study", "xor", "--document", "small", "--workers", "1", "--readings", "all"]
    for _ in range(2):
        assert run_command(call) == 0
    printed = capsys.readouterr()
    assert "Three units" in printed.out
    assert "reproduced" in printed.out
    assert printed.err.count("three #0: test accuracy") == 1, "the second call has nothing left to run"
    assert run_command(["studies"]) == 0
    assert "document: small" in (listed := capsys.readouterr().out)
    assert tomllib.loads(DOCUMENT)["title"] in listed
    results = tmp_path / "reports" / "documents" / "small.json"
    assert len(read_results(results)) == 3
    shutil.rmtree(tmp_path / "runs")
    assert run_command([*call, "--only", "three", "--details"]) == 0
    printed = capsys.readouterr()
    assert "3 runs are taken from" in printed.err
    assert "#0: test accuracy" not in printed.err, "what the results have is not run again"
    assert "2 × 3 + 3" in printed.out
    assert "confused most" in printed.out
    assert len(read_results(results)) == 3
    assert run_command(["baseline", "--study", "mars"]) == 2
    assert "no document is about the study 'mars'" in capsys.readouterr().err


@pytest.mark.slow
def test_decision_regions_are_stored(document: Document, places: Places, tmp_path: Path) -> None:
    run_all(document, places, tmp_path, only="three")
    (run,) = read_results(tmp_path / "xor.json")
    assert [len(row) for row in run.regions] == [41] * 41
    assert set("".join(run.regions)) <= set("0123456789")


def test_a_reading_shares_its_prior_with_all_alternatives(tmp_path: Path) -> None:
    """One of three alternatives fits hardly better than the first reading: it would have been chosen for its likelihood."""
    path = tmp_path / "two.toml"
    options = 'options = [{ name = "32" }, { name = "50", set = { "training.batch_size" = 50 } }'
    assert options in TWO_SILENT_FIELDS
    more = "".join(f', {{ name = "{size}", set = {{ "training.batch_size" = {size} }} }}' for size in (60, 70))
    path.write_text(TWO_SILENT_FIELDS.replace(options, options + more))
    document = load_document(path)
    runs = []
    for option, accuracy in enumerate((0.795, 0.797, 0.794, 0.793)):
        runs += [made(document, name, (0, option), accuracy) for name in ("one", "two")]
    evidence = Evidence(document, runs)
    gain = sum(
        evidence.judge(each, (0, 1)).likelihood - evidence.judge(each, (0, 0)).likelihood for each in ("one", "two")
    )
    assert 0 < gain < math.log(3), "three alternatives share what the first reading has alone"
    found = assess(document, runs)
    assert found.choice == (0, 0)
    assert found.compared == 4
    scaling, batch = (each.probable for each in found.readings)
    assert scaling == (1.0, 0.0), "what has not been run is not judged"
    assert sum(batch) == pytest.approx(1)
    assert batch[1] / batch[0] == pytest.approx(math.exp(gain) / 3)
    assert found.readings[1].conclusion.startswith("the most probable: 32 (of 32 0.")


def test_a_reading_is_told_by_the_rows_with_figures_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(
        TWO_SILENT_FIELDS + '[[experiment]]\nid = "bare"\ntitle = "Without figures"\nset = { "training.epochs" = 5 }\n'
    )
    document = load_document(path)
    runs = [made(document, name, (0, 1), 0.8) for name in ("one", "two")]
    runs += [made(document, name, document.first_choice, 0.6) for name in ("one", "two", "bare")]
    found = assess(document, runs)
    assert found.choice == (0, 1)
    bare = found.row("bare")
    assert (bare.chosen.reading, len(bare.chosen.runs)) == ("", 1), (
        "not run under that script: under the first readings"
    )


def test_the_same_images_have_no_sampling_error_and_drawn_points_do(document: Document) -> None:
    """The test images are the document's own; the playground's points may be others."""
    runs = [made(document, "three", (0,), accuracy, repeat) for repeat, accuracy in enumerate((0.5, 0.52, 0.54))]
    drawn = assess(document, runs).rows[0].chosen.figures[1]
    images = [replace(run, recipe={**run.recipe, "data": {"name": "mnist", "scaling": "unit"}}) for run in runs]
    same = assess(document, images).rows[0].chosen.figures[1]
    assert drawn.figure == same.figure == "test_accuracy"
    assert math.sqrt(drawn.margin**2 - same.margin**2) == pytest.approx(1.96 * math.sqrt(0.5 * 0.5 / 250))


def test_a_verdict_is_weak_where_other_reports_pass_too(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    worths = []
    for other in ("0.801", "0.6"):
        head, _, tail = TWO_SILENT_FIELDS.rpartition("test_accuracy = 0.8")
        path.write_text(f"{head}test_accuracy = {other}{tail}")
        document = load_document(path)
        ours = (("one", (0.799, 0.8, 0.801)), ("two", (float(other) - 0.001, float(other), float(other) + 0.001)))
        runs = [made(document, name, (0, 0), each, seed) for name, values in ours for seed, each in enumerate(values)]
        found = assess(document, runs)
        worths.append([each.worth for row in found.rows for each in row.chosen.figures])
    assert worths == [["weak", "weak"], ["sharp", "sharp"]]
    alone = assess(document, [run for run in runs if run.experiment == "one"])
    assert alone.rows[0].chosen.figures[0].worth == ""


def store(document: Document, folder: Path, accuracies: dict[str, list[float]]) -> None:
    """Write a results file with such runs of the experiments, which nobody made."""
    runs = [
        made(document, experiment, document.first_choice, accuracy, repeat)
        for experiment, values in accuracies.items()
        for repeat, accuracy in enumerate(values)
    ]
    write_results(folder / f"{document.name}.json", document, runs)


@pytest.mark.slow
def test_runs_are_added_by_the_rule_until_all_is_decided(document: Document, places: Places, tmp_path: Path) -> None:
    """Three of each; six and ten of those that are undecided then. A second call has nothing left to do."""
    alike = [0.5, 0.52, 0.54, 0.56, 0.58, 0.6, 0.62, 0.64]
    store(document, tmp_path, {"three": [*alike, 0.6], "folds": [*alike, 0.59]})
    options = until_decided(document, places, tmp_path)
    found = baseline(options, lambda _: None)["xor"]
    counts = Counter(run.experiment for run in found.runs)
    (claim,) = found.claims
    assert counts == {"again": 3, "three": 10, "folds": 10}
    assert claim.chosen.runs == LOOKS[-1]
    again = baseline(options, lambda _: None)["xor"]
    assert len(again.runs) == len(found.runs)
    only = baseline(replace(options, only="th*"), lambda _: None)["xor"]
    assert [row.experiment.id for row in only.rows] == ["three"]
    assert only.claims == ()


def test_a_claim_that_is_decided_at_the_second_look_has_no_third(
    document: Document, places: Places, tmp_path: Path
) -> None:
    low, high = [0.8, 0.88, 0.84] * 2, [0.86, 0.94, 0.9] * 2
    store(document, tmp_path, {"three": high, "again": high[:3], "folds": low})
    found = baseline(until_decided(document, places, tmp_path), lambda _: None)["xor"]
    (claim,) = found.claims
    assert (claim.chosen.judgement, claim.chosen.runs) == ("holds", LOOKS[1])
    assert Counter(run.experiment for run in found.runs) == {"three": 6, "again": 3, "folds": 6}


def test_long_experiments_have_one_look(
    document: Document, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(document, tmp_path, {name: [0.5, 0.52, 0.54] for name in ("three", "again", "folds")})
    monkeypatch.setattr("tuner.documents.baseline.LONG_SECONDS", 0.0)
    found = baseline(until_decided(document, places, tmp_path), lambda _: None)["xor"]
    assert found.claims[0].chosen.judgement == "undecided"
    assert Counter(run.experiment for run in found.runs) == {"three": 3, "again": 3, "folds": 3}


@pytest.mark.slow
def test_readings_are_chosen_again_where_further_runs_make_others_probable(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the scaling comes out as another one once there are three runs: that choice has its looks, and its alternatives."""
    path = tmp_path / "two.toml"
    path.write_text(TWO_SILENT_FIELDS)
    document = load_document(path)
    monkeypatch.setattr(
        Evidence, "best_script", lambda found, _=None: (int(len(found.runs("one", (0, 0))) >= LOOKS[0]), 0)
    )
    options = replace(until_decided(document, places, tmp_path), every_reading=True)
    known = [((0, 0), 3), ((1, 0), 2), ((0, 1), 1)]
    runs = [
        made(document, name, choice, 0.5, repeat)
        for name in ("one", "two")
        for choice, repeats in known
        for repeat in range(repeats)
    ]
    write_results(tmp_path / "two.json", document, runs)
    found = baseline(options, lambda _: None)["two"]
    assert found.choice == (1, 0)
    counts = Counter((run.experiment, run.reading) for run in found.runs)
    chosen = document.reading_name((1, 0), document.experiment[0])
    assert counts["one", chosen] >= LOOKS[0]
    for neighbour in document.neighbours((1, 0)):
        assert counts["one", document.reading_name(neighbour, document.experiment[0])] >= 1
    assert len(baseline(options, lambda _: None)["two"].runs) == len(found.runs)


@pytest.mark.slow
def test_looks_end_where_another_script_becomes_the_most_probable(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is undecided after three runs under the old script; the new one begins with three runs, not with six."""
    path = tmp_path / "two.toml"
    path.write_text(f'{TWO_SILENT_FIELDS}[[claim]]\nid = "it"\nsays = "Two is better."\nrises = ["one", "two"]\n')
    document = load_document(path)
    monkeypatch.setattr(
        Evidence, "best_script", lambda found, _=None: (int(len(found.runs("one", (0, 0))) >= LOOKS[0]), 0)
    )
    stored = {("one", (0, 0)): [0.75, 0.85], ("two", (0, 0)): [0.76, 0.86, 0.8]}
    stored |= {("one", (1, 0)): [0.1, 0.11, 0.1], ("two", (1, 0)): [0.3, 0.31, 0.3]}
    runs = [made(document, *of, value, repeat) for of, values in stored.items() for repeat, value in enumerate(values)]
    write_results(tmp_path / "two.json", document, runs)
    log: list[str] = []
    found = baseline(until_decided(document, places, tmp_path), log.append)["two"]
    asked = [line.partition(": ")[2] for line in log if " runs are asked for" in line]
    assert asked[0] == "6 runs are asked for, 5 are done"
    assert log[-1].endswith(": nothing is left to do")
    counts = Counter(run.experiment for run in found.runs if run.reading == "")
    assert counts == {"one": LOOKS[0], "two": LOOKS[0]}, "no second look under the old script"


def test_each_option_of_a_field_that_no_figure_tells_has_three_runs(places: Places, tmp_path: Path) -> None:
    """So that a claim that hangs on it can be told to depend on a guess."""
    path = tmp_path / "bare.toml"
    own = '[[reading]]\nid = "units"\nsilent = "the width"\nonly = ["bare"]\noptions = [{ name = "3" }, { name = "4", set = { "network.widths" = [4] } }]\n'
    bare = '[[experiment]]\nid = "bare"\ntitle = "Without figures"\nset = { "training.epochs" = 1 }\n'
    path.write_text(TWO_SILENT_FIELDS.replace("[[experiment]]", f"{own}[[experiment]]", 1) + bare)
    found = baseline(until_decided(load_document(path), places, tmp_path), lambda _: None)["bare"]
    counts = Counter((run.experiment, run.reading) for run in found.runs)
    assert counts == {("one", ""): 3, ("two", ""): 3, ("bare", ""): 3, ("bare", "units: 4"): 3}
