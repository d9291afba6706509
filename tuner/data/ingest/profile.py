"""A table that nobody has described yet: what its columns are taken for, what is left out and why, what is to be told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.ingest.goal import Goal, goal_of
from tuner.data.ingest.kinds import ColumnProfile, column_profile, has_zeros_in_front
from tuner.data.ingest.leakage import equal_columns, groups_by_name, key_reason, told_by, unusable, wanted_of
from tuner.data.ingest.tables import read_table
from tuner.data.ingest.values import column_of

Asked = Task | Literal["guess"]
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
class LeftOut:
    """A column that the network does not see; `kind` is what it would be taken for (empty where that cannot be)."""

    name: str
    reason: str
    kind: str = ""


@dataclass(frozen=True)
class TableProfile:
    """What a table has: `groups` counts those of rows that belong together (0 where nothing says which do)."""

    rows: int
    goal: Goal
    roles: Roles
    groups: int
    columns: tuple[ColumnProfile, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    test_rows: ClassVar[int] = 0


def read_as_written(path: str, where: Sequence[Path]) -> pd.DataFrame:
    """The table, with whole numbers that have zeros in front somewhere (007) as texts. Raises `DataError`."""
    frame = read_table(path, where)
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name])]
    written = read_table(path, where, whole) if whole and not path.startswith("sklearn:") else frame
    for name in whole:
        if not pd.api.types.is_numeric_dtype(written[name]) and has_zeros_in_front(written[name]):
            frame[name] = written[name]
    return frame


def profile(frame: pd.DataFrame, roles: Roles, task: Asked = "guess", where: str = "the table") -> TableProfile:
    """What is found in a table, of which `where` is what messages call it.

    Left out is what no network can see, what is the same everywhere, what only numbers or names the rows, what is the target
    itself, and what equals another column. Raises `DataError` where a column is not there, where the target cannot be
    told, where nothing is left to tell it by.
    """
    if not roles.targets:
        names = ", ".join(map(str, frame.columns))
        raise DataError(f"{where}: which column is to be told? Say --target NAME, one of: {names}")
    for name in (*roles.targets, roles.group, roles.time, roles.weight, *roles.drop):
        if name:
            column_of(frame, name, where)
    goal = goal_of(frame, roles.targets, task, where)
    columns, left_out, warnings = _looked_through(frame, roles, goal, where)
    if not columns:
        reasons = ", ".join(f"{each.name} ({each.reason})" for each in left_out.values())
        raise DataError(f"{where}: no column is left for the network to see: {reasons}")
    if not roles.group:
        warnings += [
            f"{name} names what has several rows; {CURE} {name}" for name in groups_by_name(columns, len(frame))
        ]
    in_order = tuple(left_out[name] for name in map(str, frame.columns) if name in left_out)
    groups = int(frame[roles.group].nunique()) if roles.group else 0
    require_groups(groups, roles.group, where)
    return TableProfile(len(frame), goal, roles, groups, tuple(columns.values()), in_order, tuple(warnings))


CURE = "if these belong together, say --group"


def _looked_through(
    frame: pd.DataFrame, roles: Roles, goal: Goal, where: str
) -> tuple[dict[str, ColumnProfile], dict[str, LeftOut], list[str]]:
    """The columns that the network is to see, those that are left out, and what is suspicious of the first."""
    columns: dict[str, ColumnProfile] = {}
    left_out = {each.name: each for each in _without_being_looked_at(roles)}
    warnings: list[str] = []
    wanted = wanted_of(frame[list(roles.targets)], goal, where)
    for name in [str(name) for name in frame.columns if name not in (*roles.targets, *left_out)]:
        reason, kind, suspicion = unusable(frame[name]), "", ""
        if not reason:
            columns[name] = found = column_profile(frame[name], where)
            copy, suspicion = told_by(found, frame[name], wanted)
            reason, kind = copy or key_reason(found, frame[name]), found.kind
        if reason:
            columns.pop(name, None)
            left_out[name] = LeftOut(name, reason, kind)
        elif suspicion:
            warnings.append(suspicion)
    for name, other in equal_columns(frame, list(columns)):
        left_out[name] = LeftOut(name, f"equals {other}", columns.pop(name).kind)
    return columns, left_out, warnings


def _without_being_looked_at(roles: Roles) -> Iterator[LeftOut]:
    """Those that the user has said."""
    for name, reason in (
        (roles.group, "says which rows belong together"),
        (roles.time, "says the order of the rows"),
        (roles.weight, "says how much each row counts"),
        *((name, "said with --drop") for name in roles.drop),
    ):
        if name:
            yield LeftOut(name, reason)


def require_groups(count: int, name: str, where: str) -> None:
    """Raise `DataError` for too few groups to stand on both sides of every split."""
    if name and count < FEWEST_GROUPS:
        raise DataError(f"{where}: {name!r} has {count} groups, and at least {FEWEST_GROUPS} are needed")
