"""What more time would buy, in accuracy: of longer training and of more trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from tuner.base.metrics import Direction
from tuner.outcome import Estimate
from tuner.recipe import Recipe
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed

EXPONENT, SPREAD = 0.3, 0.15
"""An error falls with the length of a training to the power of minus this, with schedules that end with it. Seen three times:
0.19 and 0.26 on Fashion-MNIST (from 2 to 14 and from 1 to 6 epochs), 0.52 on MNIST (from 2 to 14)."""

FEWEST = 4
"""Trials of full length, before anything is said of what the next one may reach."""


@dataclass(frozen=True)
class Lengthening:
    """One recipe trained twice: for how many epochs, and to which error, on so many examples."""

    epochs: tuple[int, int]
    errors: tuple[float, float]
    validated: int

    @property
    def exponent(self) -> tuple[float, float]:
        """The exponent that it shows, with its standard error: that of the two errors' logarithms."""
        length = math.log(self.epochs[1] / self.epochs[0])
        first, second = (max(each, 1 / self.validated) for each in self.errors)
        variance = sum((1 - each) / (each * self.validated) for each in (first, second))
        return math.log(first / second) / length, math.sqrt(variance) / length


def of_twice_the_time(error: float, seen: Sequence[Lengthening]) -> Estimate:
    """What training twice as long would take from an error: a power law whose exponent is what is known beforehand, put
    right by what the study has seen (a normal prior and normal observations)."""
    weight, total = 1 / SPREAD**2, EXPONENT / SPREAD**2
    for each in seen:
        value, deviation = each.exponent
        known = 1 / (deviation**2 + SPREAD**2)
        weight, total = weight + known, total + known * value
    middle, half = total / weight, 1.96 / math.sqrt(weight)
    value, low, high = (error * (1 - 2 ** -max(0.0, each)) for each in (middle, middle - half, middle + half))
    return Estimate("accuracy", value, low, high)


def lengthenings(record: StudyRecord, confirmed: Confirmed, validated: int) -> tuple[Lengthening, ...]:
    """What the finals show, beside the trials that they come from."""
    trials = {_without_length(trial.recipe): trial for trial in record.trials if trial.recipe and trial.values}
    found = []
    for recipe, accuracy in zip(confirmed.recipes, confirmed.validation, strict=True):
        trial = trials.get(_without_length(recipe))
        if (
            trial is not None
            and trial.recipe is not None
            and 1.5 * trial.recipe.training.epochs < recipe.training.epochs
        ):
            epochs = (trial.recipe.training.epochs, recipe.training.epochs)
            found.append(Lengthening(epochs, (1 - trial.values[0], 1 - accuracy), validated))
    return tuple(found)


def _without_length(recipe: Recipe) -> str:
    plain = recipe.to_dict()
    for name in ("epochs", "lean_epochs", "lean_share"):
        del plain["training"][name]
    del plain["seed"]
    return str(plain)


def of_more_trials(finished: Sequence[TrialRecord], direction: Direction, trials: float) -> float:
    """By how much so many further trials may be expected to beat the best, at the most: each by its expected improvement,
    as if their figures were drawn like those of the finished ones (Jones et al. 1998). Infinite where too few are known."""
    figures = [direction.sign * trial.values[0] for trial in finished if trial.values]
    if len(figures) < FEWEST:
        return math.inf
    middle, spread = fmean(figures), max(stdev(figures), 1e-9)
    ahead = (middle - max(figures)) / spread
    normal = NormalDist()
    return trials * spread * (ahead * normal.cdf(ahead) + normal.pdf(ahead))
