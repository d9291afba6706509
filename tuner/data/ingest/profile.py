"""The profile of a table: the probable kinds of its columns, those left out and why, and warnings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest import leakage
from tuner.data.ingest.coding import array_format
from tuner.data.ingest.columns import ColumnProfile, shorten
from tuner.data.ingest.files import SKLEARN
from tuner.data.ingest.guess import Guess, has_leading_zeros, of_numbers, of_texts
from tuner.data.ingest.separated import require_names
from tuner.data.ingest.tables import read_table, require_narrow
from tuner.data.ingest.targets import TargetProfile, TaskOption, target_profile
from tuner.data.ingest.values import EQUAL_ROWS, column_of, factorize, group_count, numbers_of, with_equal_rows
from tuner.recipe.data import MISSING_TEXTS

EXAMPLES = 3
CATEGORIES = "categories"


@dataclass(frozen=True)
class Roles:
    """Columns that are no inputs, by name; empty where there is none. The user's own texts for missing values, whether rows without
    a target are left out, and the order of day and month where both fit. Of a time series also the rows of a `window` (0: the table is
    none), the `horizon` and the `season`, as in `Table`."""

    targets: tuple[str, ...]
    group: str = ""
    time: str = ""
    weight: str = ""
    drop: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    drop_missing_target: bool = False
    dayfirst: bool | None = None
    series: str = ""
    window: int = 0
    horizon: int = 0
    season: int = 0


@dataclass(frozen=True)
class TableProfile:
    """A table: `groups` is the number of groups of rows (0 without a group column); `missing` as in a study file."""

    rows: int
    target: TargetProfile
    roles: Roles
    groups: int
    columns: tuple[ColumnProfile, ...]
    left_out: tuple[ColumnProfile, ...]
    warnings: tuple[str, ...]
    missing: tuple[str, ...] = MISSING_TEXTS
    kind: ClassVar[str] = "table"
    test_rows: ClassVar[int] = 0


def read_as_written(path: str, *, header: bool | None = None) -> pd.DataFrame:
    """The table, with columns of whole numbers as texts where some have leading zeros (007). Raises `DataError`, also for a first
    line that looks like data unless `header` says what it is."""
    frame = read_table(path, header=header is not False)
    if path.startswith(SKLEARN):
        return frame
    if header is None:
        require_names(frame, path)
    integers = {name: MISSING_TEXTS for name in frame.columns if pd.api.types.is_integer_dtype(frame[name])}
    written = read_table(path, integers, header=header is not False) if integers else frame
    for name in integers:
        if not pd.api.types.is_numeric_dtype(written[name]) and has_leading_zeros(written[name].dropna().tolist()):
            frame[name] = written[name]
    return frame


def profile_table(
    frame: pd.DataFrame,
    roles: Roles,
    task: TaskOption = "guess",
    where: str = "the table",
    pictures: Mapping[str, str] = MappingProxyType({}),
) -> TableProfile:
    """The profile of a table, called `where` in messages; `pictures` are the formats of columns that name files of pictures.

    Left out are columns that are unreadable, constant, an identifier, a copy of the target or of another column. Raises
    `DataError` for a missing column, a target that cannot be learned, and where no column is left.
    """
    if not roles.targets:
        names = ", ".join(map(str, frame.columns))
        raise DataError(f"{where}: which column is the target? Use --target NAME with one of: {names}")
    for name in (*roles.targets, roles.group, roles.time, roles.weight, *roles.drop):
        if name:
            column_of(frame, name, where)
    require_narrow(frame, roles.targets[0], where)
    target = target_profile(frame, roles.targets, task, where)
    columns, left_out, warnings = _column_profiles(frame, roles, target, where, pictures)
    if not columns and not roles.horizon:
        reasons = ", ".join(f"{each.name} ({each.reason})" for each in left_out) or "there is only the target"
        raise DataError(f"{where}: no column is left for the network to see: {reasons}")
    if not (roles.group or roles.window):
        warnings += leakage.possible_groups(columns, len(frame))
    if copies := 0 if roles.group or roles.time else leakage.copied_rows(frame, columns):
        roles, frame = replace(roles, group=EQUAL_ROWS), with_equal_rows(frame, [each.name for each in columns])
        what = f"{copies} of {len(frame)} rows equal an earlier row"
        warnings.append(f"{what}: equal rows stay on one side of every split")
    groups = group_count(frame[roles.group], where) if roles.group else 0
    return TableProfile(len(frame), target, roles, groups, columns, left_out, tuple(warnings))


def column_profile(series: "pd.Series[Any]", where: str, dayfirst: bool | None = None) -> ColumnProfile:
    """The profile of a column.

    Arrays of one shape are `array`.
    Whole numbers are `boolean` if they are 0 and 1, `category` if there are two or if they have zeros in front (007), else
    `number`. Texts are `boolean`, `number` or `date` where all values are; `text` from three words a value on (two where most
    values differ), unless each value has ten rows; else `category`. `dayfirst` decides on dates that fit both orders. Raises `DataError` for numbers too large for float32.
    """
    if format := array_format(series):
        return ColumnProfile(
            str(series.name), "array", f"arrays of the shape {format}", float(series.isna().mean()), format=format
        )
    if pd.api.types.is_datetime64_any_dtype(series):
        different: Any = series.dropna().drop_duplicates()
        guess = Guess("date", "dates")
        names = tuple(different.head(EXAMPLES).astype(str))
    elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        different = series.dropna().unique()
        guess = of_numbers(different)
        names = tuple(f"{each:g}" for each in np.asarray(different[:EXAMPLES], float))
    else:
        texts = factorize(series, where)
        names = different = texts.names
        guess = of_texts(texts, len(series), dayfirst)
    if guess.kind == "number":
        numbers_of(series, where, guess.format)  # raises for what float32 cannot hold
    missing, examples = float(series.isna().mean()), tuple(map(shorten, names[:EXAMPLES]))
    return ColumnProfile(str(series.name), guess.kind, guess.reason, missing, len(different), examples, *guess[2:])


def frame_columns(frame: pd.DataFrame, where: str = "the data") -> tuple[ColumnProfile, ...]:
    """The profiles of a frame's columns: by type, texts by value; without a kind those that identify rows, unless all do, their
    type is category, or they come from an array. Raises `DataError` where no column has a value."""
    if not frame.notna().any(axis=None):
        raise DataError(f"{where}: no column has any value")
    profiles = tuple(_by_type(frame[name], where) for name in frame.columns)
    is_array = list(frame.columns) == [f"x{place}" for place in range(frame.shape[1])]
    named = (each for each in profiles if not is_array and each.reason != CATEGORIES)
    reasons = {each.name: reason for each in named if (reason := leakage.identifier_reason(each, frame[each.name]))}
    if len(reasons) == len(profiles):
        return profiles
    return tuple(
        replace(each, kind="", reason=reasons[each.name]) if each.name in reasons else each for each in profiles
    )


def _column_profiles(
    frame: pd.DataFrame, roles: Roles, target: TargetProfile, where: str, pictures: Mapping[str, str]
) -> tuple[tuple[ColumnProfile, ...], tuple[ColumnProfile, ...], list[str]]:
    """The columns that the network sees, those that are left out, and warnings about the first."""
    profiles: dict[str, ColumnProfile] = {}
    warnings: list[str] = []
    reasons = dict.fromkeys(roles.drop, "excluded with --drop") | {
        roles.group: "names the group of each row",
        roles.time: "gives the order of the rows",
        roles.weight: "is the weight of each row",
    }
    read = partial(numbers_of, format=target.format) if target.task == "regression" else factorize
    targets = {name: read(frame[name], where) for name in roles.targets}
    names = [str(name) for name in frame.columns if name not in roles.targets]
    for name in (name for name in names if name not in reasons):
        reasons[name] = leakage.unusable_reason(frame[name])
        if not reasons[name]:
            profile = column_profile(frame[name], where, roles.dayfirst)
            if name in pictures:
                profile = replace(profile, kind="picture", reason="files of pictures", format=pictures[name], hint="")
            profiles[name] = profile
            copy, suspicion = leakage.target_leak(profile, frame[name], targets)
            reasons[name] = copy or leakage.identifier_reason(profile, frame[name])
            warnings += [suspicion] if suspicion and not reasons[name] else []
    inputs = [name for name in profiles if not reasons[name]]
    reasons |= {name: f"equals {other}" for name, other in leakage.equal_columns(frame, inputs)}
    left_out = (name for name in names if reasons[name])
    return (
        tuple(profile for name, profile in profiles.items() if not reasons[name]),
        tuple(ColumnProfile(name, profiles[name].kind if name in profiles else "", reasons[name]) for name in left_out),
        warnings,
    )


def _by_type(series: "pd.Series[Any]", where: str) -> ColumnProfile:
    if not series.notna().any():
        return ColumnProfile(str(series.name), "category", "no row has a value", 1.0)
    profile = column_profile(series, where)
    if pd.api.types.is_bool_dtype(series):
        return replace(profile, kind="boolean", reason="true and false", format="")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return replace(profile, kind="category", reason=CATEGORIES, format="")
    if pd.api.types.is_numeric_dtype(series) and profile.kind != "number":
        return replace(profile, kind="number", reason="numbers")
    return profile
