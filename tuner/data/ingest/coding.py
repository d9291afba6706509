"""Columns of a table to coded rows: what codes mean is learned from the training part only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.values import (
    ISO,
    Named,
    Numbers,
    column_of,
    days_of,
    format_of,
    names_of,
    numbers_of,
    require_rows,
    times_written,
)
from tuner.data.ingest.words import Words, frequencies, in_places, places_of, words_of
from tuner.networks.columns import FIRST, MISSING, TRUTHS, UNSEEN, Column

Matrix = NDArray[np.float32]
MOST_VALUES = 1000
MOST_WORDS = 5000
LOST_SPREAD = 1000
"""A middle of this many times the spread leaves float32 some four digits to tell numbers apart."""
TRUTH_RULE = "must be true or false, yes or no, 1 or 0"


@dataclass(frozen=True, eq=False)
class _Texts:
    named: Named
    words: Words


_Read = Numbers | Named | _Texts


def coded(
    columns: Sequence[Column], frame: pd.DataFrame, training: NDArray[np.int64], where: str
) -> tuple[Coding, Matrix]:
    """All rows coded (n, places), and the coding that the rows `training` teach. Raises `DataError` with column and row for
    what cannot be taken for what the column is."""
    learned, blocks = [], []
    for column in columns:
        series = column_of(frame, column.name, where)
        read = _read(column, series, where)
        learned.append(_learned(column, read, series, training, where))
        blocks.append(_block(learned[-1], read, series, where))
    return Coding(columns=tuple(learned)), _side_by_side(blocks)


def code(coding: Coding, frame: pd.DataFrame, where: str = "the table") -> Matrix:
    """The rows of a table coded (n, places) as another table's training part has taught. Raises `DataError` with column and
    row for a column that is missing or of another type; `where` is what the message calls the table."""
    blocks = []
    for column in coding.columns:
        series = column_of(frame, column.name, where)
        blocks.append(_block(column, _read(column, series, where), series, where))
    return _side_by_side(blocks)


def date_rule(format: str) -> str:
    """What a message says of a value that is no date in this format."""
    return f"must be a date such as {'2024-12-31' if format == ISO else format}"


def _side_by_side(blocks: list[NDArray[Any]]) -> Matrix:
    matrix = np.empty((len(blocks[0]), sum(block.shape[1] for block in blocks)), np.float32)
    end = matrix.shape[1]
    while blocks:
        block = blocks.pop()
        matrix[:, end - block.shape[1] : end] = block
        end -= block.shape[1]
    return matrix


def _read(column: Column | ColumnCoding, series: "pd.Series[Any]", where: str) -> _Read:
    match column.kind:
        case "number":
            return numbers_of(series, where)
        case "date" if pd.api.types.is_datetime64_any_dtype(series):
            return days_of(series)
        case "text":
            named = names_of(series, where)
            return _Texts(named, words_of(named.names))
        case "boolean" | "category" | "date":
            return names_of(series, where)


def _learned(
    column: Column, read: _Read, series: "pd.Series[Any]", training: NDArray[np.int64], where: str
) -> ColumnCoding:
    missing = series.isna().to_numpy()[training]
    if missing.all():
        raise DataError(f"{where}: column {column.name!r}: has no value in the training part; take it out of columns")
    values, origin, format, places = _facts(column, read, training)
    return ColumnCoding(
        name=column.name,
        kind=column.kind,
        values=values,
        origin=origin,
        format=format,
        places=places,
        lacks=bool(missing.any()),
    )


def _facts(column: Column, read: _Read, training: NDArray[np.int64]) -> tuple[tuple[str, ...], float, str, int]:
    """Values, origin, format, places."""
    match read:
        case _Texts(named=named, words=words):
            times = named.times(training)
            return _frequent(words.words, frequencies(words, times), 2, MOST_WORDS), 0.0, "", places_of(words, times)
        case Named(names=names):
            times = read.times(training)
            if column.kind == "date":
                return (), 0.0, format_of([name for name, each in zip(names, times, strict=True) if each]), 1
            if column.kind == "boolean":
                return ("false", "true"), 0.0, "", 1
            return _frequent(names, times, 1, MOST_VALUES), 0.0, "", 1
        case _:
            return (), _origin(read[training]) if column.kind == "number" else 0.0, ISO * (column.kind == "date"), 1


def _frequent(names: Sequence[str], times: NDArray[np.int64], least: int, most: int) -> tuple[str, ...]:
    """The most frequent names, those equally frequent in the order of the alphabet."""
    enough = np.flatnonzero(times >= least)
    ranked = sorted(enough.tolist(), key=lambda number: (-times[number], names[number]))
    return tuple(names[number] for number in ranked[:most])


def _origin(numbers: Numbers) -> float:
    """The middle, where the numbers lie so close around it that float32 would not tell them apart; else 0."""
    known = numbers[~np.isnan(numbers)]
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    spread = (high - low) or known.std()
    return float(middle) if 0 < spread * LOST_SPREAD < abs(middle) else 0.0


def _block(column: ColumnCoding, read: _Read, series: "pd.Series[Any]", where: str) -> NDArray[Any]:
    """A column's places of every row."""
    match read:
        case _Texts(named=named, words=words):
            table = in_places(words, _codes(words.words, column.values), column.places)
            nothing = np.full((1, column.places), MISSING, table.dtype)
            return np.concatenate([table, nothing])[named.numbers]
        case Named() if column.kind == "date":
            days = np.append(days_of(times_written(read.names, column.format)), np.nan)[read.numbers]
            require_rows(np.isnan(days) & (read.numbers >= 0), series, date_rule(column.format), where)
            return days[:, None].astype(np.float32)
        case Named() if column.kind == "boolean":
            truths = np.array([TRUTHS.get(name.lower(), -FIRST) for name in read.names] + [MISSING - FIRST]) + FIRST
            require_rows((truths[read.numbers] < FIRST) & (read.numbers >= 0), series, TRUTH_RULE, where)
            return truths[read.numbers][:, None]
        case Named():
            return np.append(_codes(read.names, column.values), MISSING)[read.numbers][:, None].astype(np.int16)
        case _:
            return (read - column.origin)[:, None].astype(np.float32)


def _codes(names: Sequence[str], values: Sequence[str]) -> NDArray[np.int64]:
    """The code of each name among the values."""
    places = pd.Index(np.array(values, object)).get_indexer(pd.Index(np.array(names, object)))
    return np.where(places < 0, UNSEEN, places + FIRST)
