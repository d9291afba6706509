"""Columns of a table to coded rows: the training part alone defines what codes mean."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.formats import ISO, Numbers, date_formats, days_of, is_clock
from tuner.data.ingest.values import Factorized, Rows, column_of, days_of_texts, factorize, numbers_of, require_rows
from tuner.networks.columns import EXAMPLE_DATE, FIRST, MISSING, SHAPES, TRUTHS, UNSEEN, Column, shape_of

Matrix = NDArray[np.float32]
MOST_VALUES = 1000
MOST_WORDS = 5000
MOST_PLACES = 64
"""Further words of a text without a format are ignored."""
LOST_SPREAD = 1000
"""Where the median is this many times the spread, float32 keeps only about four digits of the differences."""
TRUTH_RULE = "must be true or false, yes or no, 1 or 0"
WORD = re.compile(r"\w+")
TEXTS_AT_ONCE = 2**10  # words are counted while they are in the processor's cache: a fifth faster than 2**16


@dataclass(frozen=True, eq=False)
class _Texts:
    """A column of texts: the lower-cased vocabulary, the word numbers of all different texts in one array, their lengths."""

    texts: Factorized
    vocabulary: tuple[str, ...]
    numbers: NDArray[np.int32]
    lengths: NDArray[np.int32]


_Values = NDArray[Any] | Factorized | _Texts
"""Numbers (n,); pictures and arrays (n, places), NaN where one is missing."""


def fit_coding(columns: Sequence[Column], frame: pd.DataFrame, training: Rows, where: str) -> tuple[Coding, Matrix]:
    """The coding that the rows `training` define, and all rows coded (n, places). Raises `DataError` with column and row."""
    codings, blocks = [], []
    for column in columns:
        series = column_of(frame, column.name, where)
        values = _values(column, series, where)
        missing = series.isna().to_numpy()[training]
        learned = _learned(column, values, training)
        codings.append(ColumnCoding(name=column.name, kind=column.kind, lacks=bool(missing.any()), **learned))
        blocks.append(_block(codings[-1], values, series, where))
    return Coding(columns=tuple(codings)), _side_by_side(blocks)


def code_rows(coding: Coding, frame: pd.DataFrame, where: str = "the table") -> Matrix:
    """The rows of another table coded (n, places). Raises `DataError` with column and row; messages call the table `where`."""
    blocks = []
    for column in coding.columns:
        series = column_of(frame, column.name, where)
        blocks.append(_block(column, _values(column, series, where), series, where))
    return _side_by_side(blocks)


def date_rule(format: str) -> str:
    """The rule for a value that is no date in this format."""
    return f"must be a {'time of day' if is_clock(format) else 'date'} such as {EXAMPLE_DATE.strftime(format.replace(ISO, '%Y-%m-%d'))}"


def _side_by_side(blocks: list[NDArray[Any]]) -> Matrix:
    """The blocks in one matrix; each is freed once it is copied."""
    matrix = np.empty((len(blocks[0]), sum(block.shape[1] for block in blocks)), np.float32)
    end = matrix.shape[1]
    while blocks:
        block = blocks.pop()
        matrix[:, end - block.shape[1] : end] = block
        end -= block.shape[1]
    return matrix


def _values(column: Column | ColumnCoding, series: "pd.Series[Any]", where: str) -> _Values:
    match column.kind:
        case "number":
            return numbers_of(series, where, column.format)
        case "date" if pd.api.types.is_datetime64_any_dtype(series):
            return days_of(series)
        case "text":
            return _tokenize(factorize(series, where), int(column.format or MOST_PLACES))
        case "boolean" | "category" | "date":
            return factorize(series, where)
        case _:
            return _stacked(shape_of(column.kind, column.format), series, where)


def _stacked(shape: tuple[int, ...], series: "pd.Series[Any]", where: str) -> Matrix:
    numbers = np.full((len(series), math.prod(shape)), np.nan, np.float32)
    for row, value in enumerate(series):
        is_gap = pd.api.types.is_scalar(value) and (pd.isna(value) or value == "")
        try:
            numbers[row] = np.nan if is_gap else in_shape(value, shape)
        except ValueError as rule:
            raise DataError(f"{where}: column {series.name!r}, row {series.index[row] + 1}: {rule}") from None
    return numbers


def array_format(series: "pd.Series[Any]") -> str:
    """The format of a column of arrays; empty where it has other values, or arrays of different shapes."""
    if series.dtype != object:
        return ""
    shapes = {value.shape if isinstance(value, np.ndarray) else () for value in series.dropna()}
    return "x".join(map(str, shapes.pop())) if len(shapes) == 1 and () not in shapes else ""


def in_shape(value: Any, shape: tuple[int, ...]) -> Matrix:
    """A value of this shape as a row of numbers (places,). Raises `ValueError` with the rule for any other value."""
    rule, got = f"must be finite numbers of the shape {shape}", type(value).__name__
    try:
        numbers = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{rule}, got a {got}") from None
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError(f"{rule}, got {numbers.shape}")
    return numbers.ravel()


def _tokenize(texts: Factorized, most: int) -> _Texts:
    number_of: defaultdict[str, int] = defaultdict(count().__next__)
    numbers, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for start in range(0, len(texts.names), TEXTS_AT_ONCE):
        some = texts.names[start : start + TEXTS_AT_ONCE]
        words = [WORD.findall(text.lower())[:most] for text in some]
        lengths.append(np.fromiter(map(len, words), np.int32, len(words)))
        numbers.append(np.fromiter(map(number_of.__getitem__, chain.from_iterable(words)), np.int32))
    return _Texts(texts, tuple(number_of), np.concatenate(numbers), np.concatenate(lengths))


def _learned(column: Column, values: _Values, training: Rows) -> dict[str, Any]:
    """The fields of the coding that follow from the training part's values."""
    match values:
        case _Texts():
            texts = values.texts.counts(training)
            words = np.bincount(values.numbers, np.repeat(texts, values.lengths), len(values.vocabulary))
            lengths = np.repeat(values.lengths, texts)
            places = max(1, int(np.quantile(lengths, 0.95, method="higher"))) if len(lengths) else 1
            frequent = _frequent(values.vocabulary, words.astype(np.int64), 2, MOST_WORDS)
            return {"values": frequent, "places": places, "format": column.format}
        case Factorized() if column.kind == "date":
            present = np.flatnonzero(values.counts(training))
            return {"format": column.format or date_formats([values.names[each] for each in present])[0]}
        case Factorized() if column.kind == "boolean":
            return {"values": ("false", "true")}
        case Factorized():
            return {"values": _frequent(values.names, values.counts(training), 1, MOST_VALUES)}
        case _ if column.kind == "date":
            return {"format": column.format or ISO}
        case _ if column.kind in SHAPES:
            return {"format": column.format, "places": values.shape[1]}
        case _:
            return {"format": column.format, "origin": _origin(values[training])}


def _frequent(names: Sequence[str], counts: Rows, least: int, most: int) -> tuple[str, ...]:
    """The most frequent names, those equally frequent in the order of the alphabet."""
    enough = np.flatnonzero(counts >= least)
    ranked = sorted(enough.tolist(), key=lambda number: (-counts[number], names[number]))
    return tuple(names[number] for number in ranked[:most])


def _origin(numbers: Numbers) -> float:
    """The median, where the numbers are so close to it that float32 could not distinguish them; else 0."""
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return 0.0
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    spread = (high - low) or known.std()
    return float(middle) if 0 < spread * LOST_SPREAD < abs(middle) else 0.0


def _block(column: ColumnCoding, values: _Values, series: "pd.Series[Any]", where: str) -> NDArray[Any]:
    """A column's places of every row."""
    match values:
        case _Texts():
            return _word_codes(column, values)
        case Factorized(numbers=numbers) if column.kind == "date":
            days = days_of_texts(values, column.format)
            require_rows(np.isnan(days) & (numbers >= 0), series, date_rule(column.format), where)
            return days[:, None].astype(np.float32)
        case Factorized(numbers=numbers) if column.kind == "boolean":
            truths = np.array([TRUTHS.get(name.lower(), -FIRST) for name in values.names] + [MISSING - FIRST]) + FIRST
            require_rows((truths[numbers] < FIRST) & (numbers >= 0), series, TRUTH_RULE, where)
            return truths[numbers][:, None]
        case Factorized():
            return np.append(_codes(values.names, column.values), MISSING)[values.numbers][:, None].astype(np.int16)
        case _ if column.shape:
            return values
        case _:
            return (values - column.origin)[:, None].astype(np.float32)


def _word_codes(column: ColumnCoding, values: _Texts) -> NDArray[np.int16]:
    """The codes of each row's first words (n, places); `MISSING` where a text has ended."""
    ends = np.cumsum(values.lengths, dtype=np.int64)
    text = np.repeat(np.arange(len(values.lengths)), values.lengths)
    place = np.arange(len(values.numbers)) - np.repeat(ends - values.lengths, values.lengths)
    is_first = place < column.places
    table = np.full((len(values.lengths) + 1, column.places), MISSING, np.int16)  # the last one for missing texts
    table[text[is_first], place[is_first]] = _codes(values.vocabulary, column.values)[values.numbers[is_first]]
    return table[values.texts.numbers]


def _codes(names: Sequence[str], values: Sequence[str]) -> Rows:
    """The code of each name among the values, around which earlier versions kept blanks."""
    places = pd.Index(np.array(values, object)).get_indexer(pd.Index(np.array(names, object)))
    if padded := {value.strip(): place for place, value in enumerate(values) if value != value.strip()}:
        places = np.where(places < 0, [padded.get(name, -1) for name in names], places)
    return np.where(places < 0, UNSEEN, places + FIRST)
