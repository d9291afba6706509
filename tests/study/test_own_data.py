"""Studies on the user's own data: their facts are read when they are loaded; they are searched, refitted and continued."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.storages import BaseStorage

from tests.support.searches import context_of, folder_of, search
from tuner.base.errors import StudyError, TunerError
from tuner.base.metrics import METRICS
from tuner.data.sources import Places
from tuner.recipe import Table
from tuner.refit.refit import refit_best
from tuner.search.studies import open_study
from tuner.storage import read_study
from tuner.study import StudyFile, load, setting
from tuner.training.saving import load_model, on_codes
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess

STUDY = """
objective = "{objective}"
[budget]
trials = 1
minutes = 5
[search]
pruner = "none"
centre = false
[confirmation]
seeds = 1
members = 2
anchors = false
[recipe.data]
kind = "table"
path = "rows.csv"
target = {target}
task = "{task}"
columns = [{{ name = "size", kind = "number" }}, {{ name = "color", kind = "category" }}]
encoding = {{ numbers = {{ choice = ["standard", "quantile"] }} }}
[recipe.protocol]
kind = "k_fold"
folds = 2
[recipe.training]
loss = "{loss}"
batch_size = 16
epochs = 2
[recipe.network]
kind = "dense"
widths = [8]
output = "{output}"
"""
TASKS: dict[str, dict[str, str]] = {
    "classification": {
        "objective": "validation_log_loss",
        "target": '"kind"',
        "loss": "sparse_categorical_crossentropy",
        "output": "softmax",
    },
    "multi_label": {
        "objective": "validation_macro_f1",
        "target": '["heavy", "red"]',
        "loss": "binary_crossentropy",
        "output": "sigmoid",
    },
    "regression": {
        "objective": "validation_rmse",
        "target": '["price", "weight"]',
        "loss": "mean_squared_error",
        "output": "linear",
    },
}


def rows(count: int = 80) -> pd.DataFrame:
    """A table that is easy to learn, with a missing number and a missing color."""
    rng = np.random.default_rng(0)
    size, color = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    frame = pd.DataFrame({"size": size, "color": color, "price": 1000 + 50 * size, "weight": 3.0 * size})
    frame["kind"] = np.where(size > 0, "large", "small")
    frame["heavy"], frame["red"] = (size > 0).astype(int), (color == "red").astype(int)
    frame.loc[3, "size"], frame.loc[4, "color"] = np.nan, None
    return frame


def study(folder: Path, places: Places, task: str, *settings: str, frame: pd.DataFrame | None = None) -> StudyFile:
    """The study of a task, with its table in the same folder."""
    (rows() if frame is None else frame).to_csv(folder / "rows.csv", index=False)
    path = folder / "own.toml"
    path.write_text(STUDY.format(task=task, **TASKS[task]))
    return load(path, "own", [setting(each) for each in settings], places)


def test_loading_reads_the_facts_of_the_data(tmp_path: Path, places: Places) -> None:
    file = study(tmp_path, places, "classification")
    (data,) = file.data
    assert isinstance(data, Table)
    assert data.found is not None
    assert (data.found.training_examples, data.found.test_examples) == (64, 16)
    assert data.found.classes == ("large", "small")
    assert [(column.kind, column.size) for column in data.found.columns] == [("number", 0), ("category", 5)]
    assert file.datasets == ("rows.csv",)


def test_facts_of_the_data_in_a_file_are_refused(tmp_path: Path, places: Places) -> None:
    with pytest.raises(TunerError, match=r"recipe\.data\.found: must be left out: it is read from the data"):
        study(tmp_path, places, "classification", 'data.found={identity="x"}')


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_each_task_is_searched_confirmed_and_saved(
    task: str, storage: BaseStorage, tmp_path: Path, places: Places
) -> None:
    file = study(tmp_path, places, task)
    search(storage, file, places, trials=1)
    folder = folder_of(storage)
    context = context_of(storage, file, places)
    confirmed = refit_best(context, InProcess(Setup(places, folder=folder)))
    assert confirmed is not None
    measure = TASKS[task]["objective"].removeprefix("validation_")
    assert confirmed.measure == measure
    assert task in METRICS[measure].tasks
    assert confirmed.test is not None
    assert confirmed.test_interval is not None
    low, high = confirmed.test_interval
    assert low <= confirmed.test <= high
    assert set(confirmed.test_figures) == {name for name, each in METRICS.items() if task in each.tasks}
    coding, inner = on_codes(load_model(confirmed.model))
    assert [column.name for column in coding.columns] == ["size", "color"]
    outputs = np.asarray(inner(np.array([[0.5, 2.0], [np.nan, 0.0]], np.float32)))
    assert outputs.shape == (2, 2)
    assert np.isfinite(outputs).all()
    if task == "regression":
        assert 800 < outputs[0, 0] < 1200, "in the targets' own units"
    assert [trial.state for trial in read_study(storage, "own").trials] == ["complete"]


def test_a_changed_data_file_is_refused(storage: BaseStorage, tmp_path: Path, places: Places) -> None:
    open_study(storage, study(tmp_path, places, "classification"))
    other = rows()
    other.loc[0, "size"] = 9.0
    with pytest.raises(StudyError) as raised:
        open_study(storage, study(tmp_path, places, "classification", frame=other))
    beginning = "the study 'own' began with other data: rows.csv has changed since"
    assert str(raised.value).startswith(f"{beginning}.\nIts trials cannot be compared with new ones. ")
    with pytest.raises(StudyError) as raised:
        open_study(storage, study(tmp_path, places, "classification", frame=pd.concat([rows(), rows()[:10]])))
    sizes = f"({round(0.8 * len(rows()))} training examples then, {round(0.8 * (len(rows()) + 10))} now)"
    assert str(raised.value).startswith(f"{beginning} {sizes}.\n")


def test_other_settings_of_the_data_are_named_themselves(storage: BaseStorage, tmp_path: Path, places: Places) -> None:
    open_study(storage, study(tmp_path, places, "classification"))
    with pytest.raises(StudyError) as raised:
        open_study(storage, study(tmp_path, places, "classification", "data.positive=large"))
    first, second, *_ = str(raised.value).splitlines()
    assert first == "the study 'own' began with another search space or objective:"
    assert second == "  recipe.data.positive: absent in the storage, large in the file"


def test_the_same_rows_in_another_file_are_the_same_data(storage: BaseStorage, tmp_path: Path, places: Places) -> None:
    first = study(tmp_path, places, "classification")
    open_study(storage, first)
    (tmp_path / "elsewhere").mkdir()
    again = study(tmp_path / "elsewhere", places, "classification")
    _, _, differences = open_study(storage, again)
    assert differences == ()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["objective=validation_r2"], "objective: must be one of validation_accuracy, "),
        (["data.columns=[{name='siez', kind='number'}]"], "rows.csv: has no column 'siez'; did you mean size?"),
        (["data.path=../rows.csv"], "../rows.csv: "),
        (["data.task=regression"], "rows.csv: column 'kind', row 1: must be a number, got 'large'"),
        (["data.task=regression", "data.target=price"], "recipe.training.loss: must be one of mean_squared_error"),
    ],
)
def test_settings_that_do_not_fit_the_data_give_one_message(
    settings: list[str], complaint: str, tmp_path: Path, places: Places
) -> None:
    with pytest.raises(TunerError) as raised:
        study(tmp_path, places, "classification", *settings)
    assert complaint in str(raised.value)


@pytest.mark.slow
def test_balanced_class_weights_make_rare_classes_count(storage: BaseStorage, tmp_path: Path, places: Places) -> None:
    """One example in ten is of the rare class, and the inputs do not show which. Without weights the rare class is never
    predicted; with weights half of the predictions are the rare class."""
    frame = rows(200)
    frame["size"], frame["color"] = 0.0, "red"
    frame["size"] += np.random.default_rng(1).normal(size=200)
    frame["kind"] = np.where(np.arange(200) % 10 == 0, "rare", "usual")
    shares: dict[str, Any] = {}
    for weights in ("none", "balanced"):
        settings = ("objective=validation_balanced_accuracy", "training.epochs=20", f"training.class_weights={weights}")
        holdout = "protocol={kind='holdout', validation=0.5}"
        file = study(tmp_path, places, "classification", *settings, holdout, frame=frame)
        name = f"own-{weights}"
        search(storage, replace(file, name=name), places, trials=1)
        result = read_study(storage, name).trials[0].result
        assert result is not None
        assert result.validation is not None
        shares[weights] = result.validation.accuracy
    assert shares["none"] > shares["balanced"] + 0.1
