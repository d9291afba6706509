"""Axes and their scales: from numbers to pixels, with round ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from tuner.base.formatting import metric_label
from tuner.base.metrics import METRICS

FARTHEST = 1e150
"""The largest number that a chart shows; on a log scale its inverse is the smallest. Widths and ratios stay finite."""

HALVES = (1, 2, 5, 10)
QUARTERS = (1, 2, 2.5, 5, 10)
ROUNDING = Decimal("0.999")
"""The tolerance of an interval's width for errors of rounding."""


@dataclass(frozen=True)
class Axis:
    """A label with its unit, and a scale. `names` make an axis of categories, which count from 0; with `integers` only
    integers are ticks, and `at` are ticks in place of round numbers. `low` and `high` are its ends where they do not follow
    from the values; what lies beyond is drawn at the end."""

    label: str
    scale: Literal["linear", "log"] = "linear"
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    percent: bool = False
    integers: bool = False
    at: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        if not all(self.contains(end) for end in ends) or (len(ends) == 2 and ends[0] >= ends[1]):
            raise ValueError(f"no axis goes from {self.low} to {self.high} on a {self.scale} scale")

    def contains(self, value: float) -> bool:
        """Whether a value has a place: infinite numbers and NaN have none, nor has 0 on a log scale."""
        return abs(value) <= FARTHEST and (self.scale == "linear" or value >= 1 / FARTHEST)

    def is_within(self, value: float) -> bool:
        """Whether a value lies between the ends that the axis demands."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def metric_axis(name: str) -> Axis:
    """The axis of a metric, also with the name of a part in front; shares are in percent."""
    metric = METRICS.get(name.removeprefix("training_").removeprefix("validation_").removeprefix("test_"))
    return Axis(metric_label(name), percent=metric is not None and metric.is_share)


@dataclass(frozen=True)
class Scale:
    """Maps `low`..`high` of an axis to `start`..`end` in pixels."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        inner = math.log10 if self.axis.scale == "log" else float
        value = min(max(value, self.low), self.high)
        share = (inner(value) - inner(self.low)) / (inner(self.high) - inner(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Values with their texts."""
        if self.axis.names:
            return [(float(index), name) for index, name in enumerate(self.axis.names)]
        values: Sequence[float]
        if self.axis.at:
            values = self.axis.at
        elif self.axis.scale == "log":
            values = _log_ticks(self.low, self.high)
        elif self.axis.integers:
            values = ticks(self.low, self.high, min(5.0, self.high - self.low))
        else:
            values = ticks(self.low, self.high, 5.0, QUARTERS)
        return [(value, tick_text(value, percent=self.axis.percent)) for value in values]


def fit_scale(axis: Axis, values: Iterable[float], start: float, end: float) -> Scale:
    """A scale that shows all values with a small margin, or the ends that the axis demands."""
    if axis.names:
        return Scale(axis, -0.6, len(axis.names) - 0.4, start, end)
    known = [value for value in values if axis.contains(value)]
    low, high = _padded(axis, min(known, default=0.1), max(known, default=1.0))
    low, high = axis.low if axis.low is not None else low, axis.high if axis.high is not None else high
    if low >= high:  # the end that the axis demands lies beyond all values
        low, high = _padded(axis, min([high, *known]), max([low, *known]))
    return Scale(axis, low, high, start, end)


def tick_text(value: float, *, percent: bool = False) -> str:
    """A number as an axis shows it.

    >>> tick_text(0.89, percent=True), tick_text(2.5e-4), tick_text(12000.0), tick_text(0.5)
    ('89 %', '2.5e-4', '12k', '0.5')
    """
    if percent:
        return f"{100 * value:g} %"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e9):
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and letter == "M"):
            return f"{value / size:g}{letter}"
    return f"{value:.6g}"


def value_text(axis: Axis, value: float) -> str:
    """A value of an axis as a tip shows it."""
    if axis.names:
        return axis.names[round(value)]
    return f"{100 * value:.2f} %" if axis.percent else f"{value:.4g}"


def ticks(low: float, high: float, parts: float = 4, factors: Sequence[float] = HALVES) -> list[float]:
    """At most `parts` + 1 round numbers from `low` to `high`; steps are a factor times a power of ten. Empty if there is no
    such interval.

    >>> ticks(0.83, 0.91)
    [0.84, 0.86, 0.88, 0.9]
    """
    if not -math.inf < low < high < math.inf:
        return []
    # Decimals hold round numbers exactly, also for the widest and the narrowest interval of floats.
    first, last = Decimal(str(low)), Decimal(str(high))
    raw = ROUNDING * (last - first) / Decimal(str(parts))
    power = Decimal(1).scaleb(raw.adjusted())
    step = next(size for factor in factors if (size := Decimal(str(factor)) * power) >= raw)
    lowest, highest = (first / step).to_integral(ROUND_CEILING), (last / step).to_integral(ROUND_FLOOR)
    # Where floats are sparser than steps, neighbours become the same float.
    return list(dict.fromkeys(float((lowest + count) * step) for count in range(int(highest - lowest) + 1)))


def focused(axis: Axis, values: Iterable[float], margin: float = 0.0) -> Axis:
    """The axis of a metric with ends that show these values, with a share of their range on each side, whatever else is drawn;
    logarithmic where they span a factor of 100 or more."""
    known = [value for value in values if axis.contains(value)]
    if not known:
        return axis
    if min(known) > 0 and max(known) >= 100 * min(known) and not axis.percent:
        axis = replace(axis, scale="log")
    low, high = _padded(axis, min(known), max(known))
    room = margin * (high - low) if axis.scale == "linear" else 0.0
    return replace(axis, low=max(low - room, min(low, 0.0)), high=min(high + room, 1.0 if axis.percent else math.inf))


def _padded(axis: Axis, low: float, high: float) -> tuple[float, float]:
    if axis.scale == "log":
        spread = max(math.log10(high / low), 0.3)
        return low / 10 ** (0.05 * spread), high * 10 ** (0.05 * spread)
    spread = max((high - low) or abs(high) * 0.1 or 1.0, 1e-9 * abs(high), 1e-9)
    ends = low - 0.06 * spread, high + 0.06 * spread
    if axis.percent:  # a share ends at 0 and 100 %, and so does its axis
        return (min(low, max(0.0, ends[0])), max(high, min(1.0, ends[1])))
    return ends


def _log_ticks(low: float, high: float) -> Sequence[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high / low)
    factors = (1, 1.5, 2, 3, 4, 5, 7) if decades < 1 else (1, 2, 5) if decades <= 2.5 else (1,)
    every = max(1, (last - first) // 6)
    values = (factor * 10.0**power for power in range(first, last + 1, every) for factor in factors)
    return [float(f"{value:.6g}") for value in values if low <= value <= high]
