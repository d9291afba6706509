"""The profile of a table that is a time series: windows of its numbers, how long they are, and what is uneven about its times."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.columns import ColumnProfile
from tuner.data.ingest.profile import Roles, TableProfile, column_profile, profile_table
from tuner.data.ingest.targets import TargetProfile, TaskOption, target_profile
from tuner.data.ingest.values import column_of, require_complete
from tuner.data.ingest.windows import COMPLETE, Series, is_dated, series_of

SEASONS = {1: 7, 7: 52, **dict.fromkeys((28, 29, 30, 31), 12), **dict.fromkeys((90, 91, 92), 4)}
"""The season of steps of so many days, in steps. Shorter steps have a season of a day."""
USUAL_WINDOW, LONGEST_SEASON, SHARE = 28, 400, 4
"""The rows of a window without a season; the steps in a day from which on they have none; a window is at most this part of a series."""
NAMED = 3


def profile_series(
    frame: pd.DataFrame, roles: Roles, task: TaskOption, where: str, pictures: Mapping[str, str]
) -> TableProfile:
    """The profile of a table with times, whose numbers become windows; the length of the windows, the horizon and the season follow
    from the times where `roles` leaves them open. Raises `DataError` with rows for times and targets that no window can have."""
    for name in roles.targets:
        require_complete(column_of(frame, name, where), where, COMPLETE)
    rows, target = series_of(frame, roles.time, roles.series, where), _target(frame, roles, task, where)
    season = usual_season(rows, frame[roles.time])
    horizon, window = roles.horizon or int(target.task == "regression"), roles.window or usual_window(season, rows)
    roles = replace(roles, season=season, horizon=horizon, window=window)
    profile = profile_table(frame, roles, target.task, where, pictures)
    past = [column_profile(frame[name], where) for name in roles.targets] if horizon else []
    columns = [_as_input(roles, each) for each in (*past, *profile.columns)]
    used, unfit = (tuple(each for each in columns if bool(each.kind) == is_fit) for is_fit in (True, False))
    if not any(each.kind == "window" for each in used):
        raise DataError(f"{where}: no column of numbers is left for windows")
    warnings = (*(() if horizon else profile.warnings), *_uneven(rows, roles))
    left_out = (*unfit, *profile.left_out)
    return replace(profile, roles=roles, target=target, columns=used, left_out=left_out, warnings=warnings)


def usual_season(rows: Series, times: "pd.Series[Any]") -> int:
    """The number of steps in a day, a week or a year, by the median step; 0 where times are no dates."""
    step = float(np.median(rows.steps)) if len(rows.steps) and is_dated(times) else 0.0
    if step >= 1:
        return SEASONS.get(round(step), 0)
    return round(1 / step) if step and 1 / step < LONGEST_SEASON else 0


def usual_window(season: int, rows: Series) -> int:
    """A length of windows: some seasons, but at most a part of the longest series."""
    usual = season * (4 if season < 10 else 2 if season < 50 else 1) or USUAL_WINDOW
    return max(1, min(usual, int(max(rows.lengths)) // SHARE))


def _target(frame: pd.DataFrame, roles: Roles, task: TaskOption, where: str) -> TargetProfile:
    if not roles.horizon or task != "guess":
        return target_profile(frame, roles.targets, task, where)
    text = [name for name in roles.targets if not pd.api.types.is_numeric_dtype(frame[name])]
    for name in (each for each in text if column_profile(frame[each], where).kind != "number"):
        problem = (
            f"a forecast needs numbers, got {frame[name].iloc[0]!r}; for the label of each window leave --horizon out"
        )
        raise DataError(f"{where}: column {name!r}: {problem}")
    profile = target_profile(frame, roles.targets, "regression", where)
    return replace(profile, reason=f"the next {roles.horizon} values" if roles.horizon > 1 else "the next value")


def _as_input(roles: Roles, column: ColumnProfile) -> ColumnProfile:
    """A column of numbers as a window; without a kind, and with a reason, where it cannot be one."""
    if column.name == roles.series:
        return replace(column, kind="category", format="", reason="names the series")
    if column.kind != "number" and column.name not in roles.targets:
        return column
    if column.missing:
        return replace(column, kind="", reason="has missing values, and a window has no gaps")
    if column.format and column.name not in roles.targets:
        return replace(column, kind="", reason=f"numbers such as {column.examples[0]}: write them plainly for windows")
    return replace(column, kind="window", format=str(roles.window), reason=f"{roles.window} values until this row")


def _uneven(rows: Series, roles: Roles) -> Iterator[str]:
    """Warnings about steps of different length, and series that are too short."""
    steps, frame = rows.steps, rows.frame
    is_long = steps > 1.5 * (np.median(steps) if len(steps) else 0.0)
    if is_long.any():
        behind = np.delete(np.arange(1, len(frame)), rows.starts[1:] - 1)[np.argmax(is_long)]
        first = f"row {frame.index[behind] + 1} ({frame[roles.time].iloc[behind]})"
        note = f"{is_long.sum()} of {len(steps)} steps in time are longer than the usual one, the first before {first}"
        yield f"{note}: a window is {roles.window} rows, whatever the time between them; add the rows that lack"
    short = np.flatnonzero(rows.lengths < roles.window + roles.horizon)
    if roles.series and 0 < len(short) < len(rows.starts):
        names = frame[roles.series].iloc[rows.starts[short[:NAMED]]].astype(str)
        listed = f"{', '.join(names)}{', …' if len(short) > NAMED else ''}"
        needed = f"{roles.window} + {roles.horizon} rows"
        yield f"{len(short)} of {len(rows.starts)} series have fewer than {needed}, and so no window: {listed}"
