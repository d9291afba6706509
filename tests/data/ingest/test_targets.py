"""Targets: one-hot columns as classes, and the class that metrics are about."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.ingest import ingest
from tuner.data.ingest.targets import target_profile
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import Arrays, Images, Table
from tuner.recipe.data import UserData

CLASSES = np.arange(30) % 3
ONE_HOT = pd.DataFrame(np.eye(3, dtype=int)[CLASSES], columns=["red", "green", "blue"])
A = Column(name="a", kind="number")


def ingested(folder: Path, data: UserData) -> UserData:
    """The data with its facts."""
    return ingest(data, folder, Places(None, folder / "cache"), lambda _: None)


def test_columns_with_a_single_one_in_each_row_are_classes() -> None:
    profile = target_profile(ONE_HOT, ("red", "green", "blue"), "guess", "t.csv")
    assert (profile.task, profile.classes, profile.counts) == ("classification", ("blue", "green", "red"), (10,) * 3)
    assert profile.reason == "each row has a single 1 in 3 targets; for labels, use --task multi_label"
    assert target_profile(ONE_HOT, ("red", "green", "blue"), "multi_label", "t.csv").task == "multi_label"
    assert target_profile(ONE_HOT.assign(red=1), ("green", "blue"), "guess", "t.csv").task == "multi_label"


@pytest.mark.parametrize("names", [["y[0]", "y[1]", "y[2]"], ["y0", "y1", "y2"]])
def test_one_hot_columns_without_names_are_numbered(names: list[str]) -> None:
    assert target_profile(ONE_HOT.set_axis(names, axis=1), names, "guess", "the data").classes == ("0", "1", "2")


def test_a_row_without_a_single_one_has_no_class() -> None:
    frame = ONE_HOT.copy()
    frame.loc[4, "red"] = 1
    with pytest.raises(DataError) as error:
        target_profile(frame, ("red", "green", "blue"), "classification", "t.csv")
    rule = "must have a single 1 in red, green, blue to be a class"
    assert str(error.value) == f"t.csv: column 'red', row 5: {rule}, got [1, 1, 0]"


def test_one_hot_targets_of_tables_and_arrays_are_class_numbers(tmp_path: Path) -> None:
    ONE_HOT.assign(a=np.arange(30.0)).to_csv(tmp_path / "t.csv", index=False)
    np.savez(tmp_path / "a.npz", x=np.arange(60.0).reshape(30, 2), y=ONE_HOT.to_numpy(float))
    table = Table(path="t.csv", target=("red", "green", "blue"), columns=(A,))
    for data, classes in ((table, ("blue", "green", "red")), (Arrays(path="a.npz"), ("0", "1", "2"))):
        training = training_set(ingested(tmp_path, data), Places(None, tmp_path / "cache"))
        assert training.classes == classes
        assert np.bincount(training.examples.labels).tolist() == [8, 8, 8]


def test_the_positive_class_is_the_second_of_two(tmp_path: Path) -> None:
    status = np.where(np.arange(40) % 8 == 0, "fraud", "ok")
    pd.DataFrame({"a": np.arange(40.0), "status": status}).to_csv(tmp_path / "t.csv", index=False)
    np.savez(tmp_path / "a.npz", x=np.arange(80.0).reshape(40, 2), y=status)
    for data in (
        Table(path="t.csv", target="status", columns=(A,), positive="fraud"),
        Arrays(path="a.npz", positive="fraud"),
    ):
        training = training_set(ingested(tmp_path, data), Places(None, tmp_path / "cache"))
        assert training.classes == ("ok", "fraud")
        assert np.bincount(training.examples.labels).tolist() == [28, 4]
    for name in ("fraud", "ok"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "images" / name / f"{number}.png").write_bytes(PNG)
    pictures = ingested(tmp_path, Images(path="images", size=(1, 1), positive="fraud"))
    assert pictures.found is not None
    assert pictures.found.classes == ("ok", "fraud")


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        (["fraud", "ok"], "; did you mean fraud?"),
        (["frau", "fraud", "ok"], ", which are 3 here"),
    ],
)
def test_only_one_of_two_classes_can_be_positive(classes: list[str], problem: str, tmp_path: Path) -> None:
    table = {"a": np.arange(40.0), "status": np.resize(classes, 40)}
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError) as error:
        ingested(tmp_path, Table(path="t.csv", target="status", columns=(A,), positive="frau"))
    assert str(error.value) == f"t.csv: positive: must be one of two classes{problem}"


@pytest.mark.parametrize(
    ("values", "positive"),
    [(["a", "b", "b"], "a"), (["a", "b"], ""), (["a", "b", "c", "c"], ""), ([1.5, 2.5, 3.5], "")],
)
def test_the_rarer_of_two_classes_is_proposed_as_the_positive_one(values: list[object], positive: str) -> None:
    frame = pd.DataFrame({"y": values * 10})
    assert target_profile(frame, ("y",), "guess", "t.csv").positive == positive


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
