"""Rows that equal others: on one side of a split, or counted beside the figure; and groups that no split can divide."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.arrays import profile_arrays
from tuner.data.ingest.ingest import ingest
from tuner.data.ingest.profile import Roles, TableProfile, profile_table
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.networks.columns import Column
from tuner.recipe import Arrays, Images, KFold, Table
from tuner.recipe.data import UserData

NOISE = np.random.default_rng(0).normal(size=40)
FRAME = pd.DataFrame({"a": NOISE, "b": NOISE[::-1], "y": np.arange(40) % 2})
DATA = Table(path="t.csv", target="y", columns=(Column(name="a", kind="number"), Column(name="b", kind="number")))


def origin(folder: Path, data: UserData) -> str:
    """What is logged about the data's origin, after the path."""
    places = Places(None, folder / "cache")
    return training_set(ingest(data, folder, places, lambda _: None), places).origin.partition("; ")[2]


def profile(frame: pd.DataFrame, **roles: str) -> TableProfile:
    """The profile of a table."""
    return profile_table(frame, Roles(("y",), **roles), where="t.csv")  # type: ignore[arg-type]


def test_rows_that_occur_several_times_stay_together(tmp_path: Path) -> None:
    pd.concat([FRAME] * 5).to_csv(tmp_path / "t.csv", index=False)
    places = Places(None, tmp_path / "cache")
    data = ingest(replace(DATA, group="equal rows"), tmp_path, places, lambda _: None)
    training, test = training_set(data, places), held_out(data, places)
    assert training.origin == f"from {tmp_path}/t.csv"
    assert len(test.examples) == 40
    inputs = training.examples.inputs[:, 0]
    for fold in folds_of(KFold(folds=4), training):
        assert not np.isin(inputs[fold.validation], inputs[fold.training]).any()


def test_the_profile_proposes_to_keep_equal_rows_together() -> None:
    found = profile(pd.concat([FRAME] * 5, ignore_index=True))
    assert (found.roles.group, found.groups) == ("equal rows", 40)
    expected = "160 of 200 rows equal an earlier row: equal rows stay on one side of every split"
    assert found.warnings == (expected,)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        pd.DataFrame({"a": NOISE > 0, "b": NOISE[::-1] > 0.5, "y": np.arange(40) % 2}),
        pd.DataFrame({"a": (9 * NOISE).round(), "b": NOISE > 1, "y": np.arange(40) % 2}),
    ],
)
def test_rows_that_are_equal_by_chance_are_no_groups(frame: pd.DataFrame) -> None:
    assert profile(frame).roles.group == ""


def test_a_group_or_an_order_in_time_comes_first() -> None:
    frame = pd.concat([FRAME.assign(g=np.arange(40) // 4)] * 2, ignore_index=True).assign(t=range(80))
    assert profile(frame, group="g").roles.group == "g"
    assert profile(frame, time="t").roles.group == ""


@pytest.mark.parametrize("group", ["", "equal rows"])
def test_test_rows_that_are_training_rows_are_counted(group: str, tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    pd.concat([FRAME[:15], FRAME[:5] + 10]).assign(y=[0, 1] * 10).to_csv(tmp_path / "test.csv", index=False)
    data = replace(DATA, test="test.csv", group=group)
    assert origin(tmp_path, data) == "15 of 20 test examples equal a training example"
    FRAME[:20].assign(a=0.5).to_csv(tmp_path / "test.csv", index=False)
    assert origin(tmp_path, data) == ""


def test_equal_examples_in_arrays_and_pictures_are_counted(tmp_path: Path) -> None:
    x = np.repeat(np.arange(20.0), 2)[:, None] + [0, 1]
    np.savez(
        tmp_path / "a.npz", x_train=x, y_train=np.arange(40) % 2, x_test=x[:10] + [[0], [99]] * 5, y_test=[0, 1] * 5
    )
    assert origin(tmp_path, Arrays(path="a.npz")) == "5 of 10 test examples equal a training example"
    from PIL import Image

    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(6):
                color = 20 * number + (name == "cat") + 10 * (part == "test" and number > 3)
                Image.new("L", (2, 2), color).save(tmp_path / part / name / f"{number}.png")
    images = Images(path="train", test="test", size=(2, 2))
    assert origin(tmp_path, images) == "8 of 12 test examples equal a training example"


def test_a_group_of_nearly_all_rows_is_refused(tmp_path: Path) -> None:
    names = np.where(np.arange(40) < 34, "big", [f"g{each}" for each in range(40)])
    what = "the group 'big' has 34 of 40 rows, more than one part can have"
    cure = "leave --group out, or name a finer column"
    with pytest.raises(DataError) as error:
        profile(FRAME.assign(clinic=names), group="clinic")
    assert str(error.value) == f"t.csv: column 'clinic': {what}; {cure}"
    np.savez(tmp_path / "a.npz", x=FRAME[["a"]], y=FRAME["y"], clinic=names)
    with pytest.raises(DataError) as error:
        profile_arrays(tmp_path / "a.npz", Roles((), group="clinic"), "guess")
    assert str(error.value) == f"{tmp_path}/a.npz: column 'clinic': {what}; {cure}"
