"""What the values of a column probably are: their kind, and how they are written."""

import re
from collections.abc import Iterable, Sequence
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tuner.data.ingest.coding import MOST_VALUES
from tuner.data.ingest.columns import MARKED
from tuner.data.ingest.formats import ISO, MOSTLY, Numbers, date_formats, days_in, is_clock, number_formats, numbers_in
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


def has_leading_zeros(texts: Iterable[Any]) -> bool:
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


def of_texts(texts: Factorized, rows: int, dayfirst: bool | None) -> Guess:
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
        formats = date_formats(names, dayfirst)
        days = [days_in(names, each) for each in formats]
        if not np.isnan(days[0]).mean() > 1 - MIXED:
            return _written("date", "times of day" if is_clock(formats[0]) else "dates", texts, formats, days)
    formats = number_formats(names)
    numbers = [numbers_in(names, each) for each in formats]
    return _written("number", "numbers", texts, formats, numbers) if formats else _of_words(names, rows)


def _written(kind: Kind, what: str, texts: Factorized, formats: Sequence[str], values: Sequence[Numbers]) -> Guess:
    """Texts that most are dates or numbers, with their values in each of the formats that fit equally well."""
    fits, names = ~np.isnan(values[0]), texts.names
    differ = np.flatnonzero(fits & (values[0] != values[-1]))
    example = int(differ[0] if len(differ) else np.argmax(fits))
    if not fits.all():
        other = int(np.argmin(fits))
        share, cure = "many", "write all in one format"
        if fits.mean() >= MOSTLY:
            share, cure = "nearly all", f"with --missing {quote(names[other])} it is taken for missing"
        faulty = f"row {np.argmax(texts.numbers == other) + 1} is {names[other]!r}"
        return Guess("category", MARKED, f"{share} are {what} such as {names[example]}, but {faulty}: {cure}")
    hint = ""
    if len(differ):
        ways, option = [each[example] for each in values], ""
        if kind == "date":
            ways = [np.datetime64(int(each), "D") for each in ways]
            option = " (--monthfirst)" if formats[1].find("%m") < formats[1].find("%d") else " (--dayfirst)"
        hint = f"{names[example]} is read as {ways[0]}; if it is {ways[1]}, write format = {formats[1]!r}{option}"
    return Guess(kind, f"{what} such as {names[example]}", hint, "" if formats[0] == ISO else formats[0])


def _of_words(names: Sequence[str], rows: int) -> Guess:
    words = float(np.mean([len(name.split()) for name in names[:SAMPLE]]))
    repeats = len(names) <= rows / ROWS_OF_A_CATEGORY
    if (words >= WORDS_OF_A_TEXT and not repeats) or (words >= 2 and len(names) > rows / 2):
        return Guess("text", f"about {words:.0f} words each")
    hint = f"the {MOST_VALUES:,} most frequent of its values have codes of their own"
    reason = "texts that repeat" if repeats else "texts of a word or two"
    return Guess("category", reason, hint if len(names) > MOST_VALUES else "")
