"""What a column of a table is taken for, and why: told before anybody has said it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tuner.data.ingest.coding import MOST_VALUES
from tuner.data.ingest.values import format_of, names_of, numbers_of, times_written
from tuner.networks.columns import TRUTHS, Kind

EXAMPLES = 3
LOOKED_AT = 1000
LONGEST_EXAMPLE = 24
WORDS_OF_A_TEXT = 3
ROWS_OF_A_CATEGORY = 10
MOSTLY = 0.8
MARKED = "numbers with marks or words among them"
MARKED_NUMBER = re.compile(r"[€$£]?\s*[-+]?(\d+|\d{1,3}([,.'  ]\d{3})+)([.,]\d+)?\s*[%€$£]?")
DATE_LIKE = re.compile(r"\d+[-/. ]\w+[-/. ]\d+|\d{4}-\d\d")


@dataclass(frozen=True)
class ColumnProfile:
    """A column: what it is taken for and why, the share of rows in which nothing stands, how many different values it has,
    some of them; a `hint` where it could be written better."""

    name: str
    kind: Kind
    reason: str
    missing: float
    values: int
    examples: tuple[str, ...]
    hint: str = ""


def column_profile(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    """What the column is taken for.

    Whole numbers are numbers, however few there are of them: a grade of 1 to 5 has an order. Two of them at the most are
    no more than names (`boolean` for 0 and 1, else `category`), and so are those that are written with zeros in front
    (007). Texts are truths, numbers or dates where all of them are; else a `text` from three words a value on, unless each
    value stands in ten rows or more, or from two words where most values differ; else a `category`. Raises `DataError` for numbers that float32 cannot hold.
    """
    if pd.api.types.is_datetime64_any_dtype(series):
        kind, reason, hint = _taken("date", "dates")
        names = tuple(series.dropna().drop_duplicates().head(EXAMPLES).astype(str))
        values = series.nunique()
    elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        different = series.dropna().unique()
        kind, reason, hint = _of_numbers(different)
        names, values = tuple(f"{each:g}" for each in np.asarray(different[:EXAMPLES], float)), len(different)
    else:
        named = names_of(series, where)
        kind, reason, hint = _of_names(named.names, len(series))
        names, values = named.names, len(named.names)
    if kind == "number":
        numbers_of(series, where)  # complains of what float32 cannot hold
    examples = tuple(_short(name) for name in names[:EXAMPLES])
    return ColumnProfile(str(series.name), kind, reason, float(series.isna().mean()), values, examples, hint)


def has_zeros_in_front(series: "pd.Series[Any]") -> bool:
    """Whether a column as it is written has whole numbers such as 007."""
    return _has_zeros(series.dropna().tolist())


def _has_zeros(names: Sequence[str]) -> bool:
    return any(name[:1] == "0" and len(name) > 1 and name.isdigit() for name in names)


def _taken(kind: Kind, reason: str, hint: str = "") -> tuple[Kind, str, str]:
    return kind, reason, hint


def _of_numbers(values: Any) -> tuple[Kind, str, str]:
    numbers = np.asarray(values, np.float64)
    is_whole = bool((numbers == np.floor(numbers)).all())
    if is_whole and set(numbers.tolist()) <= {0.0, 1.0}:
        return _taken("boolean", "0 and 1")
    if is_whole and len(numbers) <= 2:
        return _taken("category", "two whole numbers at the most")
    return _taken("number", "whole numbers" if is_whole else "numbers")


def _of_names(names: Sequence[str], rows: int) -> tuple[Kind, str, str]:
    if all(name.lower() in TRUTHS for name in names):
        return _taken("boolean", " and ".join(names[:2]))
    is_number = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().to_numpy()
    if _has_zeros(names):
        return _taken("category", "numbers with zeros in front")
    if is_number.all():
        return _taken("number", "numbers that are written as texts")
    if DATE_LIKE.search(names[0]) and times_written(names, format_of(names)).notna().all():
        return _taken("date", f"dates such as {names[0]}")
    hint = _to_be_numbers(names, is_number)
    return _taken("category", MARKED, hint) if hint else _of_words(names, rows)


def _of_words(names: Sequence[str], rows: int) -> tuple[Kind, str, str]:
    words = float(np.mean([len(name.split()) for name in names[:LOOKED_AT]]))
    repeats = len(names) <= rows / ROWS_OF_A_CATEGORY
    if (words >= WORDS_OF_A_TEXT and not repeats) or (words >= 2 and len(names) > rows / 2):
        return _taken("text", f"about {words:.0f} words each")
    too_many = f"the {MOST_VALUES:,} most frequent of its values are told apart" if len(names) > MOST_VALUES else ""
    return _taken("category", "texts that repeat" if repeats else "texts of a word or two", too_many)


def _to_be_numbers(names: Sequence[str], is_number: Any) -> str:
    """What would make these texts numbers; empty where they are none."""
    if is_number.mean() >= MOSTLY:
        other = names[int(np.argmin(is_number))]
        return f"nearly all are numbers, but {other!r} is none: leave such places empty to have it taken for a number"
    marked = [bool(MARKED_NUMBER.fullmatch(name)) for name in names[:LOOKED_AT]]
    if np.mean(marked) >= MOSTLY:
        example = names[int(np.argmax(marked))]
        return f"looks like numbers, such as {example!r}: write digits and a point alone to have it taken for one"
    return ""


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_EXAMPLE else plain[: LONGEST_EXAMPLE - 1] + "…"
