"""Figures: their names, the statistics of a run's curve, and how far the runs of one recipe differ."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Literal

Figure = Literal[
    "parameters",
    "layer_parameters",
    "training_loss",
    "training_accuracy",
    "mean_training_accuracy",
    "validation_loss",
    "validation_accuracy",
    "highest_validation_accuracy",
    "test_loss",
    "test_loss_at_most",
    "test_accuracy",
    "single_accuracy",
    "mean_single_accuracy",
    "deviation_single_accuracy",
    "ensemble_accuracy",
    "attacked_accuracy",
]
"""What a document may report."""

CURVES = ("training_loss", "training_accuracy", "validation_loss", "validation_accuracy")
GAPS = {
    "gap_loss": ("test_loss", "training_loss"),
    "gap_accuracy": ("test_accuracy", "training_accuracy"),
    "gap_ensemble": ("ensemble_accuracy", "single_accuracy"),
}
"""Figures of a run that are differences of two."""

TYPICAL_ACCURACY = 0.004
"""Standard deviation of a small network's accuracy over seeds, where nothing has been repeated yet."""

TYPICAL_LOSS = 0.02
"""The same of a loss, relative to it."""

NORMAL = 1.96
"""The normal distribution's 97.5 % quantile: so many standard errors to each side hold 95 %."""

PRIOR_FREEDOM = 4
"""The degrees of freedom that a document's typical spread counts for, next to the runs' own."""


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample, 0 for a single value; not a number where a value is none, as of a diverged training
    (`statistics.stdev` breaks on those, `numpy.std` warns).

    >>> deviation([1.0, 3.0]), deviation([1.0]), deviation([1.0, math.inf])
    (1.4142135623730951, 0.0, nan)
    """
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / max(len(values) - 1, 1))


def _steps(curve: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(curve)]


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "deviation": deviation,
    "highest": max,
    "change": lambda curve: curve[-1] - curve[0],
    "swing": lambda curve: fmean(map(abs, _steps(curve[len(curve) // 2 - 1 :]))),
    "falling": lambda curve: fmean(step < 0 for step in _steps(curve)),
    "rising": lambda curve: fmean(step > 0 for step in _steps(curve)),
}
"""Figures of a curve over the epochs, by the first part of the name: its mean, deviation and highest value, the change (last less
first), the mean swing from one stored epoch to the next in the second half, and the shares of steps down and up."""

CURVE_FIGURE = re.compile(rf"({'|'.join(STATISTICS)})_(?:of_(\d+)_)?(\w+)")
"""Statistic, of how many first epochs, and curve: `mean_training_loss`, `highest_of_9_validation_accuracy`."""


def is_of_a_run(name: str) -> bool:
    """Whether a claim may be about a figure of this name: one that `Run.figure` has, without those of ensembles."""
    parts = CURVE_FIGURE.fullmatch(name)
    others = {*CURVES, *GAPS, "test_loss", "test_accuracy", "attacked_accuracy"}
    return name in others or (parts is not None and parts[3] in CURVES)


def is_loss(name: str) -> bool:
    """Losses differ by factors and are better if they are lower; accuracies differ by points."""
    return "loss" in name


def typical_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The usual standard deviation of a figure (relative to the mean for losses), from groups of runs of one recipe each: the
    median of the groups' variances, each divided by the median of its own distribution (chi squared), so that the few recipes whose every
    run fails in another way have no more weight than others."""
    from scipy.special import gammaincinv  # scipy.stats takes two seconds to import

    variances = [
        _scaled_deviation(figure, group) ** 2 * (len(group) - 1) / float(2 * gammaincinv((len(group) - 1) / 2, 0.5))
        for group in groups
        if _is_repeated(group) and (fmean(group) or not is_loss(figure))
    ]
    if not variances:
        return TYPICAL_LOSS if is_loss(figure) else TYPICAL_ACCURACY
    return max(math.sqrt(sorted(variances)[len(variances) // 2]), 1e-6)


def largest_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The largest standard deviation within the groups (relative for losses); 0 where no group has two runs."""
    return max((_scaled_deviation(figure, group) for group in groups if _is_repeated(group)), default=0.0)


def moderated(figure: str, runs: Sequence[float], typical: float) -> tuple[float, int]:
    """Standard deviation and degrees of freedom of some runs, drawn towards the typical spread: variances from few
    runs are too often far too small or too large (Smyth 2004, https://doi.org/10.2202/1544-6115.1027, equation 4)."""
    prior = typical * (abs(fmean(runs)) if is_loss(figure) else 1.0)
    freedom = len(runs) - 1
    posterior = (PRIOR_FREEDOM * prior**2 + freedom * deviation(runs) ** 2) / (PRIOR_FREEDOM + freedom)
    return math.sqrt(posterior), PRIOR_FREEDOM + freedom


def _is_repeated(group: Sequence[float]) -> bool:
    return len(group) > 1 and all(map(math.isfinite, group))


def _scaled_deviation(figure: str, group: Sequence[float]) -> float:
    return deviation(group) / ((abs(fmean(group)) or 1.0) if is_loss(figure) else 1.0)
