"""How far runs of one recipe lie apart: estimated from few runs with the help of all the others."""

import math
from collections.abc import Sequence
from statistics import fmean

TYPICAL_ACCURACY = 0.004
"""Standard deviation of a small network's accuracy over seeds, where nothing has been repeated yet."""

TYPICAL_LOSS = 0.02
"""The same of a loss, relative to it."""

NORMAL = 1.96
"""The normal distribution's 97.5 % quantile: so many standard errors to each side hold 95 %."""

PRIOR_FREEDOM = 4
"""How many degrees of freedom the typical spread of a document counts for beside the runs' own."""


def is_relative(figure: str) -> bool:
    """Whether a figure's spread is measured relative to it: losses differ by factors, accuracies by points."""
    return "loss" in figure


def typical_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation of a figure that is usual among groups of runs of one recipe each (for losses relative to
    the mean): the median of the groups' variances, each divided by the median of its own distribution, so that the few
    recipes that fail differently every time do not count for more than they are."""
    from scipy.stats import chi2

    variances = []
    for group in groups:
        if len(group) < 2 or not all(map(math.isfinite, group)):
            continue
        freedom, scale = len(group) - 1, abs(fmean(group)) if is_relative(figure) else 1.0
        if scale:
            variances.append((deviation(group) / scale) ** 2 * freedom / float(chi2.median(freedom)))
    if not variances:
        return TYPICAL_LOSS if is_relative(figure) else TYPICAL_ACCURACY
    return max(math.sqrt(sorted(variances)[len(variances) // 2]), 1e-6)


def largest_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The largest standard deviation within the groups (relative for losses); 0 where none was repeated."""
    spreads = [
        deviation(group) / ((abs(fmean(group)) or 1.0) if is_relative(figure) else 1.0)
        for group in groups
        if len(group) > 1 and all(map(math.isfinite, group))
    ]
    return max(spreads, default=0.0)


def moderated(figure: str, runs: Sequence[float], typical: float) -> tuple[float, int]:
    """Standard deviation and degrees of freedom of some runs, drawn towards the typical spread: variances from few
    runs are too often far too small or too large (Smyth 2004, https://doi.org/10.2202/1544-6115.1027, equation 4)."""
    prior = typical * (abs(fmean(runs)) if is_relative(figure) else 1.0)
    freedom = len(runs) - 1
    own = deviation(runs) if freedom else 0.0
    together = (PRIOR_FREEDOM * prior**2 + freedom * own**2) / (PRIOR_FREEDOM + freedom)
    return math.sqrt(together), PRIOR_FREEDOM + freedom


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample of at least two; not a number where one is none, as of a training that diverged
    (`statistics.stdev` breaks on those, `numpy.std` warns).

    >>> deviation([1.0, 3.0]), deviation([1.0, math.inf])
    (1.4142135623730951, nan)
    """
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))
