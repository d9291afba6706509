"""Columns to coded rows and back, by the training part only."""

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError, Invalid
from tuner.data.ingest.coding import code_rows, fit_coding
from tuner.data.ingest.columns import Coding
from tuner.networks.columns import Coded, Column, Kind


def fitted(kind: Kind, values: list[Any], training: int | None = None) -> tuple[Coding, np.ndarray]:
    """A table of one column `a`, of which the first rows define the coding."""
    rows = np.arange(len(values) if training is None else training)
    return fit_coding((Column(name="a", kind=kind),), pd.DataFrame({"a": values}), rows, "t.csv")


def complaint(kind: Kind, values: list[Any]) -> str:
    """The message about a column."""
    with pytest.raises(DataError) as error:
        fitted(kind, values)
    return str(error.value)


NAMES = st.lists(st.none() | st.text(min_size=1, max_size=5), min_size=2, max_size=30).filter(any)


@given(NAMES, st.data())
def test_categories_come_back_from_their_codes(values: list[str | None], data: st.DataObject) -> None:
    training = data.draw(st.integers(next(i for i, each in enumerate(values) if each) + 1, len(values)))
    coding, matrix = fitted("category", values, training)
    (column,) = coding.columns
    names = (None, "unseen", *column.values)
    known = set(values[:training])
    wanted = [each if each is None or each in known else "unseen" for each in values]
    assert [names[int(number)] for number in matrix[:, 0]] == wanted
    assert set(column.values) == known - {None}
    assert column.coded == Coded("category", len(column.values) + 2, 1, None in known)


@given(NAMES, NAMES)
def test_the_test_part_does_not_change_the_coding(training: list[str | None], test: list[str | None]) -> None:
    for kind in ("category", "text"):
        alone, matrix = fitted(kind, training)
        both, longer = fitted(kind, training + test, len(training))
        assert both == alone
        np.testing.assert_array_equal(longer[: len(training)], matrix)
        np.testing.assert_array_equal(
            longer[len(training) :], code_rows(alone, pd.DataFrame({"a": test}, dtype=object))
        )


FLOATS = st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=20)


@given(FLOATS, FLOATS)
def test_numbers_are_what_they_were_but_for_their_origin(training: list[float], test: list[float]) -> None:
    alone, _ = fitted("number", training)
    both, matrix = fitted("number", training + test, len(training))
    assert both == alone
    origin = alone.columns[0].origin
    rounding = 1e-6 * abs(origin)  # float32's, of what lies an origin away
    np.testing.assert_allclose(matrix[:, 0] + origin, training + test, rtol=1e-6, atol=rounding)


def test_numbers_that_float32_would_make_equal_lose_their_middle() -> None:
    values = [1.7e9 + second for second in range(11)]
    coding, matrix = fitted("number", [*values, None])
    assert coding.columns[0].origin == 1.7e9 + 5
    assert matrix[:-1, 0].tolist() == list(range(-5, 6))
    assert np.isnan(matrix[-1, 0])
    assert fitted("number", [1990, 2005, 2020])[0].columns[0].origin == 0


def test_a_coding_survives_json() -> None:
    frame = pd.DataFrame(
        {"n": [1.5, 2.5], "c": ["x", "é"], "d": ["2020-01-31", None], "t": ["One two", "two"], "b": ["yes", "no"]}
    )
    kinds: dict[str, Kind] = {"n": "number", "c": "category", "d": "date", "t": "text", "b": "boolean"}
    columns = tuple(Column(name=name, kind=kind) for name, kind in kinds.items())
    coding, matrix = fit_coding(columns, frame, np.arange(2), "t.csv")
    again = decode(Coding, json.loads(json.dumps(encode(coding))))
    assert again == coding
    assert again.places == matrix.shape[1]
    np.testing.assert_array_equal(code_rows(again, frame), matrix)


def test_the_most_frequent_category_comes_first_then_the_alphabet() -> None:
    coding, matrix = fitted("category", ["b", "c", "a", "c", None])
    assert coding.columns[0].values == ("c", "a", "b")
    assert matrix[:, 0].tolist() == [4, 2, 3, 2, 0]


def test_the_rarest_of_more_than_a_thousand_categories_are_unseen() -> None:
    coding, matrix = fitted("category", [f"{number:04}" for number in range(1002)])
    assert len(coding.columns[0].values) == 1000
    assert matrix[-3:, 0].tolist() == [1001, 1, 1]


@pytest.mark.parametrize("values", [[1, 2, 1], [1.0, 2.0, 1.0], ["1", "2", "1"], pd.Categorical(["1", "2", "1"])])
def test_a_category_is_the_same_whatever_type_wrote_it(values: Any) -> None:
    assert fitted("category", values)[0].columns[0].values == ("1", "2")


@pytest.mark.parametrize("values", [["true", "No", "YES", None], [1, 0, 1, None], [True, False, True, None]])
def test_truths_are_read_as_they_are_usually_written(values: list[Any]) -> None:
    coding, matrix = fitted("boolean", values)
    assert matrix[:, 0].tolist() == [3, 2, 3, 0]
    assert coding.coded == (Coded("boolean", 4, 1, True),)


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (["1970-01-02", "1970-01-03T12:00", None], [1, 2.5, np.nan]),
        (["1970-01-02T00:00+02:00", "1970-01-02 00:00Z"], [1 - 1 / 12, 1]),
        (["02/01/1970", "31/01/1970"], [1, 30]),
        (["01/02/1970", "01/03/1970"], [1, 2]),
        (pd.to_datetime(["1970-01-02", "", "1970-01-04"]), [1, np.nan, 3]),
        (pd.to_datetime(["1970-01-02T00:00+02:00"]), [1 - 1 / 12]),
    ],
)
def test_dates_are_days_since_1970(values: Any, days: list[float]) -> None:
    np.testing.assert_allclose(fitted("date", values)[1][:, 0], days, rtol=1e-6)


def test_later_dates_are_read_in_the_format_of_the_training_part() -> None:
    coding, _ = fitted("date", ["31/01/1970", "02/01/1970"])
    assert code_rows(coding, pd.DataFrame({"a": ["03/01/1970"]})).tolist() == [[2]]


def test_words_of_a_text_are_codes_of_those_that_occur_twice() -> None:
    coding, matrix = fitted("text", ["A dog, a cat", "the DOG", None, "!"])
    (column,) = coding.columns
    assert column.values == ("a", "dog")
    assert column.places == 4
    assert matrix.tolist() == [[2, 3, 2, 1], [1, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_text_has_as_many_places_as_most_need() -> None:
    assert fitted("text", ["one"] * 99 + ["w " * 50])[0].columns[0].places == 1
    assert fitted("text", ["w " * 100] * 10)[0].columns[0].places == 64


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("number", [1, "1,5"], "t.csv: column 'a', row 2: must be a number, got '1,5'"),
        ("number", [1.0, np.inf], "t.csv: column 'a', row 2: must be a number below 3.4e38, got inf"),
        ("number", pd.to_datetime(["2020-01-01"]), "t.csv: column 'a': must be numbers, got dates"),
        ("boolean", ["yes", "si"], "t.csv: column 'a', row 2: must be true or false, yes or no, 1 or 0, got 'si'"),
        (
            "date",
            ["2020-01-01", "2020-13-01"],
            "t.csv: column 'a', row 2: must be a date such as 2024-12-31, got '2020-13-01'",
        ),
        ("category", [["a"], ["b"]], "t.csv: column 'a': must hold single values, not lists"),
    ],
)
def test_what_a_column_cannot_be_is_named_with_its_row(kind: Kind, values: list[Any], message: str) -> None:
    assert complaint(kind, values) == message


@pytest.mark.parametrize("kind", ["number", "boolean", "category", "date", "text"])
def test_a_column_without_any_value_in_the_training_part_is_always_missing(kind: Kind) -> None:
    later = {"number": 2.5, "boolean": "yes", "category": "x", "date": "2024-12-31", "text": "new words"}[kind]
    coding, matrix = fitted(kind, [None, None, later], training=2)
    assert coding.columns[0].coded.lacks
    assert matrix.shape == (3, 1)
    assert not np.nan_to_num(matrix[:2]).any()


def with_format(kind: Kind, format: str, values: list[Any]) -> np.ndarray:
    """The coded values of a column with a format."""
    columns = (Column(name="a", kind=kind, format=format),)
    return fit_coding(columns, pd.DataFrame({"a": values}), np.arange(len(values)), "t.csv")[1][:, 0]


def test_a_format_says_how_dates_and_numbers_are_read() -> None:
    assert with_format("date", "%d/%m/%Y", ["01/02/1970", "01/03/1970"]).tolist() == [31, 59]
    assert with_format("date", "%m/%d/%Y", ["01/02/1970", "01/03/1970"]).tolist() == [1, 2]
    assert with_format("number", "1,234.5", ["1,234", "1.5", 7, None])[:3].tolist() == [1234, 1.5, 7]
    assert with_format("number", "1.234,5", ["1.234", "1,5", "−7 €", ""])[:3].tolist() == [1234, 1.5, -7]


def test_a_time_of_day_is_a_part_of_the_first_day() -> None:
    assert with_format("date", "%H:%M", ["00:00", "06:00", "18:00"]).tolist() == [0, 0.25, 0.75]
    assert fitted("date", ["6:00", "18:30", None])[1][:2, 0].tolist() == pytest.approx([0.25, 18.5 / 24])
    assert fitted("date", [datetime.time(6), datetime.time(12)])[1][:, 0].tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("kind", "format", "value", "message"),
    [
        ("date", "%d/%m/%Y", "12/31/2024", "must be a date such as 31/12/2024, got '12/31/2024'"),
        ("date", "%H:%M", "late", "must be a time of day such as 23:59, got 'late'"),
        ("number", "1.234,5", "1,234.5", "must be a number such as 1.234,5, got '1,234.5'"),
        ("number", "1,234.5", "1,2,3", "must be a number such as 1,234.5, got '1,2,3'"),
    ],
)
def test_messages_show_an_example_of_the_format(kind: Kind, format: str, value: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        with_format(kind, format, [value])
    assert str(error.value) == f"t.csv: column 'a', row 1: {message}"


@pytest.mark.parametrize(
    ("kind", "format", "message"),
    [
        ("date", "%Q", "format: must be a pattern such as %d/%m/%Y, got '%Q'"),
        ("date", "dd.mm.yyyy", "format: must be a pattern such as %d/%m/%Y, got 'dd.mm.yyyy'"),
        ("number", "$", "format: must be empty, or one of 1,234.5, 1.234,5, got '$'"),
        ("text", "%Y", "format: must be empty, or a number of words such as 256, got '%Y'"),
    ],
)
def test_a_format_that_says_nothing_is_refused(kind: Kind, format: str, message: str) -> None:
    with pytest.raises(Invalid) as error:
        Column(name="a", kind=kind, format=format)
    assert str(error.value) == message


def test_a_column_that_is_missing_later_is_named() -> None:
    coding, _ = fitted("number", [1, 2])
    with pytest.raises(DataError, match=r"^new\.csv: has no column 'a'; allowed: b$"):
        code_rows(coding, pd.DataFrame({"b": [1]}), "new.csv")
