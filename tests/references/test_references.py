"""Reference models: on the same folds as a study's networks, within a time limit, once a study."""

import json
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.storages import BaseStorage

from tests.support.searches import AtOnce, Notes, context_of, folder_of, search, small
from tuner.base.metric_functions import compute_metrics
from tuner.data.examples import Examples, TrainingSet
from tuner.data.ingest.ingest import ingest
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.networks import Dense, Rows
from tuner.networks.columns import Coded, Column
from tuner.outcome import store_references
from tuner.recipe import Data, Holdout, KFold, Recipe, Table, Training, describe
from tuner.recipe.losses import PlainLoss
from tuner.references import ReferenceModel, best_first, better_parts, model_names, seconds_for
from tuner.references.estimators import LARGE, estimators
from tuner.references.features import preparation, tree_categories
from tuner.references.fit import fit_reference_models, time_limit
from tuner.refit.references import fit_references, seconds_for_references
from tuner.refit.refit import refit_best
from tuner.report.write import write_report
from tuner.storage import default_url, load_study, open_storage
from tuner.storage.confirmed import Confirmed
from tuner.study import StudyFile
from tuner.training.fold_data import validation_part
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Failure, ReferenceModels

FIVE = KFold(folds=5)


NETWORKS: dict[str, tuple[Any, Any]] = {
    "classification": ("softmax", "sparse_categorical_crossentropy"),
    "multi_label": ("sigmoid", "binary_crossentropy"),
    "regression": ("linear", "mean_squared_error"),
}
"""Outputs and losses of each task."""


def numbers(*names: str) -> tuple[Column, ...]:
    """Columns that are numbers."""
    return tuple(Column(name=name, kind="number") for name in names)


def recipe_of(data: Any, protocol: Holdout | KFold = Holdout(validation=0.25)) -> Recipe:  # noqa: B008 (frozen)
    """A recipe on these data: of its network nothing matters here."""
    output, loss = NETWORKS[data.task]
    return Recipe(
        data=data,
        protocol=protocol,
        network=Dense(widths=(4,), output=output),
        training=Training(loss=PlainLoss(kind=loss), keep_by="validation_loss"),
        seed=3,
    )


def ingested(folder: Path, frame: pd.DataFrame, columns: tuple[Column, ...], **settings: Any) -> tuple[Table, Places]:
    """A table with these rows and its facts."""
    frame.to_csv(folder / "t.csv", index=False)
    places = Places(None, folder / "cache")
    return ingest(Table(path="t.csv", columns=columns, **{"target": "y", **settings}), folder, places, print), places


def by_name(found: tuple[ReferenceModel, ...]) -> dict[str, ReferenceModel]:
    return {each.name: each for each in found}


def bundled(name: str, places: Places, **settings: Any) -> tuple[Table, TrainingSet]:
    """A table that comes with scikit-learn."""
    from sklearn import datasets

    names = getattr(datasets, f"load_{name}")().feature_names
    data = Table(path=f"sklearn:{name}", target="target", columns=numbers(*names), **settings)
    data = ingest(data, Path(), places, print)
    return data, training_set(data, places)


@pytest.mark.slow
def test_iris_has_all_reference_models_on_five_folds_and_on_the_test_part(places: Places) -> None:
    data, training = bundled("iris", places)
    found = fit_reference_models(recipe_of(data, FIVE), training, "accuracy", 60.0, held_out(data, places).examples)
    assert tuple(each.name for each in found) == model_names("classification")
    figures = {each.name: each.figures["accuracy"] for each in found}
    assert figures.pop("majority") == pytest.approx(1 / 3, abs=0.01)
    assert min(figures.values()) > 0.9
    assert all(each.test_figures["accuracy"] > 0.85 for each in found if each.name != "majority")
    assert all(0 < each.error < 0.1 for each in found if each.name != "majority")
    assert all(each.examples == 96 and each.seconds > 0 for each in found)
    assert by_name(found)["default network"].note == "scikit-learn's MLP at its defaults: one layer of 100"


def test_diabetes_is_a_regression(places: Places) -> None:
    data, training = bundled("diabetes", places, task="regression")
    found = by_name(fit_reference_models(recipe_of(data), training, "r2", 60.0))
    assert list(found)[:5] == ["mean", "ridge", "nearest neighbours", "default network", "trees"]
    assert abs(found["mean"].figures["r2"]) < 0.05
    assert 0.3 < found["ridge"].figures["r2"] < 0.7
    assert found["ridge"].figures["rmse"] < found["mean"].figures["rmse"]
    assert found["ridge"].test_figures == {}


def test_they_are_fitted_on_the_folds_of_the_networks(places: Places) -> None:
    recipe = recipe_of(Data(name="xor"), Holdout(validation=0.25, pick="random", seed=7))
    data = training_set(recipe.data, places)
    part, (fold,) = validation_part(recipe, data), folds_of(recipe.protocol, data)
    assert part.inputs.tolist() == data.examples.inputs[fold.validation].tolist()
    training = Examples(data.examples.inputs[fold.training], data.examples.labels[fold.training])
    predict = estimators("classification")["nearest neighbours"].fit(describe(recipe.data), training, 3)
    expected = compute_metrics("classification", predict(part.inputs), part.labels)
    found = by_name(fit_reference_models(recipe, data, "accuracy", 60.0))["nearest neighbours"]
    assert found.figures == pytest.approx(expected)
    assert found.examples == len(fold.training)


def test_xor_is_learned_by_trees_and_not_by_a_linear_model(places: Places) -> None:
    recipe = recipe_of(Data(name="xor"))
    found = fit_reference_models(recipe, training_set(recipe.data, places), "accuracy", 60.0)
    figures = {each.name: each.figures["accuracy"] for each in found}
    assert figures["trees"] > 0.9 > 0.65 > figures["logistic"]
    assert best_first(found, "log_loss")[0].figures["log_loss"] == min(each.figures["log_loss"] for each in found)


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_boosted_trees_of_another_package_are_reference_models_where_it_is_installed(name: str, tmp_path: Path) -> None:
    pytest.importorskip(name)
    assert name in model_names("regression")
    data, places = ingested(tmp_path, mixed(600), COLUMNS)
    training = training_set(data, places)
    (found,) = fit_reference_models(recipe_of(data), training, "accuracy", 60.0, names=[name])
    assert found.figures["accuracy"] > 0.85
    assert found.sentence.endswith(" is")


@pytest.mark.slow
def test_several_labels_one_of_which_is_never_true_in_a_fold(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    values = chance.normal(size=(300, 2))
    rare = np.zeros(300, int)
    rare[:3] = 1
    frame = pd.DataFrame(
        {"a": values[:, 0], "b": values[:, 1], "p": values[:, 0] > 0, "q": values[:, 1] > 0, "r": rare}
    )
    frame = frame.astype({"p": int, "q": int})
    data, places = ingested(tmp_path, frame, numbers("a", "b"), target=("p", "q", "r"), task="multi_label")
    found = by_name(fit_reference_models(recipe_of(data, FIVE), training_set(data, places), "macro_f1", 60.0))
    assert not any(each.is_skipped for each in found.values())
    assert found["logistic"].figures["accuracy"] > 0.95
    assert found["trees"].figures["accuracy"] > 0.95
    assert found["nearest neighbours"].figures["macro_f1"] > 0.5 > found["majority"].figures["macro_f1"]


def mixed(rows: int) -> pd.DataFrame:
    """Numbers, dates, names and texts, with gaps; only words and names depend on the class."""
    chance = np.random.default_rng(1)
    classes = chance.integers(0, 2, rows)
    words = [("good fine day", "bad awful night")[each] + f" w{chance.integers(9)}" for each in classes]
    names = [f"{('u', 'v')[each]}{chance.integers(400)}" for each in classes]
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(chance.integers(0, 300, rows), "D")
    frame = pd.DataFrame({"n": chance.normal(size=rows), "d": days.astype(str), "c": names, "t": words, "y": classes})
    for column in ("n", "d", "c", "t"):
        frame.loc[chance.random(rows) < 0.1, column] = None
    return frame


COLUMNS = (
    Column(name="n", kind="number"),
    Column(name="d", kind="date"),
    Column(name="c", kind="category"),
    Column(name="t", kind="text"),
)


@pytest.mark.slow
def test_texts_names_dates_and_gaps_are_features(tmp_path: Path) -> None:
    data, places = ingested(tmp_path, mixed(600), COLUMNS)
    found = by_name(fit_reference_models(recipe_of(data), training_set(data, places), "accuracy", 60.0))
    assert not any(each.is_skipped for each in found.values())
    assert found["logistic"].figures["accuracy"] > 0.85
    assert found["trees"].figures["accuracy"] > 0.85


def test_words_are_sparse_for_all_but_trees() -> None:
    from scipy.sparse import issparse

    rows = Rows((Coded("text", 500, places=4), Coded("category", 300), Coded("category", 5)))
    coded = np.random.default_rng(0).integers(0, 5, (50, 6)).astype(np.float32)
    assert issparse(preparation(rows, (0.0, 1.0)).fit_transform(coded))
    categories = tree_categories(rows)
    assert categories is not None
    assert categories.tolist() == [False] * 200 + [False, True]


def test_infinite_numbers_and_unknown_codes_are_no_error() -> None:
    rows = Rows((Coded("number", lacks=True), Coded("category", 5), Coded("text", 9, places=2), Coded("number")))
    coded = np.array([[np.inf, 7, 99, -1, np.nan], [1, np.nan, 3, 0, np.nan], [2, 1, 2, 2, np.nan]], np.float32)
    seen = preparation(rows, (0.0, 1.0)).fit_transform(coded)
    dense = seen.toarray() if hasattr(seen, "toarray") else seen
    assert np.isfinite(dense).all()


def test_weights_count_where_a_model_takes_them(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    classes = np.repeat([0, 1], (240, 60))
    frame = pd.DataFrame({"a": chance.normal(size=300), "y": classes, "w": np.where(classes == 1, 20.0, 1.0)})
    frame = frame.sample(frac=1, random_state=0)
    plain, places = ingested(tmp_path, frame, numbers("a"))
    weighted, _ = ingested(tmp_path, frame, numbers("a"), weight="w")
    without, found = (
        by_name(fit_reference_models(recipe_of(data), training_set(data, places), "accuracy", 60.0))
        for data in (plain, weighted)
    )
    assert without["majority"].figures["accuracy"] == pytest.approx(0.8)
    assert found["majority"].figures["accuracy"] == pytest.approx(20 / 24)
    assert found["nearest neighbours"].note == "trained without weights"
    assert found["logistic"].note == found["trees"].note == ""


def test_a_model_that_needs_too_long_is_skipped_with_a_note(places: Places) -> None:
    recipe = recipe_of(Data(name="digits"), FIVE)
    data = training_set(recipe.data, places)
    estimators("classification")  # imports take time, too
    started = time.perf_counter()
    found = by_name(fit_reference_models(recipe, data, "accuracy", 0.2))
    assert time.perf_counter() - started < 5.0  # a call into C is not cut off; 0.3 s where nothing else runs
    assert found["trees"].is_skipped
    assert found["trees"].note.startswith("skipped, ")
    assert found["trees"].note.endswith(" s left")


@pytest.mark.slow
def test_a_sample_of_many_examples_is_drawn_with_a_note(places: Places) -> None:
    chance = np.random.default_rng(0)
    many = 2 * LARGE
    inputs = chance.normal(size=(many, 2)).astype(np.float32)
    recipe = recipe_of(Data(name="xor"))
    examples = Examples(inputs, (inputs.prod(axis=1) > 0).astype(np.int64))
    data = replace(training_set(recipe.data, places), examples=examples, folder=None)
    found = by_name(fit_reference_models(recipe, data, "accuracy", 20.0, names=("majority", "nearest neighbours")))
    assert found["nearest neighbours"].note == "trained on 20,000 of 30,000 examples"
    assert found["majority"].examples == 30_000
    assert found["nearest neighbours"].figures["accuracy"] > 0.97


def test_a_limit_ends_what_takes_longer_and_leaves_the_rest_alone() -> None:
    def busy() -> None:
        with time_limit(0.05):
            while True:
                time.sleep(0.001)

    with pytest.raises(TimeoutError):
        busy()
    with time_limit(0.05):
        pass
    time.sleep(0.1)
    passed: list[bool] = []

    def elsewhere() -> None:
        with time_limit(0.01):
            time.sleep(0.05)
        passed.append(True)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert passed == [True]


def test_a_reference_model_is_better_on_validation_or_on_the_test_part() -> None:
    figures = {"accuracy": 0.953, "log_loss": 0.3}
    model = ReferenceModel("trees", figures=figures, error=0.01, test_figures={"accuracy": 0.93})
    assert better_parts(model, "accuracy", 0.95, 0.92) == ("validation", "test")
    assert better_parts(model, "accuracy", 0.96, 0.92) == ("test",)
    assert better_parts(model, "accuracy", 0.95, 0.94) == ("validation",)
    assert better_parts(model, "log_loss", 0.31, 0.2) == ("validation",), "it was not tested by this metric"
    assert better_parts(model, "log_loss", 0.3, None) == ()
    assert better_parts(model, "log_loss", float("inf"), 0.2) == (), "the network has no validation metric"
    assert better_parts(ReferenceModel("trees", note="skipped"), "accuracy", 0.0, 0.0) == ()


def test_they_have_a_small_share_of_the_minutes() -> None:
    assert [seconds_for(each) for each in (10, 60, 600, 36_000)] == [2.0, 4.8, 30.0, 30.0]


class Counting(InProcess):
    """Counts how often reference models are fitted."""

    asked = 0

    def submit(self, number: int, job: Any, watch: Any) -> None:
        self.asked += isinstance(job, ReferenceModels)
        super().submit(number, job, watch)


@dataclass(frozen=True)
class Searched:
    """A study with a final model, whose storage is copied for each test."""

    file: StudyFile
    winner: Confirmed
    folder: Path

    def copy(self, folder: Path) -> BaseStorage:
        """An own copy of the storage."""
        shutil.copytree(self.folder, folder / "copy")
        return open_storage(default_url(folder / "copy"))


@pytest.fixture(scope="module")
def searched(shared_small_study: Path, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("searched")
    storage, file = open_storage(default_url(folder)), small(shared_small_study, "confirmation.anchors=true")
    search(storage, file, places, trials=1)
    executor = InProcess(Setup(places, folder=folder_of(storage)))
    winner = refit_best(context_of(storage, file, places), executor)
    assert winner is not None
    return Searched(file, winner, folder)


@pytest.mark.slow
def test_the_storage_has_them_once(searched: Searched, small_study: Path, places: Places, tmp_path: Path) -> None:
    storage, winner = searched.copy(tmp_path), searched.winner
    notes, executor = Notes(), Counting(Setup(places, folder=folder_of(storage)))
    context = context_of(storage, searched.file, places, listener=notes)
    assert seconds_for_references(context, 300.0) == 24.0
    found = fit_references(context, executor, winner, 300.0)
    assert len(found) == 5
    assert all(each.test_figures for each in found)
    assert notes.messages[-1] == "fitting reference models, for at most 24 s"
    assert fit_references(context, executor, winner, 300.0) == found
    assert executor.asked == 1
    assert seconds_for_references(context, 300.0) == 0.0
    assert len(load_study(storage, "small").user_attrs["anchors"]) == 1
    none = context_of(storage, small(small_study), places)
    assert fit_references(none, executor, winner, 300.0) == ()
    assert fit_references(context, executor, None, 300.0) == ()


class Names(AtOnce):
    """An executor whose processes know the models' names and no more."""

    def submit(self, number: int, job: Any, watch: Any) -> None:
        self.done.append((number, tuple(ReferenceModel(name) for name in job.names)))


def test_processes_share_them(searched: Searched, places: Places, tmp_path: Path) -> None:
    context = context_of(searched.copy(tmp_path), searched.file, places)
    found = fit_references(context, Names(size=3), searched.winner, 60.0)
    assert tuple(each.name for each in found) == model_names("classification")


class Gone(AtOnce):
    """An executor whose process is gone."""

    def submit(self, number: int, job: Any, watch: Any) -> None:
        self.done.append((number, Failure("process", "the training process is gone")))


def test_a_process_that_fails_costs_only_the_reference_models(
    searched: Searched, places: Places, tmp_path: Path
) -> None:
    notes = Notes()
    context = context_of(searched.copy(tmp_path), searched.file, places, listener=notes)
    assert fit_references(context, Gone(), searched.winner, 60.0) == ()
    assert notes.messages[-1] == "no reference models: the training process is gone"
    assert "anchors" not in context.study.user_attrs


@pytest.mark.slow
def test_a_report_shows_them(searched: Searched, places: Places, tmp_path: Path) -> None:
    storage, winner, url = searched.copy(tmp_path), searched.winner, default_url(tmp_path / "copy")
    found = (
        ReferenceModel("trees", {"accuracy": 1.0}, 0.001, {"accuracy": 0.99}, 1.0, 200),
        ReferenceModel("logistic", {"accuracy": 0.51}, 0.03, {"accuracy": 0.5}, 0.1, 200),
        ReferenceModel("default network", note="skipped, it needs more than the 1.0 s left"),
    )
    store_references(context_of(storage, searched.file, places).study, winner.recipe, winner.measure, found)
    write_report(url, "small", tmp_path / "results", places, tmp_path / "out")
    plain = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [each["name"] for each in plain["anchors"]] == ["trees", "logistic", "default network"]
    assert [row[0] for row in plain["tables"]["anchors-table"]["rows"]] == [
        "the model",
        "trees",
        "logistic",
        "default network",
    ]
    assert plain["charts"]["anchors-chart"]["series"][0]["points"] == [[1.0, 0.0], [0.51, 1.0]]
    assert (
        "Gradient-boosted trees are better than the final model on validation"
        in (tmp_path / "out" / "report.html").read_text()
    )
