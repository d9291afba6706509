"""How far runs of one recipe differ: estimated from few runs with the help of all others."""

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
"""The degrees of freedom that a document's typical spread counts for, next to the runs' own."""


def typical_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The usual standard deviation of a figure (relative to the mean for losses), from groups of runs of one recipe each: the
    median of the groups' variances, each divided by the median of its own distribution, so that the few recipes whose every
    run fails in another way have no more weight than others."""
    from scipy.stats import chi2

    variances = [
        _scaled_deviation(figure, group) ** 2 * (len(group) - 1) / float(chi2.median(len(group) - 1))
        for group in groups
        if _is_repeated(group) and (fmean(group) or not _is_relative(figure))
    ]
    if not variances:
        return TYPICAL_LOSS if _is_relative(figure) else TYPICAL_ACCURACY
    return max(math.sqrt(sorted(variances)[len(variances) // 2]), 1e-6)


def largest_spread(figure: str, groups: Sequence[Sequence[float]]) -> float:
    """The largest standard deviation within the groups (relative for losses); 0 where no group has two runs."""
    return max((_scaled_deviation(figure, group) for group in groups if _is_repeated(group)), default=0.0)


def moderated(figure: str, runs: Sequence[float], typical: float) -> tuple[float, int]:
    """Standard deviation and degrees of freedom of some runs, drawn towards the typical spread: variances from few
    runs are too often far too small or too large (Smyth 2004, https://doi.org/10.2202/1544-6115.1027, equation 4)."""
    prior = typical * (abs(fmean(runs)) if _is_relative(figure) else 1.0)
    freedom = len(runs) - 1
    own = deviation(runs) if freedom else 0.0
    posterior = (PRIOR_FREEDOM * prior**2 + freedom * own**2) / (PRIOR_FREEDOM + freedom)
    return math.sqrt(posterior), PRIOR_FREEDOM + freedom


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample of at least two; not a number where a value is none, as of a diverged training
    (`statistics.stdev` breaks on those, `numpy.std` warns).

    >>> deviation([1.0, 3.0]), deviation([1.0, math.inf])
    (1.4142135623730951, nan)
    """
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _is_relative(figure: str) -> bool:
    """Losses differ by factors, accuracies by points."""
    return "loss" in figure


def _is_repeated(group: Sequence[float]) -> bool:
    return len(group) > 1 and all(map(math.isfinite, group))


def _scaled_deviation(figure: str, group: Sequence[float]) -> float:
    return deviation(group) / ((abs(fmean(group)) or 1.0) if _is_relative(figure) else 1.0)
