"""Importances of parameters by PED-ANOVA, with the importances that chance alone would show.

PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255) compares the distribution of each parameter
in the best tenth of the trials with that in all trials. Unlike fANOVA it includes parameters that only some trials have.
"""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.base.metrics import Direction
from tuner.storage.trainings import StoredTraining

METHOD = "PED-ANOVA: how the best tenth of the trials, at least ten, differs from all; a trial that got further counts as better, then its value"
FEWEST = 10
"""The least number of finished and pruned trials, and of resampled trials that have a parameter."""

RESAMPLED = 250
"""At most this many trials are resampled: a draw of a thousand takes a fifth of a second."""

COPIES = 3
"""A trial counts at most three times in a resample."""


@dataclass(frozen=True)
class Importance:
    """A parameter's importance with its 90 % interval over resampled trials. `noise` is the 95 % quantile of importances
    with shuffled values: it is high for parameters that few trials have, and for those with many values."""

    parameter: str
    value: float
    low: float
    high: float
    noise: float

    def times_chance(self, value: float) -> float:
        """A value in units of the noise."""
        return value / max(self.noise, 1e-12)


def ended_trials(trainings: Sequence[StoredTraining]) -> list[FrozenTrial]:
    """One trial of each training, all at the same cost: the first look at each recipe where there are looks, else the last trial, if it
    is not paused: a paused one may go on, and its value is one of few epochs."""
    return [
        each.segments[0] if "look" in each.segments[0].user_attrs else each.last
        for each in trainings
        if "look" in each.segments[0].user_attrs or each.state != "paused"
    ]


def importances(trials: Sequence[FrozenTrial], direction: Direction, draws: int = 40) -> tuple[Importance, ...]:
    """The importances for the first objective, in order of their ratio to chance; empty if there are too few trials.
    Pruned trials count: with a pruner they are most of a search."""
    scored = [(each, score) for each in trials if (score := _score(each, direction)) is not None]
    if len(scored) < FEWEST:
        return ()
    ranks = {score: float(rank) for rank, score in enumerate(sorted({score for _, score in scored}))}
    values = np.array([ranks[score] for _, score in scored])
    share = max(0.1, min(0.5, FEWEST / len(scored)))
    estimates = _evaluator([each for each, _ in scored], 1, share)(values[:, None])
    generator = np.random.default_rng(0)
    some = generator.permutation(len(scored))[:RESAMPLED]
    sampled, values = [scored[index][0] for index in some], values[some]
    evaluate, first = _evaluator(sampled, COPIES, share), np.arange(COPIES)
    resampled, permuted = [], []
    for _ in range(draws):
        often = np.bincount(generator.integers(len(some), size=len(some)), minlength=len(some))
        resampled.append(evaluate(np.where(first < often[:, None], values[:, None], np.nan)))
        permuted.append(evaluate(np.where(first < 1, generator.permutation(values)[:, None], np.nan)))
    having = Counter(name for each in sampled for name in each.params)
    known = (
        _importance(name, value, resampled, permuted) for name, value in estimates.items() if having[name] >= FEWEST
    )
    return tuple(sorted(known, key=lambda each: (-each.times_chance(each.value), each.parameter)))


def _score(trial: FrozenTrial, direction: Direction) -> tuple[float, float] | None:
    """How far a trial got, then its value there; less is better, as the evaluator expects."""
    steps = trial.intermediate_values
    if trial.state == TrialState.COMPLETE:
        reached, value = math.inf, trial.values[0]
    elif trial.state == TrialState.PRUNED and steps:
        reached, value = max(steps), steps[max(steps)]
    else:
        return None
    return (-reached, -direction.sign * value) if math.isfinite(value) else None


def _importance(
    name: str, value: float, resampled: Sequence[Mapping[str, float]], permuted: Sequence[Mapping[str, float]]
) -> Importance:
    low, high = np.quantile([each.get(name, 0.0) for each in resampled], [0.05, 0.95])
    noise = np.quantile([each.get(name, 0.0) for each in permuted], 0.95)
    return Importance(name, value, min(value, float(low)), max(value, float(high)), float(noise))


def _evaluator(
    trials: Sequence[FrozenTrial], copies: int, share: float
) -> Callable[[NDArray[np.float64]], dict[str, float]]:
    """PED-ANOVA of the same trials with different values (trials, copies). The study with copies of the trials is created once,
    because Optuna copies each trial deeply; a copy with the value NaN is left out."""
    from optuna.importance import (
        PedAnovaImportanceEvaluator,  # imports scikit-learn, which a notebook's card does not need
    )

    study = optuna.create_study(direction="minimize")
    plain = [create_trial(params=each.params, distributions=each.distributions, value=0.0) for each in trials]
    study.add_trials(each for each in plain for _ in range(copies))

    def evaluate(values: NDArray[np.float64]) -> dict[str, float]:
        flat = values.ravel()
        with warnings.catch_warnings(action="ignore"):
            evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
            return evaluator.evaluate(study, target=lambda trial: float(flat[trial.number]))

    return evaluate
