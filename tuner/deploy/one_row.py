"""One row of a table coded without pandas, as `tuner.data.ingest.coding.code` codes it: in microseconds instead of milliseconds."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.ingest.coding import TRUTHS
from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.values import ISO, days_of, times_written
from tuner.data.ingest.words import WORD
from tuner.networks.columns import FIRST, MISSING, UNSEEN

Value = str | int | float | bool | datetime | date | None
RowCoding = Callable[[Mapping[str, Any]], NDArray[np.float32]]
LARGEST = float(np.finfo(np.float32).max)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH = date(1970, 1, 1).toordinal()


def row_coding(coding: Coding) -> RowCoding:
    """What codes a row, its values by the names of their columns, to (places,). `None` and "" are nothing there, as is a column
    that is left out. Raises `DataError` with the column for what is not of its type."""
    parts = [(column.name, _coder(column)) for column in coding.columns]

    def of(row: Mapping[str, Any]) -> NDArray[np.float32]:
        found: list[float] = []
        for name, coder in parts:
            value = row.get(name)
            found += coder(None if value == "" else value)
        return np.array(found, np.float32)

    return of


def _coder(column: ColumnCoding) -> Callable[[Any], list[float]]:
    """From a value to the places of its column."""
    codes = {value: float(number) for number, value in enumerate(column.values, FIRST)}
    unseen, missing, name = float(UNSEEN), float(MISSING), column.name

    def number(value: Any) -> list[float]:
        return [math.nan if value is None else _number(value, name) - column.origin]

    def day(value: Any) -> list[float]:
        return [math.nan if value is None else _days(value, column)]

    def truth(value: Any) -> list[float]:
        if value is None:
            return [missing]
        found = TRUTHS.get(_written(value).lower())
        if found is None:
            raise DataError(f"column {name!r}: must be true or false, yes or no, 1 or 0, got {value!r}")
        return [float(found + FIRST)]

    def category(value: Any) -> list[float]:
        return [missing if value is None else codes.get(_written(value), unseen)]

    def text(value: Any) -> list[float]:
        words = [] if value is None else WORD.findall(_written(value).lower())[: column.places]
        return [codes.get(word, unseen) for word in words] + [missing] * (column.places - len(words))

    coders = {"number": number, "date": day, "boolean": truth, "category": category, "text": text}
    return coders[column.kind]


def _number(value: Any, name: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise DataError(f"column {name!r}: must be a number, got {value!r}") from None
    if abs(found) > LARGEST:
        raise DataError(f"column {name!r}: must be a number below 3.4e38, got {value!r}")
    return found


def _days(value: Any, column: ColumnCoding) -> float:
    text = value.isoformat() if isinstance(value, date) else str(value)
    if column.format == ISO and DAY.fullmatch(text):
        try:
            return float(date.fromisoformat(text).toordinal() - EPOCH)
        except ValueError:
            pass  # said below
    found = float(days_of(times_written([text], column.format))[0])
    if math.isnan(found):
        example = "2024-12-31" if column.format == ISO else column.format
        raise DataError(f"column {column.name!r}: must be a date such as {example}, got {value!r}")
    return found


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
