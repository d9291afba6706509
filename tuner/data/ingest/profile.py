"""The profile of a table: its columns, those left out and why, and warnings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.columns import ColumnProfile
from tuner.data.ingest.kinds import column_profile, has_leading_zeros
from tuner.data.ingest.leakage import equal_columns, identifier_reason, possible_groups, target_leak, unusable_reason
from tuner.data.ingest.tables import PREFIX, read_table
from tuner.data.ingest.targets import TargetProfile, TaskOption, target_profile
from tuner.data.ingest.values import column_of, factorize, numbers_of

FEWEST_GROUPS = 5


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


def read_as_written(path: str, where: Sequence[Path]) -> pd.DataFrame:
    """The table, with whole numbers that have zeros in front somewhere (007) as texts. Raises `DataError`."""
    frame = read_table(path, where)
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name])]
    written = read_table(path, where, whole) if whole and not path.startswith(PREFIX) else frame
    for name in whole:
        if not pd.api.types.is_numeric_dtype(written[name]) and has_leading_zeros(written[name].dropna().tolist()):
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
        raise DataError(f"{where}: which column is the target? Say --target NAME, one of: {names}")
    for name in (*roles.targets, roles.group, roles.time, roles.weight, *roles.drop):
        if name:
            column_of(frame, name, where)
    target = target_profile(frame, roles.targets, task, where)
    columns, left_out, warnings = _column_profiles(frame, roles, target, where)
    if not columns:
        reasons = ", ".join(f"{each.name} ({each.reason})" for each in left_out.values())
        raise DataError(f"{where}: no column is left for the network to see: {reasons}")
    if not roles.group:
        warnings += possible_groups(columns, len(frame))
    in_order = tuple(left_out[name] for name in map(str, frame.columns) if name in left_out)
    groups = int(frame[roles.group].nunique()) if roles.group else 0
    require_groups(groups, roles.group, where)
    return TableProfile(len(frame), target, roles, groups, tuple(columns.values()), in_order, tuple(warnings))


def _column_profiles(
    frame: pd.DataFrame, roles: Roles, target: TargetProfile, where: str
) -> tuple[dict[str, ColumnProfile], dict[str, ColumnProfile], list[str]]:
    """The columns that the network sees, those that are left out, and warnings about the first."""
    columns: dict[str, ColumnProfile] = {}
    reasons = dict.fromkeys(roles.drop, "said with --drop") | {
        roles.group: "says which rows belong together",
        roles.time: "says the order of the rows",
        roles.weight: "says how much each row counts",
    }
    left_out = {name: ColumnProfile(name, "", reason) for name, reason in reasons.items() if name}
    warnings: list[str] = []
    read = numbers_of if target.task == "regression" else factorize
    values = {name: read(frame[name], where) for name in roles.targets}
    for name in [str(name) for name in frame.columns if name not in (*roles.targets, *left_out)]:
        reason = unusable_reason(frame[name])
        if reason:
            left_out[name] = ColumnProfile(name, "", reason)
            continue
        profile = column_profile(frame[name], where)
        copy, suspicion = target_leak(profile, frame[name], values)
        reason = copy or identifier_reason(profile, frame[name])
        if reason:
            left_out[name] = ColumnProfile(name, profile.kind, reason)
            continue
        columns[name] = profile
        warnings += [suspicion] if suspicion else []
    for name, other in equal_columns(frame, list(columns)):
        left_out[name] = ColumnProfile(name, columns.pop(name).kind, f"equals {other}")
    return columns, left_out, warnings


def require_groups(count: int, name: str, where: str) -> None:
    """Raise `DataError` for too few groups for splits."""
    if name and count < FEWEST_GROUPS:
        raise DataError(f"{where}: {name!r} has {count} groups, and at least {FEWEST_GROUPS} are needed")
