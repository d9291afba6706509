"""What a recipe would reach after a longer training, from short ones: a normal distribution of the logarithm of its error.

The mean error of all recipes falls with the length of a training, by a power of it that differs from step to step of the lengths. A
recipe's distance from that mean shrinks from step to step, since slow starters catch up, and changes by chance. Each look at a recipe
is an observation with noise. So a belief is a Kalman filter along the lengths; slopes and changes are learned from the recipes that
have looks of two lengths (`tuner.base.curve_learning`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import NormalDist

STEP = math.log(4)
"""A step of the logarithm of lengths."""

SEED_SPREAD = 0.07
"""Standard deviation of the logarithm of an error between trainings of one recipe on different seeds."""

FARTHEST = 4.0
"""How many times as long as its last look a training may be for a recipe's error to be extrapolated to it. Beyond that slopes are
guesses: on usps the prior slope put dense networks after forty times their looks ahead of convolutional ones that stayed better."""

OWN_SHARE = 0.5
"""What the examples add to the variance of a look's error concerns this share the network alone; the rest is common to all networks, since
they have the same examples. The errors of two networks on an example have correlations of 0.35 to 0.7 for classes and 0.8 for numbers
(digits rotated and under noise, two generated tables; two to four networks each)."""

LEAST_ERROR = 1e-9


@dataclass(frozen=True)
class Look:
    """A whole training of some `length`, in so many folds: the objective's `value`, its `error` (what the value lacks of the best
    possible one), the standard error of both, and the `seconds` it took. The length is in epochs of a recipe that time allows all
    epochs of the study; looks of one length are equal shares of what time allows their recipes. A unit of it has `pace` epochs."""

    length: float
    folds: int
    value: float
    error: float
    standard_error: float
    seconds: float = 0.0
    pace: float = 1.0

    @property
    def epochs(self) -> float:
        """The epochs of the training."""
        return self.length * self.pace

    @cached_property
    def log_error(self) -> float:
        """The natural logarithm of the error."""
        return math.log(max(self.error, LEAST_ERROR))

    @cached_property
    def pessimistic(self) -> float:
        """The natural logarithm of the error plus its standard error."""
        return math.log(max(self.error + self.standard_error, LEAST_ERROR))

    @cached_property
    def noise(self) -> float:
        """The variance of the logarithm among recipes that are looked at alike: of the validation examples and of the seed."""
        return OWN_SHARE * (self.standard_error / max(self.error, LEAST_ERROR)) ** 2 + SEED_SPREAD**2 / self.folds


@dataclass(frozen=True)
class Segment:
    """The curves from a length on: the mean logarithm of all recipes' errors there and its slope, what remains of a recipe's distance
    from it after a step, and the variance of the change in a step."""

    length: float
    mean: float
    slope: float
    remains: float
    change: float

    def at(self, belief: "Belief", length: float) -> "Belief":
        """A belief from this segment about a longer training in it."""
        mine, mean = (self.mean - self.slope * math.log(each / self.length) for each in (belief.length, length))
        steps = math.log(length / belief.length) / STEP
        remains = self.remains**steps
        moved = mean + remains * (belief.mean - mine)
        return Belief(moved, remains**2 * belief.variance + steps * self.change, length)


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
    """What the looks of a search say about recipes: the segments of curves, and the belief about an unknown recipe at the first
    length."""

    segments: tuple[Segment, ...]
    first: Belief

    @property
    def last_slope(self) -> float:
        """The slope after the longest looks."""
        return self.segments[-1].slope

    def belief(self, looks: Sequence[Look]) -> Belief:
        """The belief about a recipe at the length of the last of its looks (the shortest first); of an unknown recipe without any."""
        belief = self.first
        for look in looks:
            belief = self.at(belief, look.length).after(look.log_error, look.noise)
        return belief

    def toward(self, belief: Belief, length: float) -> Belief:
        """A belief about a training of this length, or about the longest one that its last look says something of."""
        return self.at(belief, min(length, FARTHEST * belief.length))

    def useful_length(self, looks: Sequence[Look], most: float) -> float:
        """The length of a refit of at most `most` epochs: no longer than the best look where a longer one was worse or is expected to
        be worse."""
        useful = until_best(looks)
        belief = self.belief(useful)
        overfits = len(useful) < len(looks) or self.toward(belief, most).mean > belief.mean
        return min(most, belief.length) if overfits else most

    def refitted(self, looks: Sequence[Look], most: float) -> Belief:
        """The belief about a refit of at most `most` epochs of a recipe with these looks."""
        return self.toward(self.belief(until_best(looks)), self.useful_length(looks, most))

    def at(self, belief: Belief, length: float) -> Belief:
        """A belief about a longer or a shorter training."""
        if length < belief.length:
            shorter = (each for each in reversed(self.segments) if each.length < belief.length)
            segment = next(shorter, self.segments[0])
            steps = math.log(belief.length / length) / STEP
            mean = belief.mean + segment.slope * steps * STEP
            return Belief(mean, belief.variance + steps * segment.change, length)
        ends = (*(each.length for each in self.segments[1:]), math.inf)
        for segment, last in zip(self.segments, ends, strict=True):
            end = min(length, last)
            if belief.length < end:
                belief = segment.at(belief, end)
        return belief


def leveled(recipes: Sequence[Sequence[Look]]) -> list[tuple[Look, ...]]:
    """The looks at recipes, those in fewer folds than others with the errors that they would have in all. The examples of one fold may
    be easier than those of all: by how much follows from the recipes that have two looks of one length, and a prior one that shows no
    difference."""
    most = max((look.folds for looks in recipes for look in looks), default=1)
    rises = [
        two.log_error - one.log_error
        for looks in recipes
        for one, two in pairwise(looks)
        if one.length == two.length and one.folds < two.folds
    ]
    factor = math.exp(math.fsum(rises) / (len(rises) + 1))
    return [
        tuple(replace(look, error=factor * look.error) if look.folds < most else look for look in looks)
        for looks in recipes
    ]


def until_best(looks: Sequence[Look]) -> Sequence[Look]:
    """The looks (the shortest first) up to the best of those in as many folds as the last one, or to a longer one that is worse by no
    more than the standard deviation of such differences. Where a longer one is worse by more, the recipe overfits."""
    alike = [look for look in looks if look.folds == looks[-1].folds]
    if not alike:
        return looks
    best = min(alike, key=lambda look: look.error)
    useful = [look for look in alike if look.log_error - best.log_error <= math.sqrt(look.noise + best.noise)]
    return looks[: looks.index(useful[-1]) + 1]


def expected_gain(ahead: float, deviation: float) -> float:
    """The expected value of max(0, x) for x normal with mean -`ahead` and this standard deviation (expected improvement: Jones et
    al. 1998)."""
    if deviation <= 0:
        return max(0.0, -ahead)
    normal, z = NormalDist(), -ahead / deviation
    return deviation * (z * normal.cdf(z) + normal.pdf(z))
