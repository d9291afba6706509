"""What a recipe would reach after a longer training, from short ones: a normal distribution of the logarithm of its error.

Errors fall with the length of a training by a power law, error = a / length ** slope, for schedules that end with the training
(Hestness et al. 2017, arXiv 1712.00409). The slope is not the same for all recipes, and not the same on all of a curve. So each
step from one length to the next adds an uncertain slope, and each look at a recipe is an observation with noise: a Kalman filter
along the lengths. The first look's distribution is that of all recipes of the search.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, variance

SLOPE, SLOPE_SPREAD = 0.3, 0.12
"""Mean slope of recipes, and its standard deviation between recipes and parts of their curves."""

SEED_SPREAD = 0.07
"""Standard deviation of the logarithm of an error between trainings of one recipe on different seeds."""

WEIGHT = 4
"""The prior slope counts as so many observed ones."""

LEAST_SPREAD = 0.15
"""The least standard deviation of the logarithm of errors between recipes, while few are known."""

LEAST_ERROR = 1e-9


@dataclass(frozen=True)
class Look:
    """A whole training of some `length` in epochs, in so many folds: the objective's `value`, its `error` (what the value lacks of
    the best possible one), and the standard error of both."""

    length: float
    folds: int
    value: float
    error: float
    standard_error: float

    @property
    def log_error(self) -> float:
        """The natural logarithm of the error."""
        return math.log(max(self.error, LEAST_ERROR))

    @property
    def noise(self) -> float:
        """The variance of the logarithm: of the validation examples and of the seed."""
        return (self.standard_error / max(self.error, LEAST_ERROR)) ** 2 + SEED_SPREAD**2


@dataclass(frozen=True)
class Belief:
    """A normal distribution of the logarithm of an error at a length."""

    mean: float
    variance: float
    length: float

    def at(self, length: float, slope: float = SLOPE) -> "Belief":
        """The belief about another length."""
        ratio = math.log(length / self.length)
        return Belief(self.mean - slope * ratio, self.variance + (SLOPE_SPREAD * ratio) ** 2, length)

    def after(self, log_error: float, noise: float) -> "Belief":
        """The belief after a look at its length."""
        gain = self.variance / (self.variance + noise)
        return Belief(self.mean + gain * (log_error - self.mean), (1 - gain) * self.variance, self.length)


@dataclass(frozen=True)
class Curves:
    """What the looks of a search say about recipes: a belief at the first length, and the mean slope."""

    first: Belief
    slope: float

    def belief(self, looks: Sequence[Look]) -> Belief:
        """The belief about a recipe at the length of the last of its looks (the shortest first); of an unknown recipe without any."""
        belief = self.first
        for look in looks:
            belief = belief.at(look.length, self.slope).after(look.log_error, look.noise)
        return belief


def learned(recipes: Sequence[Sequence[Look]]) -> Curves:
    """The curves of a search, from the looks at each of its recipes, the shortest first. At least one recipe must have a look."""
    firsts = [looks[0] for looks in recipes if looks]
    length = min(look.length for look in firsts)
    slopes = [
        (one.log_error - two.log_error) / math.log(two.length / one.length)
        for looks in recipes
        for one, two in pairwise(looks)
    ]
    slope = (WEIGHT * SLOPE + math.fsum(slopes)) / (WEIGHT + len(slopes))
    values = [look.log_error + slope * math.log(look.length / length) for look in firsts]
    spread = variance(values) - fmean(look.noise for look in firsts) if len(values) > 2 else 0.0
    return Curves(Belief(fmean(values), max(spread, LEAST_SPREAD**2), length), slope)


def expected_gain(ahead: float, deviation: float) -> float:
    """The expected value of max(0, x) for x normal with mean -`ahead` and this standard deviation (expected improvement: Jones et
    al. 1998)."""
    if deviation <= 0:
        return max(0.0, -ahead)
    normal, z = NormalDist(), -ahead / deviation
    return deviation * (z * normal.cdf(z) + normal.pdf(z))
