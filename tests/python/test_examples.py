"""Data come in the forms that programs have them in; what is no data is refused in one message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
from scipy import sparse

import tuner
from tests.support.estimators import points, tiny
from tuner.base.errors import DataError, StudyError, TunerError
from tuner.data.sources import Places
from tuner.python.examples import examples_of, inputs_of
from tuner.python.study import Changes, study_on
from tuner.recipe import Table

COLUMNS = {"size": [1.5, 2.5], "town": ["a", "b"]}


class Foreign:
    """A frame of another library, such as Polars: it becomes a pandas frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def to_pandas(self) -> pd.DataFrame:
        return self.frame


class WithoutArrow(Foreign):
    """The same where that needs a package."""

    def to_pandas(self) -> pd.DataFrame:
        raise ModuleNotFoundError("pyarrow is required for converting to a pandas DataFrame")


def nullable() -> pd.DataFrame:
    """Columns of pandas' own types, with a gap each."""
    frame = pd.DataFrame({"size": [1.5, None, 3.0], "count": [1, None, 3], "town": ["a", None, "b"]})
    return frame.astype({"size": "Float64", "count": "Int64", "town": "string"})


@pytest.mark.parametrize(
    "x",
    [
        COLUMNS,
        [{"size": 1.5, "town": "a"}, {"size": 2.5, "town": "b"}],
        np.array([(1.5, "a"), (2.5, "b")], [("size", float), ("town", object)]),
        pd.DataFrame(COLUMNS, index=[7, 3]),
        pyarrow.table(COLUMNS),
        Foreign(pd.DataFrame(COLUMNS)),
    ],
    ids=["mapping", "records", "structured", "pandas", "arrow", "foreign"],
)
def test_a_table_keeps_its_names_and_types(x: Any) -> None:
    inputs = inputs_of(x)
    assert isinstance(inputs, pd.DataFrame)
    assert inputs.to_dict("list") == COLUMNS
    assert inputs.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("x", "values"),
    [
        (sparse.csr_matrix([[0, 2], [3, 0]]), [[0, 2], [3, 0]]),
        ([[0, 2], [3, 0]], [[0, 2], [3, 0]]),
        (np.array([[0, "a"], [3, "b"]], object), [[0, "a"], [3, "b"]]),
        (np.ma.masked_equal([[0, 2], [3, 9]], 9), [[0, 2], [3, None]]),
        (["a text", "another one"], [["a text"], ["another one"]]),
        (np.array([[b"a"], [b"b"]]), [["a"], ["b"]]),
        (np.array([[0.5, 2], [3, 0]], np.float16), [[0.5, 2], [3, 0]]),
        (np.broadcast_to(np.float32(1), (2, 1)), [[1], [1]]),
    ],
    ids=["sparse", "lists", "objects", "masked", "texts", "bytes", "half precision", "read-only"],
)
def test_two_axes_are_a_table_with_names_by_place(x: Any, values: list[list[Any]]) -> None:
    inputs = inputs_of(x)
    assert isinstance(inputs, pd.DataFrame)
    assert list(inputs.columns) == [f"x{place}" for place in range(len(values[0]))]
    assert inputs.astype(object).where(inputs.notna(), None).to_numpy().tolist() == values


def test_names_of_two_levels_and_numbers_become_texts() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")]))
    assert list(inputs_of(frame).columns) == ["('a', 'x')", "('a', 'y')", "('b', 'x')"]  # type: ignore[union-attr]
    assert list(inputs_of(pd.DataFrame([[1, 2]])).columns) == ["0", "1"]  # type: ignore[union-attr]


def test_durations_are_numbers_of_days() -> None:
    spans = pd.to_timedelta(["12h", None, "3D"])
    inputs = inputs_of(pd.DataFrame({"span": spans, "size": [1, 2, 3]}))
    assert isinstance(inputs, pd.DataFrame)
    assert inputs.span.fillna(-1).tolist() == [0.5, -1, 3]
    assert examples_of(COLUMNS, spans[[0, 2]]).y["0"].tolist() == [0.5, 3]


def test_images_stay_arrays() -> None:
    assert inputs_of(np.zeros((2, 8, 8))).shape == (2, 8, 8)


def test_targets_weights_and_groups_may_be_columns_of_the_table() -> None:
    frame, larger = points()
    frame = frame.assign(larger=larger, of=np.arange(80) // 8, counts=1.0)
    examples = examples_of(frame, "larger", "counts", "of")
    assert isinstance(examples.x, pd.DataFrame)
    assert (list(examples.x.columns), list(examples.y.columns)) == (["left", "right"], ["larger"])
    assert examples.weights is not None
    assert examples.groups is not None
    assert (examples.weights.sum(), examples.groups.max()) == (80.0, 9)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([0, 1]),
        [0, 1],
        np.array([[0], [1]]),
        pyarrow.array([0, 1]),
        pyarrow.table({"y": [0, 1]}),
        {"y": [0, 1]},
    ],
    ids=["series", "list", "column", "arrow", "table", "mapping"],
)
def test_targets_have_forms_too(y: Any) -> None:
    assert examples_of(COLUMNS, y).y.to_dict("list") == {"y": [0, 1]}


def batches() -> Iterator[Any]:
    """What has no length."""
    yield np.zeros((2, 2))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            "d.txt",
            [0, 1],
            "x: must be a data frame, an array, lists, a mapping of columns, or the path of a table, got 'd.txt'",
        ),
        (batches(), [0, 1], ", or the path of a table, got a generator"),
        (np.ones((2, 2)) * 1j, [0, 1], "x: must be real numbers, got complex ones"),
        (pd.DataFrame({"a": [1j, 2j]}), [0, 1], "x: must be real numbers, got complex ones"),
        (pd.DataFrame([[1, 2]], columns=["a", ""]), [0], "x: must have a name of its own for each column, got ''"),
        (
            pd.DataFrame([[1, 2]], columns=[1, "1"]),
            [0],
            "x: must have a name of its own for each column, got '1' twice",
        ),
        (object(), [0, 1], ", or the path of a table, got a object"),
        ([[1, 2], [3]], [0, 1], "x: cannot become an array: setting an array element with a sequence"),
        ({"a": [1, 2], "b": [1]}, [0, 1], "x: cannot become an array: All arrays must be of the same length"),
        (WithoutArrow(pd.DataFrame()), [0, 1], "a WithoutArrow becomes a pandas frame: pyarrow is required"),
        (COLUMNS, "twon", "has no column 'twon'; did you mean town?"),
        (COLUMNS, [0, 1, 2], "y: must have as many entries as x, 2, got 3"),
        (np.zeros((2, 3)), "label", "the data: has no column 'label'; allowed: x0, x1, x2"),
        (np.zeros((2, 3, 3)), "label", "the data: y: must be a data frame, an array, lists"),
        (np.zeros((2, 3)), np.zeros((2, 1, 1)), "y: must have one axis or two, got [2, 1, 1]"),
    ],
)
def test_what_is_no_data_is_refused_in_one_message(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        examples_of(x, y)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_in_another_order_are_refused() -> None:
    frame = pd.DataFrame(COLUMNS, index=["p", "q"])
    with pytest.raises(DataError, match="y: has the index of x in another order, and rows are matched by place"):
        examples_of(frame, pd.Series([0, 1], index=["q", "p"]))
    assert examples_of(frame, pd.Series([0, 1], index=["r", "s"])).y.y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((COLUMNS,), {}, "x and y come together"),
        (("d.csv",), {}, "x and y come together"),
        (
            (COLUMNS, "town"),
            {"minutes": "2m"},
            "minutes: must be a number above 0, such as 2 for two minutes, got '2m'",
        ),
        ((COLUMNS, "town"), {"minutes": 0}, "minutes: must be a number above 0, such as 2 for two minutes, got 0"),
        ((COLUMNS, "town"), {"trials": 2.5}, "trials: must be a whole number, got 2.5"),
        (
            (COLUMNS, [0, 1]),
            {"test": pd.DataFrame()},
            "test: must be a share such as 0.2, or a pair of x and y, got a DataFrame",
        ),
        ((COLUMNS, "town"), {"test": 1.5}, "test: must be a share such as 0.2, or a pair of x and y, got 1.5"),
        ((points()[0], "lift"), {}, "the data: has no column 'lift'; did you mean left?"),
        (("nowhere.csv", "label"), {}, "nowhere.csv: there is no such file in "),
        (("n" * 300, *points()), {}, "nnnnnnnnnnnnnnnnnnnn…: must be a name of at most 200 bytes, got 300"),
        (
            (*points(), points()[0]),
            {},
            "pass x and y, or a study before them, got a DataFrame; the test part goes to test=",
        ),
        (("a/b", *points()), {}, "a/b: must be a name for a file: letters, digits, -, _ and points, without .toml"),
    ],
)
def test_arguments_are_checked_before_anything_begins(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TunerError) as error:
        tuner.optimize(*arguments, runs=tmp_path / "runs", **options)
    assert message in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_frame_with_a_name_for_targets_may_have_a_test_frame_and_a_new_name(tmp_path: Path) -> None:
    frame, larger = points()
    file = study_on("mine", examples_of(frame.assign(y=larger), "y"), Changes(), Places(None, tmp_path))
    assert file.name == "mine"
    assert isinstance(file.data[0], Table)
    again = study_on("mine", examples_of(frame, larger), Changes(), Places(None, tmp_path))
    assert again.name == "mine"
    with pytest.raises(StudyError, match=r"there is no study file mine\.toml"):
        study_on("mine.toml", examples_of(frame, larger), Changes(), Places(None, tmp_path))


def test_pandas_own_types_are_read_with_their_gaps(tmp_path: Path) -> None:
    x = pd.concat([nullable()] * 10, ignore_index=True)
    file = study_on(tiny(), examples_of(x, [0, 1, 1] * 10), Changes(), Places(None, tmp_path))
    data = file.data[0]
    assert isinstance(data, Table)
    assert [(each.name, each.kind) for each in data.columns] == [
        ("size", "number"),
        ("count", "number"),
        ("town", "category"),
    ]
