"""The values of one column, read from whatever type the file gave them: numbers, texts, dates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError, near_miss
from tuner.data.ingest.formats import Numbers, date_formats, days_in, days_of, numbers_in

Rows = NDArray[np.int64]
ROWS_IN_MESSAGE = 3
FEWEST_GROUPS, LARGEST_GROUP = 5, 0.8
EQUAL_ROWS = "equal rows"
"""The group column that a table need not have."""


@dataclass(frozen=True, eq=False)
class Factorized:
    """A column's different values as texts, and for each row the number of its value; -1 where it is missing."""

    numbers: Rows
    names: tuple[str, ...]

    def counts(self, rows: Rows) -> Rows:
        """How many of these rows have each value."""
        numbers = self.numbers[rows]
        return np.bincount(numbers[numbers >= 0], minlength=len(self.names))


def column_of(frame: pd.DataFrame, name: str, where: str) -> "pd.Series[Any]":
    """The column with this name. Raises `DataError` where there is none."""
    if name not in frame.columns:
        raise DataError(f"{where}: has no column {name!r}; {near_miss(name, map(str, frame.columns))}")
    return frame[name]


def with_equal_rows(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The frame with a column of groups, `EQUAL_ROWS`: rows with the same values in these columns are one group."""
    return frame.assign(**{EQUAL_ROWS: pd.util.hash_pandas_object(frame[list(names)], index=False).to_numpy()})


def factorize(column: "pd.Series[Any]", where: str) -> Factorized:
    """Every value as a text: what a file wrote, whole numbers without a point. An empty text is a missing value."""
    try:
        numbers, values = pd.factorize(column)
    except TypeError:
        raise DataError(f"{where}: column {column.name!r}: must hold single values, not lists") from None
    texts = [value if type(value) is str else text_of(value) for value in np.asarray(values, object).tolist()]
    merged, names = pd.factorize(np.array([text or None for text in texts], object))
    return Factorized(np.append(merged, -1)[numbers].astype(np.int64), tuple(names))


def text_of(value: object) -> str:
    """A value as a text: a whole number has no point."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if is_whole else str(value)  # type: ignore[call-overload]


def class_name(name: str) -> str:
    """A class's name: a whole number has no point, whatever wrote it.

    >>> class_name("1.0"), class_name("007"), class_name("1.5")
    ('1', '007', '1.5')
    """
    return re.sub(r"^(-?\d+)\.0+$", r"\1", name)


def is_number(name: str) -> bool:
    """Whether a text is a finite number.

    >>> is_number("-1.5e3"), is_number("1_000"), is_number("nan")
    (True, False, False)
    """
    try:
        return bool(np.isfinite(float(name))) and "_" not in name
    except ValueError:
        return False


def numbers_of(column: "pd.Series[Any]", where: str, format: str = "") -> Numbers:
    """Numbers, NaN for missing ones; with marks where they have a `format`. Raises `DataError` with the row for what is no number
    that float32 can hold."""
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise DataError(f"{where}: column {column.name!r}: must be numbers, got dates")
    is_numeric = pd.api.types.is_numeric_dtype(column)
    if format and not is_numeric:
        texts = factorize(column, where)
        numbers: Numbers = np.append(numbers_in(texts.names, format), np.nan)[texts.numbers]
    else:
        read = column if is_numeric else pd.to_numeric(column.astype(object), errors="coerce")
        numbers = read.to_numpy(dtype=np.float64, na_value=np.nan)
    is_missing = column.isna() if is_numeric else column.isna() | column.astype(object).eq("")
    rule = f"must be a number such as {format}" if format else "must be a number"
    require_rows(np.isnan(numbers) & ~is_missing.to_numpy(), column, rule, where)
    require_rows(np.abs(numbers) > np.finfo(np.float32).max, column, "must be a number below 3.4e38", where)
    return numbers


def require_rows(faulty: NDArray[np.bool_], column: "pd.Series[Any]", rule: str, where: str) -> None:
    """Raise `DataError` for the first faulty row. The index counts the rows of the file from 0."""
    if faulty.any():
        row = int(np.argmax(faulty))
        value = column.iloc[row]
        plain = value.item() if isinstance(value, np.generic) else value
        raise DataError(f"{where}: column {column.name!r}, row {column.index[row] + 1}: {rule}, got {plain!r}")


def require_complete(column: "pd.Series[Any]", where: str, cure: str = "fill them in or take them out") -> None:
    """Raise `DataError` with the cure where values are missing. The index counts the rows of the file from 0."""
    missing = np.flatnonzero(column.isna() | column.astype(object).eq(""))
    if len(missing) == len(column):
        raise DataError(f"{where}: column {column.name!r}: has no values")
    if len(missing):
        rows = ", ".join(str(row + 1) for row in column.index[missing[:ROWS_IN_MESSAGE]])
        rest = ", …" if len(missing) > ROWS_IN_MESSAGE else ""
        count = f"{len(missing)} of {len(column)} rows have no value"
        raise DataError(f"{where}: column {column.name!r}: {count} (row {rows}{rest}); {cure}")


def days_of_texts(texts: Factorized, format: str) -> Numbers:
    """Days since 1970 of each row, from dates in a format; NaN for missing ones and for what is no date."""
    return np.append(days_in(texts.names, format), np.nan)[texts.numbers]


def times_of(column: "pd.Series[Any]", where: str) -> Numbers:
    """What orders the rows of a column of numbers or dates. Raises `DataError` with the row for what is neither, or missing."""
    require_complete(column, where)
    if pd.api.types.is_datetime64_any_dtype(column):
        return days_of(column)
    if pd.to_numeric(column.astype(object), errors="coerce").notna().all():
        return numbers_of(column, where)
    texts = factorize(column, where)
    times = days_of_texts(texts, date_formats(texts.names)[0])
    require_rows(np.isnan(times), column, "must be a number or a date such as 2024-12-31", where)
    return times


def group_count(column: "pd.Series[Any]", where: str) -> int:
    """The number of groups. Raises `DataError` for too few for splits, and for one that holds nearly all rows."""
    counts = column.value_counts()
    if len(counts) < FEWEST_GROUPS:
        raise DataError(f"{where}: {column.name!r} has {len(counts)} groups, and at least {FEWEST_GROUPS} are needed")
    if counts.iloc[0] > LARGEST_GROUP * len(column):
        what = f"the group {str(counts.index[0])!r} has {counts.iloc[0]} of {len(column)} rows, more than one part can have"
        raise DataError(f"{where}: column {column.name!r}: {what}; leave --group out, or name a finer column")
    return len(counts)
