"""Generated study files: each loads, has facts of the data in comments, and can be searched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.storages import BaseStorage
from PIL import Image

from tests.support.searches import context_of, folder_of, search
from tuner.data.ingest.arrays import profile_arrays
from tuner.data.ingest.images import profile_images
from tuner.data.ingest.profile import Roles, profile_table
from tuner.data.sources import Places
from tuner.init.advice import NewStudy, Profile
from tuner.init.template import study_text
from tuner.recipe import Cut
from tuner.refit.refit import refit_best
from tuner.storage import read_study
from tuner.study import StudyFile, load, setting
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess

A_FIFTH = Cut()
CHANCE = np.random.default_rng(0)
Y: dict[str, Callable[[int], Any]] = {
    "classes": lambda rows: np.array(["no", "yes", "perhaps"])[np.arange(rows) % 3],
    "rare": lambda rows: (np.arange(rows) % 20 == 0).astype(int),
    "number": lambda rows: CHANCE.normal(size=rows),
}


def table(folder: Path, rows: int = 120, target: str = "classes", **columns: Any) -> pd.DataFrame:
    """A file `t.csv` with two columns, these ones, and a target."""
    numbers = {"number": CHANCE.normal(size=rows), "kind": np.array(list("abc"))[CHANCE.integers(0, 3, rows)]}
    frame = pd.DataFrame({**numbers, **columns, "y": Y[target](rows)})
    frame.to_csv(folder / "t.csv", index=False)
    return frame


def arrays(folder: Path, shape: tuple[int, ...], y: Any, dtype: str = "float32") -> Profile:
    """The profile of a file `a.npz`."""
    x = CHANCE.integers(0, 255, (len(y), *shape)) if dtype == "uint8" else CHANCE.normal(size=(len(y), *shape))
    np.savez(folder / "a.npz", x=x.astype(dtype), y=y)
    return profile_arrays(folder / "a.npz", Roles(()), "guess")


def pictures(folder: Path) -> Profile:
    """The profile of a folder `p` of images."""
    for name in ("cat", "dog"):
        (folder / "p" / name).mkdir(parents=True)
        for place in range(20):
            values = CHANCE.integers(0, 255, (16, 20, 3)).astype(np.uint8)
            Image.fromarray(values).save(folder / "p" / name / f"{place}.png")
    return profile_images(folder / "p")


def written(found: Profile, folder: Path, path: str, test: str | Cut = A_FIFTH) -> tuple[str, StudyFile]:
    """The file's text, and the study that it is."""
    text = study_text(found, NewStudy("mine", path, test, 1.5))
    (folder / "mine.toml").write_text(text)
    return text, load(folder / "mine.toml", "mine", places=Places(None, folder / "cache"))


@pytest.mark.parametrize(
    ("rows", "target", "objective", "loss", "output"),
    [
        (120, "classes", "validation_log_loss", "categorical_crossentropy", "softmax"),
        (1_000, "classes", "validation_log_loss", "categorical_crossentropy", "softmax"),
        (26_000, "classes", "validation_accuracy", "categorical_crossentropy", "softmax"),
        (120, "rare", "validation_log_loss", "categorical_crossentropy", "softmax"),
        (1_000, "rare", "validation_balanced_accuracy", "categorical_crossentropy", "softmax"),
        (120, "number", "validation_r2", "mean_squared_error", "linear"),
    ],
)
def test_a_table_becomes_a_study_of_its_task(
    rows: int, target: str, objective: str, loss: str, output: str, tmp_path: Path
) -> None:
    _, study = written(profile_table(table(tmp_path, rows, target), Roles(("y",))), tmp_path, "t.csv")
    _, recipe = study.corners[0]
    assert study.objectives == (objective,)
    assert (recipe.training.loss.kind, recipe.network.output) == (loss, output)
    assert (study.budget.minutes, study.budget.trials, study.budget.epochs) == (1.5, 0, "fit")
    assert {recipe.training.epochs for _, recipe in study.corners} == {study.epochs}, "all first looks are equally long"
    assert study.confirmation.members == 8
    assert study.unbuildable is None


def test_several_labels_become_a_study(tmp_path: Path) -> None:
    frame = table(tmp_path, rows=700, other=np.arange(700) % 2)
    frame["y"] = (np.arange(700) % 3 == 0).astype(int)
    frame.to_csv(tmp_path / "t.csv", index=False)
    text, study = written(profile_table(frame, Roles(("y", "other"))), tmp_path, "t.csv")
    assert study.objectives == ("validation_log_loss",)
    assert 'target = ["y", "other"]' in text
    assert study.corners[0][1].training.loss.kind == "binary_crossentropy"


@pytest.mark.parametrize(
    ("shape", "dtype", "scaling", "families"),
    [
        ((6,), "float32", "standard", {"ensemble_dense", "residual_dense", "dense"}),
        ((10, 3), "float32", "standard", {"ensemble_dense", "residual_dense", "dense"}),
        ((8, 8), "float32", "standard", {"staged", "dense"}),
        ((16, 16, 3), "uint8", "unit", {"staged", "dense"}),
    ],
)
def test_arrays_become_a_study_of_their_shape(
    shape: tuple[int, ...], dtype: str, scaling: str, families: set[str], tmp_path: Path
) -> None:
    text, study = written(arrays(tmp_path, shape, np.arange(90) % 3, dtype), tmp_path, "a.npz")
    assert {recipe.network.kind for _, recipe in study.corners} == families
    assert f'scaling = "{scaling}"' in text
    assert study.unbuildable is None


@pytest.mark.parametrize("labels", [np.arange(120) % 7 + 0.5, np.arange(240).reshape(120, 2) % 3 % 2])
def test_arrays_of_every_task_become_a_study(labels: Any, tmp_path: Path) -> None:
    _, study = written(arrays(tmp_path, (4,), labels), tmp_path, "a.npz")
    assert study.unbuildable is None


def test_images_become_a_study(tmp_path: Path) -> None:
    text, study = written(pictures(tmp_path), tmp_path, "p")
    assert "size = [16, 20]  # height and width; in the files: smallest 16×20, median 16×20, largest 16×20\n" in text
    assert "color = true\n" in text
    assert {recipe.network.kind for _, recipe in study.corners} == {"staged", "dense"}
    assert study.unbuildable is None


def test_columns_are_written_one_a_line_with_their_facts(tmp_path: Path) -> None:
    nasty = 'a "b"\\ # c'
    frame = table(tmp_path, same=1, row=np.arange(120)).assign(**{nasty: np.arange(120) // 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    text, study = written(profile_table(frame, Roles(("y",))), tmp_path, "t.csv")
    assert r'    { name = "a \"b\"\\ # c", kind = "number" },  # whole numbers, 60 different: 0, 1, 2 …' in text
    assert '\n# Left out:\n#   "same": the same in all rows: 1\n' in text
    assert '\n#   { name = "row", kind = "number" }: a running number of the rows\n' in text
    assert [column.name for column in study.data[0].columns] == ["number", "kind", nasty]  # type: ignore[union-attr]


def test_a_table_without_numbers_has_no_encoding_of_them(tmp_path: Path) -> None:
    frame = table(tmp_path).drop(columns="number")
    text, _ = written(profile_table(frame, Roles(("y",))), tmp_path, "t.csv")
    assert "encoding" not in text


@pytest.mark.parametrize(
    ("rows", "target", "roles", "protocol"),
    [
        (120, "classes", Roles(("y",)), 'folds = 5\npick = "stratified"\n'),
        (60, "classes", Roles(("y",)), 'folds = 3\npick = "stratified"\n'),
        (60, "rare", Roles(("y",)), 'folds = 3\npick = "random"\n'),
        (7_000, "classes", Roles(("y",)), 'folds = 3\npick = "stratified"\n'),
        (25_000, "classes", Roles(("y",)), 'kind = "holdout"\nvalidation = 0.2\npick = "stratified"\n'),
        (120, "classes", Roles(("y",), group="group"), 'folds = 3\npick = "stratified"\n'),
        (
            120,
            "classes",
            Roles(("y",), time="when"),
            'kind = "holdout"  # trained on the past, validated on what follows\nvalidation = 0.2\npick = "last"\n',
        ),
    ],
)
def test_the_protocol_follows_from_rows_groups_and_time(
    rows: int, target: str, roles: Roles, protocol: str, tmp_path: Path
) -> None:
    frame = table(tmp_path, rows, target, group=np.arange(rows) % 7, when=CHANCE.permutation(rows))
    text, _ = written(profile_table(frame, roles), tmp_path, "t.csv")
    assert protocol in text


@pytest.mark.parametrize(
    ("shape", "protocol"), [((8, 8), 'kind = "holdout"\nvalidation = 0.2\n'), ((64,), "folds = 3\n")]
)
def test_images_need_no_folds_from_five_thousand_on(shape: tuple[int, ...], protocol: str, tmp_path: Path) -> None:
    text, _ = written(arrays(tmp_path, shape, np.arange(7_000) % 3, "uint8"), tmp_path, "a.npz")
    assert protocol in text


@pytest.mark.parametrize("target", ["classes", "number"])
def test_a_table_begins_with_realmlp_and_tabm_and_searches_what_they_are_made_of(target: str, tmp_path: Path) -> None:
    text, study = written(profile_table(table(tmp_path, target=target), Roles(("y",))), tmp_path, "t.csv")
    first, second, *_ = map(study.recipe_at, study.start)
    assert (first.network.kind, second.network.kind) == ("dense", "ensemble_dense")
    assert first.training.schedule.kind == "log_cosine"
    assert getattr(first.training.optimizer, "rates", "") == "ntk"
    assert first.training.regularization == "flat_cosine"
    holes = "numbers loss regularization schedule learning_rate weight_decay widths activation initializer dropout"
    assert all(f"\n{name} = {{" in text for name in [*holes.split(), "batch_normalization", "batch_size", "averaging"])


@pytest.mark.parametrize(("rows", "bins"), [(5_000, 16), (7_000, 48)])
def test_many_rows_have_finer_bins(rows: int, bins: int, tmp_path: Path) -> None:
    text, study = written(profile_table(table(tmp_path, rows), Roles(("y",))), tmp_path, "t.csv")
    assert f"bins = {bins}  # for piecewise\n" in text
    assert study.corners[0][1].data.encoding.bins == bins  # type: ignore[union-attr]


def test_a_test_file_is_named(tmp_path: Path) -> None:
    frame = table(tmp_path)
    frame.to_csv(tmp_path / "test.csv", index=False)
    text, study = written(profile_table(frame, Roles(("y",))), tmp_path, "t.csv", "test.csv")
    assert 'test = "test.csv"  # opened only for a final model\n' in text
    assert study.data[0].found.test_examples == 120  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["classes", "number", "labels", "images"])
def test_a_generated_study_can_be_searched(target: str, storage: BaseStorage, tmp_path: Path) -> None:
    match target:
        case "images":
            written(pictures(tmp_path), tmp_path, "p")
        case "labels":
            written(arrays(tmp_path, (4,), np.arange(240).reshape(120, 2) % 3 % 2), tmp_path, "a.npz")
        case _:
            written(profile_table(table(tmp_path, target=target), Roles(("y",))), tmp_path, "t.csv")
    places = Places(None, tmp_path / "cache")
    settings = ("budget.epochs=fixed", "training.epochs=1", "search.pruner=none", "confirmation.seeds=1")
    choices = [setting(each) for each in (*settings, "confirmation.anchors=false", "protocol.folds=2")]
    study = load(tmp_path / "mine.toml", "mine", choices, places)
    search(storage, study, places, trials=1)
    assert [trial.state for trial in read_study(storage, "mine").trials] == ["complete"]
    executor = InProcess(Setup(places, folder=folder_of(storage)))
    confirmed = refit_best(context_of(storage, study, places), executor)
    assert confirmed is not None
    assert confirmed.model.is_file()
