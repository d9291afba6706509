"""The formats of dates, of times of day, and of numbers with marks, and how texts are read in them."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from tuner.networks.columns import NUMBER_FORMATS

Numbers = NDArray[np.float64]
ISO = "ISO8601"
GUESSED, SAMPLE, MOSTLY = 5, 200, 0.8
CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
UNGUESSED = (
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p",
    *["%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%d-%b-%y", "%m/%Y"],
    *CLOCKS,
)
"""Formats that pandas does not guess."""
MARKS = re.compile(
    r"[$€£¥₹%]|(?<![A-Za-z])(USD|EUR|GBP|CHF)(?![A-Za-z])|(?<=\d)[\s'’](?=\d{3}(\D|$))|(?<!\d)\s+|\s+(?!\d)"
)
"""Currencies, percent signs, blanks around them, and blanks and apostrophes between thousands."""
PATTERNS = {
    format: re.compile(
        rf"(\()?([-+]?)(?:(\d+)|([1-9]\d{{0,2}}(?:{group}\d{{3}})+))({point}\d+)?((?(3)[eE][-+]?\d+))?(?(1)\)|(-?))"
    )
    for format, group, point in zip(NUMBER_FORMATS, (",", r"\."), (r"\.", ","), strict=True)
}


def days_of(times: "pd.Series[Any]") -> Numbers:
    """Days since 1970 of times (UTC), NaN for missing ones."""
    instants = pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(instants), np.nan, instants.astype(np.int64) / 86_400e6)


def parse_times(texts: Sequence[str], format: str) -> "pd.Series[Any]":
    """Times from texts in a format; NaT for those that are none. Without a zone they are UTC."""
    return pd.to_datetime(pd.Series(texts, dtype=object), format=format, utc=True, errors="coerce")


def days_in(texts: Sequence[str], format: str) -> Numbers:
    """Days since 1970 from dates in a format; of a time of day the part of the day. NaN for what is neither."""
    days = days_of(parse_times(texts, format))
    return days % 1 if is_clock(format) else days


def is_clock(format: str) -> bool:
    """Whether a format is that of times of day."""
    return bool(re.search("%[HI]", format)) and not re.search("%[djDcx]", format)


def date_formats(texts: Sequence[str], dayfirst: bool | None = None) -> tuple[str, ...]:
    """ISO 8601 where all texts are that, else the formats of most of them: of several only the one with the day before the month
    if `dayfirst` (after it if False), or all, first the one with clearly more regular steps, or with the month first."""
    if not (texts and parse_times(texts, ISO).isna().any()):
        return (ISO,)
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # both orders of day and month are meant
        guesses = [guess_datetime_format(text, dayfirst=order) for text in sample[:GUESSED] for order in (False, True)]
    plausible = [each for each in guesses if each and not re.match("%Y.%d", each)]  # nobody writes year, day, month
    some = [each for each in dict.fromkeys([ISO, *plausible, *UNGUESSED]) if parse_times(sample, each).notna().any()]
    if not some:
        return (ISO,)
    parsed = {each: parse_times(texts, each) for each in some}
    counts = {each: int(times.notna().sum()) for each, times in parsed.items()}
    best = [each for each in some if counts[each] == max(counts.values())]
    if dayfirst is not None:
        return (min(best, key=lambda each: (each.find("%d") < each.find("%m")) != dayfirst),)
    unevenness = {each: _unevenness(parsed[each]) for each in best}
    return tuple(sorted(best, key=lambda each: unevenness[each] > 2 * min(unevenness.values())))


def _unevenness(times: "pd.Series[Any]") -> float:
    """How much the steps from one time to the next vary, by their mean."""
    steps = np.diff(np.unique(days_of(times.dropna())))
    return float(steps.std() / steps.mean()) if len(steps) > 1 else 0.0


def numbers_in(texts: Sequence[str], format: str) -> Numbers:
    """Numbers from texts with the marks of a format; NaN for what is none."""
    plain = pd.Series([unmarked(text, format) for text in texts], dtype=object)
    return pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)


def number_formats(names: Sequence[str]) -> tuple[str, ...]:
    """The formats in which most of these texts are numbers, those of most of them; none where few are."""
    shares: dict[str, float] = {}
    for some in (names[:SAMPLE], names):
        shares = {each: 1 - float(np.isnan(numbers_in(some, each)).mean()) for each in NUMBER_FORMATS}
        if max(shares.values()) < MOSTLY:
            return ()
    return tuple(format for format, share in shares.items() if share == max(shares.values()))


def unmarked(text: str, format: str) -> str:
    """A number as Python writes it; empty where it is none.

    >>> unmarked("$1,012.60", "1,234.5"), unmarked("(12 %)", "1,234.5"), unmarked("1 012,6 €", "1.234,5"), unmarked("1,2", "1,234.5")
    ('1012.60', '-12', '1012.6', '')
    """
    plain = MARKS.sub("", text).replace("\N{MINUS SIGN}", "-")
    found = PATTERNS[format].fullmatch(plain)
    if not found or (found[2] and found[7]):
        return ""
    is_negative = "-" in (found[2], found[7]) or found[1]
    digits = (found[3] or found[4]).replace(format[1], "")
    return f"{'-' if is_negative else ''}{digits}{(found[5] or '').replace(format[-2], '.')}{found[6] or ''}"
