"""A single row of a table coded without pandas, in microseconds: as `tuner.data.ingest.coding.code_rows` codes many."""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.ingest.coding import TRUTH_RULE, WORD, date_rule, in_shape
from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.formats import ISO, days_in, unmarked
from tuner.data.ingest.pictures import picture
from tuner.data.ingest.values import text_of
from tuner.networks.columns import FIRST, MISSING, TRUTHS, UNSEEN

LARGEST = float(np.finfo(np.float32).max)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH = date(1970, 1, 1).toordinal()


def row_coder(coding: Coding) -> Callable[[Mapping[str, Any]], NDArray[np.float32]]:
    """A function that codes a row, given as values by column, to (places,). `None`, "" and absent columns are missing values.
    It raises `DataError` with the column for a value of another type."""
    coders = [(column.name, _coder(column)) for column in coding.columns]

    def code(row: Mapping[str, Any]) -> NDArray[np.float32]:
        codes: list[float] = []
        for name, coder in coders:
            value = row.get(name)
            try:
                codes += coder(None if value == "" else value)
            except ValueError as rule:
                raise DataError(f"column {name!r}: {rule}, got {value!r}") from None
        return np.array(codes, np.float32)

    return code


def _coder(column: ColumnCoding) -> Callable[[Any], list[float]]:
    """From a value to the places of its column. Raises `ValueError` with the rule for a value of another type."""
    codes = {value: float(code) for code, value in enumerate(column.values, FIRST)}

    def number(value: Any) -> list[float]:
        return [math.nan if value is None else _number(value, column.format) - column.origin]

    def day(value: Any) -> list[float]:
        return [math.nan if value is None else _days(value, column.format)]

    def boolean(value: Any) -> list[float]:
        if value is None:
            return [MISSING]
        truth = TRUTHS.get(text_of(value).lower())
        if truth is None:
            raise ValueError(TRUTH_RULE)
        return [truth + FIRST]

    def category(value: Any) -> list[float]:
        return [MISSING if value is None else codes.get(text_of(value), UNSEEN)]

    def text(value: Any) -> list[float]:
        words = [] if value is None else WORD.findall(text_of(value).lower())[: column.places]
        return [codes.get(word, UNSEEN) for word in words] + [MISSING] * (column.places - len(words))

    def shaped(value: Any) -> list[float]:
        if value is None and column.kind != "window":
            return [math.nan] * column.places
        if column.kind == "picture" and isinstance(value, str):
            value = _picture(column.format, value)
        return list(in_shape(value, column.shape))

    coders = {"number": number, "date": day, "boolean": boolean, "category": category, "text": text}
    return coders.get(column.kind, shaped)


def _picture(format: str, text: str) -> Any:
    """The picture in a file's content as base64: a row opens no files by name."""
    try:
        return picture(format, Path("the picture"), base64.b64decode(text, validate=True))
    except (binascii.Error, DataError) as error:
        reason = "it is not base64" if isinstance(error, binascii.Error) else str(error).partition(";")[0]
        raise ValueError(f"must be the content of a file as base64 ({reason})") from None


def _number(value: Any, format: str) -> float:
    try:
        number = float(unmarked(value, format) if format and isinstance(value, str) else value)
    except OverflowError:  # a whole number of 400 digits
        number = math.inf
    except (TypeError, ValueError):
        raise ValueError("must be a number") from None
    if abs(number) > LARGEST:
        raise ValueError("must be a number below 3.4e38")
    return number


def _days(value: Any, format: str) -> float:
    text = str(value)
    if format == ISO and DAY.fullmatch(text):
        try:
            return float(date.fromisoformat(text).toordinal() - EPOCH)
        except ValueError:
            raise ValueError(date_rule(format)) from None
    days = float(days_in([text], format)[0])
    if math.isnan(days):
        raise ValueError(date_rule(format))
    return days
