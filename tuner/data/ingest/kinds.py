"""The probable kind of a column, and why."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.coding import MOST_VALUES
from tuner.data.ingest.columns import ColumnProfile, shorten
from tuner.data.ingest.values import date_format, factorize, numbers_of, parse_times
from tuner.networks.columns import TRUTHS, Kind

EXAMPLES = 3
SAMPLE = 1000
WORDS_OF_A_TEXT = 3
ROWS_OF_A_CATEGORY = 10
MOSTLY = 0.8
MARKED = "numbers with marks or words among them"
MARKED_NUMBER = re.compile(r"[€$£]?\s*[-+]?(\d+|\d{1,3}([,.'  ]\d{3})+)([.,]\d+)?\s*[%€$£]?")
DATE_LIKE = re.compile(r"\d+[-/. ]\w+[-/. ]\d+|\d{4}-\d\d")

Guess = tuple[Kind, str, str]
"""The kind, the reason, and a hint how the column could be written better."""


def column_profile(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    """The profile of a column.

    Whole numbers are `boolean` if they are 0 and 1, `category` if there are two or if they have zeros in front (007), else
    `number`. Texts are `boolean`, `number` or `date` where all values are; `text` from three words a value on (two where most
    values differ), unless each value has ten rows; else `category`. Raises `DataError` for numbers too large for float32.
    """
    if pd.api.types.is_datetime64_any_dtype(series):
        guess: Guess = ("date", "dates", "")
        names = tuple(series.dropna().drop_duplicates().head(EXAMPLES).astype(str))
        values = series.nunique()
    elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        different = series.dropna().unique()
        guess = _of_numbers(different)
        names, values = tuple(f"{each:g}" for each in np.asarray(different[:EXAMPLES], float)), len(different)
    else:
        names = factorize(series, where).names
        guess = _of_texts(names, len(series))
        values = len(names)
    kind, reason, hint = guess
    if kind == "number":
        numbers_of(series, where)  # complains of what float32 cannot hold
    examples = tuple(map(shorten, names[:EXAMPLES]))
    return ColumnProfile(str(series.name), kind, reason, float(series.isna().mean()), values, examples, hint)


def frame_columns(frame: pd.DataFrame, where: str = "the data") -> tuple[ColumnProfile, ...]:
    """The profiles of a frame's columns that have values: by type, texts by value. Raises `DataError` where there is none."""
    profiles = tuple(_by_type(frame[name], where) for name in frame.columns if frame[name].notna().any())
    if not profiles:
        raise DataError(f"{where}: no column has any value")
    return profiles


def _by_type(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    profile = column_profile(series, where)
    if pd.api.types.is_bool_dtype(series):
        return replace(profile, kind="boolean", reason="true and false")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return replace(profile, kind="category", reason="categories")
    if pd.api.types.is_numeric_dtype(series):
        return replace(profile, kind="number", reason="numbers")
    return profile


def has_leading_zeros(texts: Sequence[Any]) -> bool:
    """Whether some of the texts are whole numbers such as 007."""
    return any(text[:1] == "0" and len(text) > 1 and text.isdigit() for text in texts)


def _of_numbers(values: Any) -> Guess:
    numbers = np.asarray(values, np.float64)
    is_whole = bool((numbers == np.floor(numbers)).all())
    if is_whole and set(numbers.tolist()) <= {0.0, 1.0}:
        return "boolean", "0 and 1", ""
    if is_whole and len(numbers) <= 2:
        return "category", "two whole numbers at the most", ""
    return "number", "whole numbers" if is_whole else "numbers", ""


def _of_texts(names: Sequence[str], rows: int) -> Guess:
    if all(name.lower() in TRUTHS for name in names):
        return "boolean", " and ".join(names[:2]), ""
    is_number = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().to_numpy()
    if has_leading_zeros(names):
        return "category", "numbers with zeros in front", ""
    if is_number.all():
        return "number", "numbers that are written as texts", ""
    if DATE_LIKE.search(names[0]) and parse_times(names, date_format(names)).notna().all():
        return "date", f"dates such as {names[0]}", ""
    hint = _number_hint(names, is_number)
    return ("category", MARKED, hint) if hint else _of_words(names, rows)


def _of_words(names: Sequence[str], rows: int) -> Guess:
    words = float(np.mean([len(name.split()) for name in names[:SAMPLE]]))
    repeats = len(names) <= rows / ROWS_OF_A_CATEGORY
    if (words >= WORDS_OF_A_TEXT and not repeats) or (words >= 2 and len(names) > rows / 2):
        return "text", f"about {words:.0f} words each", ""
    too_many = (
        f"the {MOST_VALUES:,} most frequent of its values have codes of their own" if len(names) > MOST_VALUES else ""
    )
    return "category", "texts that repeat" if repeats else "texts of a word or two", too_many


def _number_hint(names: Sequence[str], is_number: Any) -> str:
    """What would make these texts numbers; empty where they are none."""
    if is_number.mean() >= MOSTLY:
        other = names[int(np.argmin(is_number))]
        return f"nearly all are numbers, but {other!r} is none: leave such places empty to have it taken for a number"
    marked = [bool(MARKED_NUMBER.fullmatch(name)) for name in names[:SAMPLE]]
    if np.mean(marked) >= MOSTLY:
        example = names[int(np.argmax(marked))]
        return f"looks like numbers, such as {example!r}: write digits and a point alone to have it taken for one"
    return ""
