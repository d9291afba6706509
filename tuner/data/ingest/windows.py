"""Windows of time series: for each row of a table the last values of its series, and the values that follow."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.examples import Array
from tuner.data.ingest.formats import Numbers
from tuner.data.ingest.values import Rows, column_of, factorize, numbers_of, require_complete, times_of
from tuner.recipe import Table

COMPLETE = "a window has no gaps: fill them in, or take the column out"


@dataclass(frozen=True, eq=False)
class Series:
    """The rows of a table, one series after the other, each in order of time. `starts` and `ends` are the first places of the series and
    those behind the last ones, `times` the times of the rows as numbers (days where they are dates)."""

    frame: pd.DataFrame
    starts: Rows
    ends: Rows
    times: Numbers

    @property
    def lengths(self) -> Rows:
        """The number of rows of each series."""
        return self.ends - self.starts

    @property
    def steps(self) -> Numbers:
        """The time from each row to the next one of its series."""
        return np.delete(np.diff(self.times), self.starts[1:] - 1)

    def places(self, window: int, horizon: int) -> Rows:
        """The places of the rows that have a window until them, and a horizon after them."""
        pairs = zip(self.starts, self.ends, strict=True)
        return np.concatenate(
            [np.arange(start + window - 1, max(start + window - 1, end - horizon)) for start, end in pairs]
        )


def series_of(frame: pd.DataFrame, time: str, series: str, where: str) -> Series:
    """The rows by series and time; `series` names the column that tells series apart ("" for one). Raises `DataError` with rows where
    a time is none, or there twice."""
    times = times_of(column_of(frame, time, where), where)
    numbers = np.zeros(len(frame), np.int64)
    if series:
        require_complete(column_of(frame, series, where), where)
        numbers = factorize(frame[series], where).numbers
    order = np.lexsort((times, numbers))
    times, numbers, frame = times[order], numbers[order], frame.iloc[order]
    is_next = np.diff(numbers) == 0
    if (again := np.flatnonzero(is_next & (np.diff(times) == 0))).size:
        first, second = sorted(int(frame.index[again[0] + each]) + 1 for each in (0, 1))
        cure = (
            f"has another row of {series} {frame[series].iloc[again[0]]!r} at that time"
            if series
            else ("has this time, too; name the column that tells several series apart (--series)")
        )
        value = frame[time].iloc[again[0]]
        raise DataError(f"{where}: column {time!r}, row {second}: {value} is there twice: row {first} {cure}")
    borders = np.flatnonzero(~is_next) + 1
    return Series(frame, np.append(0, borders), np.append(borders, len(frame)), times)


def windowed(data: Table, frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, pd.DataFrame, Array]:
    """Each row with a window until it and a horizon after it, in order of time: the inputs, with an array in each column of windows; the
    targets, those of a forecast named `sales+1`, `sales+2`, …; and the `spans` of `Examples`. Raises `DataError` with column and
    row."""
    rows, horizon = series_of(frame, data.time, data.series, where), data.horizon
    places = rows.places(data.window, horizon)
    if not len(places):
        needed = f"{data.window + horizon} are needed for a window of {data.window}"
        needed += f" and {horizon} to forecast" if horizon else ""
        what = f"the longest of {len(rows.starts)} series has" if data.series else "has"
        raise DataError(f"{where}: {what} {max(rows.lengths)} rows, and {needed}; choose a shorter window")
    _, moments = np.unique(rows.times, return_inverse=True)
    places = places[np.argsort(moments[places], kind="stable")]
    ahead = places[:, None] + (np.arange(1, horizon + 1) if horizon else np.zeros(1, np.int64))
    targets = {name: _target(data, rows, name, where)[ahead] for name in data.targets}
    names = [f"{name}+{step}" if horizon else name for name in data.targets for step in range(1, ahead.shape[1] + 1)]
    inputs = _inputs(data, rows, places, where)
    y = pd.DataFrame(np.concatenate(list(targets.values()), axis=1), index=inputs.index, columns=names)
    return inputs, y, moments[ahead[:, [0, -1]]].astype(np.int64)


def latest(data: Table, frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The inputs of what is predicted from these rows: of the last row of each series where there is a horizon, else of each row that
    has a window; and the series and times of the predictions, a row for each step. Raises `DataError` for a series that is too short."""
    rows = series_of(frame, data.time, data.series, where)
    if (short := np.flatnonzero(rows.lengths < data.window)).size:
        place = rows.starts[short[0]]
        name = f"{data.series} {rows.frame[data.series].iloc[place]!r} has" if data.series else "has"
        raise DataError(f"{where}: {name} {rows.lengths[short[0]]} rows, and the window of the model has {data.window}")
    series = [data.series] if data.series else []
    if not data.horizon:
        places = rows.places(data.window, 0)
        return _inputs(data, rows, places, where), rows.frame[[*series, data.time]].iloc[places]
    inputs = _inputs(data, rows, rows.ends - 1, where)
    ahead = [times_ahead(data, rows, *ends) for ends in zip(rows.starts, rows.ends, strict=True)]
    named = inputs[series].loc[inputs.index.repeat(data.horizon)]
    return inputs, named.assign(**{data.time: np.concatenate(ahead)})


def times_ahead(data: Table, rows: Series, start: int, end: int) -> NDArray[Any]:
    """The times of the steps after a series: dates at their frequency where pandas finds one, else at its median step."""
    known, steps = rows.times[max(start, end - max(3, data.window)) : end], np.arange(1, data.horizon + 1)
    ahead = known[-1] + steps * (float(np.median(np.diff(known))) if len(known) > 1 else 1.0)
    if not is_dated(rows.frame[data.time]):
        return np.asarray(ahead, np.int64 if (ahead == np.floor(ahead)).all() else np.float64)
    dates = pd.DatetimeIndex(pd.to_datetime(np.concatenate([known, ahead]), unit="D")).round("s")
    with warnings.catch_warnings(action="ignore"):  # pandas will return an offset instead of a text, and both do here
        frequency = pd.infer_freq(dates[: len(known)]) if len(known) > 2 else None
    coming = (
        pd.date_range(dates[len(known) - 1], periods=len(steps) + 1, freq=frequency)[1:]
        if frequency
        else dates[len(known) :]
    )
    is_whole = (coming == coming.normalize()).all()
    return np.asarray(coming.strftime("%Y-%m-%d" if is_whole else "%Y-%m-%d %H:%M:%S"), object)


def is_dated(column: "pd.Series[Any]") -> bool:
    """Whether times are dates; else they are numbers."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    return bool(pd.to_numeric(column.astype(object), errors="coerce").isna().any())


def _target(data: Table, rows: Series, name: str, where: str) -> NDArray[Any]:
    require_complete(column_of(rows.frame, name, where), where, COMPLETE)
    if data.task == "classification":
        return rows.frame[name].to_numpy(object)
    return numbers_of(rows.frame[name], where, data.target_format)


def _inputs(data: Table, rows: Series, places: Rows, where: str) -> pd.DataFrame:
    """These rows, with the last values of each window in its column, the oldest first."""
    chosen = rows.frame.iloc[places]
    windows = {name: _windows(data, rows.frame[name], places, where) for name in data.windows}
    return chosen.assign(**{name: pd.Series(list(each), chosen.index, object) for name, each in windows.items()})


def _windows(data: Table, column: "pd.Series[Any]", places: Rows, where: str) -> Array:
    require_complete(column, where, COMPLETE)
    values = numbers_of(column, where, data.target_format if column.name in data.targets else "")
    every: Array = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), data.window)
    return every[places - data.window + 1]
