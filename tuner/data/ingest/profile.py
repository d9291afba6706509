"""The profile of a table: the probable kinds of its columns, those left out and why, and warnings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.coding import MOST_VALUES
from tuner.data.ingest.columns import MARKED, ColumnProfile, shorten
from tuner.data.ingest.files import SKLEARN
from tuner.data.ingest.leakage import equal_columns, identifier_reason, possible_groups, target_leak, unusable_reason
from tuner.data.ingest.tables import read_table
from tuner.data.ingest.targets import TargetProfile, TaskOption, target_profile
from tuner.data.ingest.values import column_of, date_format, factorize, numbers_of, parse_times
from tuner.networks.columns import TRUTHS, Kind

FEWEST_GROUPS = 5
EXAMPLES = 3
SAMPLE = 1000
WORDS_OF_A_TEXT = 3
ROWS_OF_A_CATEGORY = 10
MOSTLY = 0.8
MARKED_NUMBER = re.compile(r"[€$£]?\s*[-+]?(\d+|\d{1,3}([,.'  ]\d{3})+)([.,]\d+)?\s*[%€$£]?")
DATE_LIKE = re.compile(r"\d+[-/. ]\w+[-/. ]\d+|\d{4}-\d\d")

Guess = tuple[Kind, str, str]
"""The kind, the reason, and a hint how the column could be written better."""


@dataclass(frozen=True)
class Roles:
    """Columns that are no inputs, by name; empty where there is none."""

    targets: tuple[str, ...]
    group: str = ""
    time: str = ""
    weight: str = ""
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableProfile:
    """A table: `groups` is the number of groups of rows (0 without a group column)."""

    rows: int
    target: TargetProfile
    roles: Roles
    groups: int
    columns: tuple[ColumnProfile, ...]
    left_out: tuple[ColumnProfile, ...]
    warnings: tuple[str, ...]
    test_rows: ClassVar[int] = 0


def read_as_written(path: str) -> pd.DataFrame:
    """The table, with columns of whole numbers as texts where some have leading zeros (007). Raises `DataError`."""
    frame = read_table(path)
    integers = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name])]
    written = read_table(path, integers) if integers and not path.startswith(SKLEARN) else frame
    for name in integers:
        if not pd.api.types.is_numeric_dtype(written[name]) and _has_leading_zeros(written[name].dropna().tolist()):
            frame[name] = written[name]
    return frame


def profile_table(
    frame: pd.DataFrame, roles: Roles, task: TaskOption = "guess", where: str = "the table"
) -> TableProfile:
    """The profile of a table, called `where` in messages.

    Left out are columns that are unreadable, constant, an identifier, a copy of the target or of another column. Raises
    `DataError` for a missing column, a target that cannot be learned, and where no column is left.
    """
    if not roles.targets:
        names = ", ".join(map(str, frame.columns))
        raise DataError(f"{where}: which column is the target? Use --target NAME with one of: {names}")
    for name in (*roles.targets, roles.group, roles.time, roles.weight, *roles.drop):
        if name:
            column_of(frame, name, where)
    target = target_profile(frame, roles.targets, task, where)
    groups = int(frame[roles.group].nunique()) if roles.group else 0
    require_groups(groups, roles.group, where)
    columns, left_out, warnings = _column_profiles(frame, roles, target, where)
    if not columns:
        reasons = ", ".join(f"{each.name} ({each.reason})" for each in left_out)
        raise DataError(f"{where}: no column is left for the network to see: {reasons}")
    if not roles.group:
        warnings += possible_groups(columns, len(frame))
    return TableProfile(len(frame), target, roles, groups, columns, left_out, tuple(warnings))


def column_profile(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    """The profile of a column.

    Whole numbers are `boolean` if they are 0 and 1, `category` if there are two or if they have zeros in front (007), else
    `number`. Texts are `boolean`, `number` or `date` where all values are; `text` from three words a value on (two where most
    values differ), unless each value has ten rows; else `category`. Raises `DataError` for numbers too large for float32.
    """
    if pd.api.types.is_datetime64_any_dtype(series):
        different: Any = series.dropna().drop_duplicates()
        guess: Guess = ("date", "dates", "")
        names = tuple(different.head(EXAMPLES).astype(str))
    elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        different = series.dropna().unique()
        guess = _of_numbers(different)
        names = tuple(f"{each:g}" for each in np.asarray(different[:EXAMPLES], float))
    else:
        names = different = factorize(series, where).names
        guess = _of_texts(names, len(series))
    kind, reason, hint = guess
    if kind == "number":
        numbers_of(series, where)  # raises for what float32 cannot hold
    missing, examples = float(series.isna().mean()), tuple(map(shorten, names[:EXAMPLES]))
    return ColumnProfile(str(series.name), kind, reason, missing, len(different), examples, hint)


def frame_columns(frame: pd.DataFrame, where: str = "the data") -> tuple[ColumnProfile, ...]:
    """The profiles of a frame's columns that have values: by type, texts by value. Raises `DataError` where there is none."""
    profiles = tuple(_by_type(frame[name], where) for name in frame.columns if frame[name].notna().any())
    if not profiles:
        raise DataError(f"{where}: no column has any value")
    return profiles


def _column_profiles(
    frame: pd.DataFrame, roles: Roles, target: TargetProfile, where: str
) -> tuple[tuple[ColumnProfile, ...], tuple[ColumnProfile, ...], list[str]]:
    """The columns that the network sees, those that are left out, and warnings about the first."""
    profiles: dict[str, ColumnProfile] = {}
    warnings: list[str] = []
    reasons = dict.fromkeys(roles.drop, "excluded with --drop") | {
        roles.group: "names the group of each row",
        roles.time: "gives the order of the rows",
        roles.weight: "is the weight of each row",
    }
    read = numbers_of if target.task == "regression" else factorize
    targets = {name: read(frame[name], where) for name in roles.targets}
    names = [str(name) for name in frame.columns if name not in roles.targets]
    for name in (name for name in names if name not in reasons):
        reasons[name] = unusable_reason(frame[name])
        if not reasons[name]:
            profile = profiles[name] = column_profile(frame[name], where)
            copy, suspicion = target_leak(profile, frame[name], targets)
            reasons[name] = copy or identifier_reason(profile, frame[name])
            warnings += [suspicion] if suspicion and not reasons[name] else []
    reasons |= {
        name: f"equals {other}"
        for name, other in equal_columns(frame, [name for name in profiles if not reasons[name]])
    }
    left_out = (name for name in names if reasons[name])
    return (
        tuple(profile for name, profile in profiles.items() if not reasons[name]),
        tuple(ColumnProfile(name, profiles[name].kind if name in profiles else "", reasons[name]) for name in left_out),
        warnings,
    )


def require_groups(count: int, name: str, where: str) -> None:
    """Raise `DataError` for too few groups for splits."""
    if name and count < FEWEST_GROUPS:
        raise DataError(f"{where}: {name!r} has {count} groups, and at least {FEWEST_GROUPS} are needed")


def _by_type(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    profile = column_profile(series, where)
    if pd.api.types.is_bool_dtype(series):
        return replace(profile, kind="boolean", reason="true and false")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return replace(profile, kind="category", reason="categories")
    if pd.api.types.is_numeric_dtype(series):
        return replace(profile, kind="number", reason="numbers")
    return profile


def _has_leading_zeros(texts: Sequence[Any]) -> bool:
    """Whether some of the texts are whole numbers such as 007."""
    return any(text[:1] == "0" and len(text) > 1 and text.isdigit() for text in texts)


def _of_numbers(values: Any) -> Guess:
    numbers = np.asarray(values, np.float64)
    is_whole = bool((numbers == np.floor(numbers)).all())
    if is_whole and set(numbers.tolist()) <= {0.0, 1.0}:
        return "boolean", "0 and 1", ""
    if is_whole and len(numbers) <= 2:
        return "category", "at most two different whole numbers", ""
    return "number", "whole numbers" if is_whole else "numbers", ""


def _of_texts(names: Sequence[str], rows: int) -> Guess:
    if all(name.lower() in TRUTHS for name in names):
        return "boolean", " and ".join(names[:2]), ""
    is_number = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").notna().to_numpy()
    if _has_leading_zeros(names):
        return "category", "numbers with leading zeros", ""
    if is_number.all():
        return "number", "numbers written as text", ""
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
    """How these texts could be written as numbers; empty where they are not numbers."""
    if is_number.mean() >= MOSTLY:
        other = names[int(np.argmin(is_number))]
        return f"nearly all are numbers, but {other!r} is none: leave such cells empty to have it read as a number"
    marked = [bool(MARKED_NUMBER.fullmatch(name)) for name in names[:SAMPLE]]
    if np.mean(marked) >= MOSTLY:
        example = names[int(np.argmax(marked))]
        return f"looks like numbers, such as {example!r}: write only digits and a decimal point to have it read as a number"
    return ""
