"""What the values of a column probably are: their kind, and how they are written."""

import re
from collections.abc import Sequence
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data.ingest.coding import MOST_VALUES
from tuner.data.ingest.columns import MARKED
from tuner.data.ingest.formats import (
    ISO,
    MOSTLY,
    date_formats,
    days_in,
    is_clock,
    number_formats,
    parse_times,
    unmarked,
)
from tuner.data.ingest.values import Factorized
from tuner.networks.columns import TRUTHS, Kind

SAMPLE = 1000
WORDS_OF_A_TEXT = 3
ROWS_OF_A_CATEGORY = 10
SOME, MIXED = 10, 0.4
"""The first texts, of which one shows how dates are written; the share that dates of one format exceed where others are mixed in."""
DATE_LIKE = re.compile(r"\d+[-/. ]\w+[-/. ]\d+|\d{4}-\d\d|\d\d/\d{4}|\d:\d\d|[A-Za-z]{3,} \d+,? \d{4}")


class Guess(NamedTuple):
    """The probable kind of a column and the reason; `hint` and `format` as in `ColumnProfile`."""

    kind: Kind
    reason: str
    hint: str = ""
    format: str = ""


def has_leading_zeros(texts: Sequence[Any]) -> bool:
    """Whether some of the texts are whole numbers such as 007."""
    return any(text[:1] == "0" and len(text) > 1 and text.isdigit() for text in texts)


def of_numbers(values: Any) -> Guess:
    """What different numbers are."""
    numbers = np.asarray(values, np.float64)
    is_whole = bool((numbers == np.floor(numbers)).all())
    if is_whole and set(numbers.tolist()) <= {0.0, 1.0}:
        return Guess("boolean", "0 and 1")
    if is_whole and len(numbers) <= 2:
        return Guess("category", "at most two different whole numbers")
    return Guess("number", "whole numbers" if is_whole else "numbers")


def of_texts(texts: Factorized, rows: int, day_first: bool | None) -> Guess:
    """What the different texts of a column with so many rows are."""
    names = texts.names
    if all(name.lower() in TRUTHS for name in names):
        return Guess("boolean", " and ".join(names[:2]))
    if has_leading_zeros(names):
        return Guess("category", "numbers with leading zeros")
    is_number = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().to_numpy()
    if is_number.all():
        return Guess("number", "numbers written as text")
    if any(DATE_LIKE.search(name) for name in names[:SOME]):
        formats = date_formats(names, day_first)
        is_date = ~np.isnan(days_in(names, formats[0]))
        if is_date.mean() > MIXED:
            return _dates(texts, formats, is_date)
    formats = number_formats(names)
    if formats:
        is_number = np.array([unmarked(name, formats[0]) != "" for name in names]) | is_number
        return _marked_numbers(texts, formats, is_number)
    return _of_words(names, rows)


def _dates(texts: Factorized, formats: Sequence[str], is_date: NDArray[np.bool_]) -> Guess:
    what = "times of day" if is_clock(formats[0]) else "dates"
    example = texts.names[int(np.argmax(is_date))]
    if not is_date.all():
        return Guess("category", MARKED, _other(texts, is_date, f"{what} such as {example}"))
    hint = ""
    for name in texts.names if len(formats) > 1 else ():
        read, other = (parse_times([name], each)[0].strftime("%-d %B %Y") for each in formats[:2])
        if read != other:
            example, order = name, "monthfirst" if formats[0].find("%d") < formats[0].find("%m") else "dayfirst"
            hint = f"{name} is read as {read}; if it is {other}, use --{order}"
            break
    return Guess("date", f"{what} such as {example}", hint, "" if formats[0] == ISO else formats[0])


def _marked_numbers(texts: Factorized, formats: Sequence[str], is_number: NDArray[np.bool_]) -> Guess:
    if not is_number.all():
        return Guess("category", MARKED, _other(texts, is_number, "numbers"))
    example, hint = max(texts.names[:SOME], key=len), ""
    if len(formats) > 1 and any("," in name or "." in name for name in texts.names):
        read, other = (unmarked(example, each) for each in formats)
        hint = f"{example} is read as {read}; if it is {other}, write format = {formats[1]!r}" if read != other else ""
    return Guess("number", f"numbers such as {example}", hint, formats[0])


def _other(texts: Factorized, fits: NDArray[np.bool_], what: str) -> str:
    """The hint about the first text that does not fit."""
    place = int(np.argmin(fits))
    row, name = int(np.argmax(texts.numbers == place)) + 1, texts.names[place]
    if fits.mean() < MOSTLY:
        return f"many are {what}, but row {row} is {name!r}: write all in one format"
    return f"nearly all are {what}, but row {row} is {name!r}: with --missing {quote(name)} it is taken for missing"


def _of_words(names: Sequence[str], rows: int) -> Guess:
    words = float(np.mean([len(name.split()) for name in names[:SAMPLE]]))
    repeats = len(names) <= rows / ROWS_OF_A_CATEGORY
    if (words >= WORDS_OF_A_TEXT and not repeats) or (words >= 2 and len(names) > rows / 2):
        return Guess("text", f"about {words:.0f} words each")
    too_many = (
        f"the {MOST_VALUES:,} most frequent of its values have codes of their own" if len(names) > MOST_VALUES else ""
    )
    return Guess("category", "texts that repeat" if repeats else "texts of a word or two", too_many)
