"""Figures: their names, the statistics of a run's curve, and how far the runs of one recipe differ."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from tuner.base.errors import Invalid, near_miss

CURVES = ("training_loss", "training_accuracy", "validation_loss", "validation_accuracy")
ENSEMBLE = ("single_accuracy", "ensemble_accuracy")
FIGURES = (*CURVES, "test_loss", "test_accuracy", *ENSEMBLE, "attacked_accuracy", "parameters", "layer_parameters")
GAPS = {
    "gap_loss": ("test_loss", "training_loss"),
    "gap_accuracy": ("test_accuracy", "training_accuracy"),
    "gap_ensemble": ("ensemble_accuracy", "single_accuracy"),
}
"""Figures of a run that are differences of two."""

NORMAL = 1.96
"""The normal distribution's 97.5 % quantile: so many standard errors to each side hold 95 %."""


@dataclass(frozen=True)
class Spread:
    """How far the runs of a document's networks usually differ: the `typical` standard deviation of a figure (in parts of
    `scale`), and the degrees of `freedom` that it counts for next to a network's own runs."""

    typical: float
    freedom: float


UNREPEATED = {True: Spread(0.02, 4.0), False: Spread(0.004, 4.0)}
"""Of a loss and of another figure, where nothing has been repeated yet: those of small networks over seeds."""


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample, 0 for a single value. `statistics.stdev` breaks on infinite values, `numpy.std` warns.

    >>> deviation([1.0, 3.0]), deviation([1.0]), deviation([1.0, math.inf])
    (1.4142135623730951, 0.0, nan)
    """
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / max(len(values) - 1, 1))


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "deviation": deviation,
    "highest": max,
    "change": lambda curve: curve[-1] - curve[0],
    "swing": lambda curve: fmean(abs(after - before) for before, after in pairwise(curve[len(curve) // 2 - 1 :])),
    "falling": lambda curve: fmean(after < before for before, after in pairwise(curve)),
    "rising": lambda curve: fmean(after > before for before, after in pairwise(curve)),
}
"""Figures of a curve, by the first part of the name: its mean, deviation and highest value, the change (last less first), the mean
swing from one stored epoch to the next in the second half, and the shares of steps down and up."""

CURVE_FIGURE = re.compile(rf"({'|'.join(STATISTICS)})_(?:of_(\d+)_)?({'|'.join((*CURVES, *ENSEMBLE))})")
"""Statistic, of how many first epochs, and curve: `mean_training_loss`, `highest_of_9_validation_accuracy`."""


def check_figure(place: str, name: str) -> None:
    """Raise `Invalid` unless runs may have a figure of this name (`Run.figure`)."""
    known = [*FIGURES, *GAPS, *(f"{statistic}_{curve}" for curve in (*CURVES, *ENSEMBLE) for statistic in STATISTICS)]
    if name not in known and not CURVE_FIGURE.fullmatch(name):
        raise Invalid(place, f"must be a figure of a run, got {name!r}; {near_miss(name, known)}")


def is_loss(name: str) -> bool:
    """Losses differ by factors and are better if they are lower; accuracies differ by points."""
    return "loss" in name


def tolerance(figure: str, size: float) -> float:
    """The difference that is still close: one point of a level or a gap of accuracy, a tenth of any other figure's size."""
    is_other = is_loss(figure) or figure.startswith(("deviation", "change", "swing", "falling", "rising"))
    return 0.1 * abs(size) if is_other else 0.01


def spread_of(figure: str, groups: Iterable[Sequence[float]]) -> Spread:
    """The spread of a figure, from groups of runs of one recipe each: scale and freedom of an inverse chi squared distribution of
    variances, by the moments of their logarithms (Smyth 2004, https://doi.org/10.2202/1544-6115.1027, section 6.2)."""
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    repeated = [group for group in groups if len(group) > 1 and all(map(math.isfinite, group))]
    halves = [(len(group) - 1) / 2 for group in repeated]
    scaled = [max(deviation(group) / scale(figure, group), 1e-4) for group in repeated]  # one of 10,000 test images
    logs = [2 * math.log(each) - digamma(half) + math.log(half) for each, half in zip(scaled, halves, strict=True)]
    if len(logs) < 2:
        return Spread(scaled[0], UNREPEATED[False].freedom) if scaled else UNREPEATED[is_loss(figure)]
    excess = deviation(logs) ** 2 - fmean(polygamma(1, half) for half in halves)
    lowest, highest = (float(polygamma(1, half)) for half in (1e3, 0.1))
    half = brentq(lambda half: polygamma(1, half) - min(max(excess, lowest), highest), 0.1, 1e3)
    return Spread(math.exp((fmean(logs) + digamma(half) - math.log(half)) / 2), 2 * half)


def moderated(figure: str, runs: Sequence[float], spread: Spread) -> tuple[float, float]:
    """Standard deviation and degrees of freedom of some runs, drawn towards the document's spread: variances from few
    runs are too often far too small or too large (the same paper, equation 4)."""
    own, prior = len(runs) - 1, spread.typical * scale(figure, runs)
    freedom = spread.freedom + own
    return math.sqrt((spread.freedom * prior**2 + own * deviation(runs) ** 2) / freedom), freedom


def scale(figure: str, values: Sequence[float]) -> float:
    """What a difference is measured by: the mean of a loss, 1 for another figure."""
    return (abs(fmean(values)) or 1.0) if is_loss(figure) else 1.0
