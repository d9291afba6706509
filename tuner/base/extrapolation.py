"""What a recipe would reach after a longer training, from short ones: a normal distribution of the logarithm of its error.

The mean error of all recipes falls with the length of a training, by a power of it that differs from step to step of the lengths. A
recipe's distance from that mean shrinks from step to step, since slow starters catch up, and changes by chance. Each look at a recipe
is an observation with noise. So a belief is a Kalman filter along the lengths; slopes and changes are learned from the recipes that
have looks of two lengths. The prior numbers are those of recorded curves (benchmarks/curves.py).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, variance

SLOPE, LATER, SLOPE_WEIGHT = 0.3, 0.5, 2
"""Prior slope of the first step, of each later one relative to that before, and how many observed ones they count as."""

STEP = math.log(4)
"""A step of the logarithm of lengths, for which the next two numbers hold."""

PERSISTENCE = 0.8
"""What remains of a recipe's distance from the mean after a step."""

CHANGE, CHANGE_WEIGHT = 0.15, 4
"""Prior standard deviation of the change in a step, and how many observed ones it counts as."""

SEED_SPREAD = 0.07
"""Standard deviation of the logarithm of an error between trainings of one recipe on different seeds."""

LEAST_SPREAD, LEAST_CHANGE = 0.15, 0.05
"""Least standard deviations: between recipes, while few are known; of a change."""

LEAST_ERROR = 1e-9


@dataclass(frozen=True)
class Look:
    """A whole training of some `length` in epochs, in so many folds: the objective's `value`, its `error` (what the value lacks of
    the best possible one), the standard error of both, and the `seconds` it took."""

    length: float
    folds: int
    value: float
    error: float
    standard_error: float
    seconds: float = 0.0

    @property
    def log_error(self) -> float:
        """The natural logarithm of the error."""
        return math.log(max(self.error, LEAST_ERROR))

    @property
    def noise(self) -> float:
        """The variance of the logarithm: of the validation examples and of the seed."""
        return (self.standard_error / max(self.error, LEAST_ERROR)) ** 2 + SEED_SPREAD**2 / self.folds


@dataclass(frozen=True)
class Mean:
    """The mean logarithm of all recipes' errors at some lengths, and its slope after each of them."""

    lengths: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]

    def at(self, length: float) -> float:
        """The mean at any length; beyond the known ones by the nearest slope."""
        place = max((place for place, each in enumerate(self.lengths) if each <= length), default=0)
        return self.values[place] - self.slopes[place] * math.log(length / self.lengths[place])


@dataclass(frozen=True)
class Belief:
    """A normal distribution of the logarithm of a recipe's error at a length."""

    mean: float
    variance: float
    length: float

    def after(self, log_error: float, noise: float) -> "Belief":
        """The belief after a look at its length."""
        gain = self.variance / (self.variance + noise)
        return Belief(self.mean + gain * (log_error - self.mean), (1 - gain) * self.variance, self.length)


@dataclass(frozen=True)
class Curves:
    """What the looks of a search say about recipes: the mean curve, the standard deviation of a change in a step, and the belief
    about an unknown recipe at the first length."""

    mean: Mean
    change: float
    first: Belief

    @property
    def last_slope(self) -> float:
        """The slope after the longest looks."""
        return self.mean.slopes[-1]

    def belief(self, looks: Sequence[Look]) -> Belief:
        """The belief about a recipe at the length of the last of its looks (the shortest first); of an unknown recipe without any."""
        belief = self.first
        for look in looks:
            belief = self.at(belief, look.length).after(look.log_error, look.noise)
        return belief

    def at(self, belief: Belief, length: float) -> Belief:
        """A belief about a longer training; about a shorter one, it stays."""
        steps = math.log(length / belief.length) / STEP
        if steps <= 0:
            return belief
        remains = PERSISTENCE**steps
        mean = self.mean.at(length) + remains * (belief.mean - self.mean.at(belief.length))
        return Belief(mean, remains**2 * belief.variance + steps * self.change**2, length)


def learned(recipes: Sequence[Sequence[Look]]) -> Curves:
    """The curves of a search, from the looks at each of its recipes, the shortest first. At least one recipe must have a look."""
    known = [looks for looks in recipes if looks]
    lengths = sorted({look.length for looks in known for look in looks})
    firsts = [looks[0] for looks in known if looks[0].length == lengths[0]]
    values = [look.log_error for look in firsts]
    mean = _mean(known, lengths, fmean(values))
    spread = variance(values) - fmean(look.noise for look in firsts) if len(values) > 2 else 0.0
    return Curves(mean, _change(known, mean), Belief(mean.values[0], max(spread, LEAST_SPREAD**2), lengths[0]))


def _mean(known: Sequence[Sequence[Look]], lengths: Sequence[float], first: float) -> Mean:
    expected, slopes, values = SLOPE, list[float](), [first]
    for short, long in pairwise(lengths):
        distance = math.log(long / short)
        found = [(one.log_error - two.log_error) / distance for one, two in _pairs(known, short, long)]
        slopes.append((SLOPE_WEIGHT * expected + math.fsum(found)) / (SLOPE_WEIGHT + len(found)))
        values.append(values[-1] - slopes[-1] * distance)
        expected = LATER * slopes[-1]
    return Mean(tuple(lengths), tuple(values), (*slopes, expected))


def _change(known: Sequence[Sequence[Look]], mean: Mean) -> float:
    """The standard deviation of a change in a step; the later steps count more, since they say more about the next."""
    change = CHANGE**2
    for short, long in pairwise(mean.lengths):
        steps = math.log(long / short) / STEP
        remains, squares = PERSISTENCE**steps, []
        for one, two in _pairs(known, short, long):
            rest = two.log_error - mean.at(long) - remains * (one.log_error - mean.at(short))
            squares.append((rest**2 - two.noise - remains**2 * one.noise) / steps)
        change = max(LEAST_CHANGE**2, (CHANGE_WEIGHT * change + math.fsum(squares)) / (CHANGE_WEIGHT + len(squares)))
    return math.sqrt(change)


def _pairs(known: Sequence[Sequence[Look]], short: float, long: float) -> Iterator[tuple[Look, Look]]:
    """The looks of these two lengths at each recipe that has both."""
    for looks in known:
        by_length = {look.length: look for look in looks}
        if short in by_length and long in by_length:
            yield by_length[short], by_length[long]


def expected_gain(ahead: float, deviation: float) -> float:
    """The expected value of max(0, x) for x normal with mean -`ahead` and this standard deviation (expected improvement: Jones et
    al. 1998)."""
    if deviation <= 0:
        return max(0.0, -ahead)
    normal, z = NormalDist(), -ahead / deviation
    return deviation * (z * normal.cdf(z) + normal.pdf(z))
