"""Axes, and from numbers to places on them: scales, their ticks, and how numbers are written."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tuner.charts.ticks import HALVES, QUARTERS, ticks

FARTHEST = 1e150
"""No chart reaches farther, nor nearer to zero on a log scale: widths and ratios stay numbers."""


@dataclass(frozen=True)
class Axis:
    """An axis: its label with the unit, its scale; `names` make it one of categories, counted from 0; on a `whole` one only
    integers are written. `low` and `high` are its ends where they do not follow from the values."""

    label: str
    scale: Literal["linear", "log"] = "linear"
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    percent: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        if not all(self.shows(end) for end in ends) or (len(ends) == 2 and ends[0] >= ends[1]):
            raise ValueError(f"no axis goes from {self.low} to {self.high} on a {self.scale} scale")

    def shows(self, value: float) -> bool:
        """Whether a value has a place: numbers that are not finite have none, nor has 0 on a log scale."""
        return abs(value) <= FARTHEST and (self.scale == "linear" or value >= 1 / FARTHEST)


@dataclass(frozen=True)
class Scale:
    """Maps `low`..`high` of an axis to `start`..`end` in pixels."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (self._inner(value) - self._inner(self.low)) / (self._inner(self.high) - self._inner(self.low))
        return self.start + share * (self.end - self.start)

    def shows(self, value: float) -> bool:
        """Whether a value has a place."""
        return self.axis.shows(value)

    def ticks(self) -> list[tuple[float, str]]:
        """Where to write what."""
        if self.axis.names:
            return [(float(index), name) for index, name in enumerate(self.axis.names)]
        values = (
            _log_ticks(self.low, self.high)
            if self.axis.scale == "log"
            else _ticks(self.low, self.high, self.axis.whole)
        )
        return [(value, written(value, self.axis.percent)) for value in values]

    def _inner(self, value: float) -> float:
        return math.log10(value) if self.axis.scale == "log" else value


def fitted(axis: Axis, values: Iterable[float], start: float, end: float, from_zero: bool = False) -> Scale:
    """A scale that shows all values, with a little air, or what the axis asks for."""
    if axis.names:
        return Scale(axis, -0.6, len(axis.names) - 0.4, start, end)
    shown = [value for value in values if axis.shows(value)]
    low, high = _wide(axis, min(shown, default=0.1), max(shown, default=1.0))
    if from_zero and axis.scale == "linear":
        low = min(low, 0.0) if min(shown, default=0.0) < 0 else 0.0
    low, high = axis.low if axis.low is not None else low, axis.high if axis.high is not None else high
    if low >= high:  # the end that the axis asks for lies beyond all values
        low, high = _wide(axis, min([high, *shown]), max([low, *shown]))
    return Scale(axis, low, high, start, end)


def written(value: float, percent: bool = False) -> str:
    """A number as it stands beside an axis.

    >>> written(0.89, percent=True), written(1e-4), written(12000.0), written(0.5)
    ('89 %', '1e-4', '12k', '0.5')
    """
    if percent:
        return f"{100 * value:g} %"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e9):
        mantissa, _, power = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(power)}"
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and letter == "M"):
            return f"{value / size:g}{letter}"
    return f"{value:.6g}"


def spoken(axis: Axis, value: float) -> str:
    """A value along an axis as a tip says it."""
    if axis.names:
        return axis.names[round(value)]
    return f"{100 * value:.2f} %" if axis.percent else f"{value:.4g}"


def _wide(axis: Axis, low: float, high: float) -> tuple[float, float]:
    if axis.scale == "log":
        spread = max(math.log10(high / low), 0.3)
        return low / 10 ** (0.05 * spread), high * 10 ** (0.05 * spread)
    spread = max((high - low) or abs(high) * 0.1 or 1.0, 1e-9 * abs(high), 1e-9)
    return low - 0.06 * spread, high + 0.06 * spread


def _ticks(low: float, high: float, whole: bool) -> Sequence[float]:
    if whole:
        return ticks(low, high, min(5.0, high - low), HALVES)
    return ticks(low, high, 5.0, QUARTERS)


def _log_ticks(low: float, high: float) -> Sequence[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high / low)
    factors = (1, 1.5, 2, 3, 4, 5, 7) if decades < 1 else (1, 2, 5) if decades <= 2.5 else (1,)
    every = max(1, (last - first) // 6)
    found = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [float(f"{value:.6g}") for value in found if low <= value <= high]
