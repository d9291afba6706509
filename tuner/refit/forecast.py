"""Forecasts: what longer training and more trials are expected to bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, stdev

from tuner.base.metrics import Direction
from tuner.outcome import Estimate
from tuner.recipe import Recipe
from tuner.refit.ranking import validated_examples
from tuner.refit.session import Session
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed

EXPONENT, SPREAD = 0.3, 0.15
"""error is proportional to length ** -EXPONENT, for schedules that end with the training; its prior deviation. Measured: 0.19 and
0.26 on Fashion-MNIST (from 2 to 14 and from 1 to 6 epochs), 0.52 on MNIST (from 2 to 14)."""

FEWEST = 4
"""Fewest finished trials for a forecast."""


@dataclass(frozen=True)
class Lengthening:
    """One recipe trained twice: its epochs and its errors, on how many `validated` examples."""

    epochs: tuple[int, int]
    errors: tuple[float, float]
    validated: int

    @property
    def exponent(self) -> tuple[float, float]:
        """The exponent between the two, with its standard error."""
        length = math.log(self.epochs[1] / self.epochs[0])
        first, second = (max(each, 1 / self.validated) for each in self.errors)
        variance = sum((1 - each) / (each * self.validated) for each in (first, second))
        return math.log(first / second) / length, math.sqrt(variance) / length


def forecast(session: Session, record: StudyRecord, confirmed: Confirmed | None) -> Estimate | None:
    """The accuracy that twice the time is expected to bring; None unless refits were as long as there was time for."""
    if confirmed is None or not session.file.fits_epochs or confirmed.measure != "accuracy":
        return None
    if max(each.training.epochs for each in confirmed.recipes) >= session.file.epochs:
        return None
    error = 1 - (confirmed.model_validation or max(confirmed.validation))
    observed = lengthenings(record, confirmed, validated_examples(session, confirmed.recipe))
    return forecast_of_twice_the_time(error, observed)


def forecast_of_twice_the_time(error: float, observed: Sequence[Lengthening]) -> Estimate:
    """By how much training twice as long lowers an error: a power law whose exponent has a normal prior, updated by the
    study's own observations."""
    weight, total = 1 / SPREAD**2, EXPONENT / SPREAD**2
    for each in observed:
        value, deviation = each.exponent
        known = 1 / (deviation**2 + SPREAD**2)
        weight, total = weight + known, total + known * value
    middle, half = total / weight, 1.96 / math.sqrt(weight)
    value, low, high = (error * (1 - 2 ** -max(0.0, each)) for each in (middle, middle - half, middle + half))
    return Estimate("accuracy", value, low, high)


def lengthenings(record: StudyRecord, confirmed: Confirmed, validated: int) -> tuple[Lengthening, ...]:
    """The refits that were trained at least 1.5 times as long as the trials they come from."""
    trials = {
        _without_length(trial.recipe): (trial.recipe.training.epochs, trial.values[0])
        for trial in record.trials
        if trial.recipe and trial.values
    }
    found = []
    for recipe, accuracy in zip(confirmed.recipes, confirmed.validation, strict=True):
        length = recipe.training.epochs
        epochs, before = trials.get(_without_length(recipe), (length, 0.0))
        if 1.5 * epochs < length:
            found.append(Lengthening((epochs, length), (1 - before, 1 - accuracy), validated))
    return tuple(found)


def _without_length(recipe: Recipe) -> str:
    training = replace(recipe.training, epochs=1, lean_epochs=0, lean_share=1.0)
    return replace(recipe, training=training, seed=0).key


def expected_improvement(finished: Sequence[TrialRecord], direction: Direction, trials: float) -> float:
    """An upper bound of the improvement of the best value by `trials` further trials: the sum of their expected improvements (Jones
    et al. 1998) under the normal distribution of the finished trials' values. Infinite if fewer than `FEWEST` have finished."""
    values = [direction.sign * trial.values[0] for trial in finished if trial.values]
    if len(values) < FEWEST:
        return math.inf
    middle, spread = fmean(values), max(stdev(values), 1e-9)
    ahead = (middle - max(values)) / spread
    normal = NormalDist()
    return trials * spread * (ahead * normal.cdf(ahead) + normal.pdf(ahead))
