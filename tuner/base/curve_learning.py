"""The curves of a search, learned from the looks at its recipes; priors are those of recorded curves (benchmarks/curves.py)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean, median

from tuner.base.extrapolation import STEP, Belief, Curves, Look, Segment

SLOPE, LATER, SLOPE_WEIGHT = 0.3, 0.5, 2
"""Prior slope of the first step, of each later one relative to that before, and how many observed ones they count as."""

PERSISTENCE, CHANGE, WEIGHT = 0.8, 0.15, 4
"""What remains of a recipe's distance from the mean after a `STEP`, the standard deviation of the change in it, and how many recipes
these priors count as."""

LEAST_SPREAD, LEAST_CHANGE = 0.15, 0.05
"""Least standard deviations: between recipes, while few are known; of a change."""


def learned(recipes: Sequence[Sequence[Look]], common: Curves | None = None) -> Curves:
    """The curves of a search, from the looks at each of its recipes, the shortest first; with `common` curves, those of more recipes,
    as priors. At least one recipe must have a look."""
    known = [looks for looks in recipes if looks]
    priors = {segment.length: segment for segment in common.segments} if common else {}
    first = min(looks[0].length for looks in known)
    lengths = sorted({look.length for looks in known for look in looks} | {each for each in priors if each > first})
    firsts = [looks[0] for looks in known if looks[0].length == first]
    values = [look.log_error for look in firsts]
    spread = _spread_of_the_better(values) - fmean(look.noise for look in firsts) if len(values) > 2 else 0.0
    prior = Segment(first, fmean(values), SLOPE, PERSISTENCE, CHANGE**2)
    segments = []
    for short, long in pairwise(lengths):
        if short in priors:
            prior = replace(priors[short], mean=prior.mean)
        segments.append(_observed(prior, list(_pairs(known, short, long)), math.log(long / short)))
        mean = segments[-1].mean - segments[-1].slope * math.log(long / short)
        slope = LATER * segments[-1].slope
        prior = replace(segments[-1], length=long, mean=mean, slope=slope, remains=PERSISTENCE)
    return Curves(
        (*segments, prior),
        Belief(median(values), max(spread, LEAST_SPREAD**2), lengths[0]),
    )


def learned_by_kind(recipes: Sequence[tuple[str, Sequence[Look]]]) -> Mapping[str, Curves]:
    """The curves of each kind of networks, from the kinds of recipes and the looks at them: on pictures the errors of convolutional
    networks fall faster than those of dense ones, which are ahead in short looks. The errors of a kind without longer looks are expected
    to fall like those of all recipes (partial pooling: Gelman & Hill 2007)."""
    kinds = {kind for kind, looks in recipes if looks}
    common = learned([looks for _, looks in recipes]) if len(kinds) > 1 else None
    return {kind: learned([looks for each, looks in recipes if each == kind], common) for kind in kinds}


def _spread_of_the_better(values: Sequence[float]) -> float:
    """The variance of a normal distribution with the lower half of the values. The upper one says nothing of how good a recipe may be:
    among random networks are some that learn nothing."""
    middle = median(values)
    return fmean([(value - middle) ** 2 for value in values if value < middle] or [0.0])


def _observed(prior: Segment, pairs: Sequence[tuple[Look, Look]], distance: float) -> Segment:
    """A segment after the looks at both of its ends. Its mean is that of these recipes, which are better than most: with the mean
    of all recipes, the errors of the best would be expected to rise toward it."""
    if not pairs:
        return prior
    falls = [one.log_error - two.log_error for one, two in pairs]
    slope = (SLOPE_WEIGHT * prior.slope + math.fsum(falls) / distance) / (SLOPE_WEIGHT + len(pairs))
    steps, count = distance / STEP, len(pairs)
    means = (
        fmean(one.log_error for one, _ in pairs),
        fmean(two.log_error for _, two in pairs),
    )
    apart = [(one.log_error - means[0], two.log_error - means[1]) for one, two in pairs]
    squares = max(
        math.fsum(one**2 for one, _ in apart) - math.fsum(one.noise for one, _ in pairs) * (count - 1) / count,
        1e-12,
    )
    products = math.fsum(one * two for one, two in apart)
    found = min(max(products / squares, 0.0), 1.0) if count > 2 else prior.remains**steps
    remains = (WEIGHT * prior.remains**steps + count * found) / (WEIGHT + count)
    rests = [
        (two - remains * one) ** 2 - pair[1].noise - remains**2 * pair[0].noise
        for (one, two), pair in zip(apart, pairs, strict=True)
    ]
    change = max(
        LEAST_CHANGE**2,
        (WEIGHT * prior.change + math.fsum(rests) / steps) / (WEIGHT + count),
    )
    return replace(prior, mean=means[0], slope=slope, remains=remains ** (1 / steps), change=change)


def _pairs(known: Sequence[Sequence[Look]], short: float, long: float) -> Iterator[tuple[Look, Look]]:
    """The looks of these two lengths at each recipe that has both."""
    for looks in known:
        by_length = {look.length: look for look in looks}
        if short in by_length and long in by_length:
            yield by_length[short], by_length[long]
