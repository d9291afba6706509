"""Which parameters mattered, by PED-ANOVA, with what chance alone would show.

PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255) asks how differently the best tenth of the trials is
distributed from all of them, parameter by parameter; unlike fANOVA it also weighs parameters that only some trials have.
"""

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.base.metrics import Direction

METHOD = "PED-ANOVA: how the best tenth of the trials, at least ten, differs from all; a trial that got further counts as better, then its value"
FEWEST = 10
"""So many finished and pruned trials there must be, and so many resampled ones that have a parameter; else importances would be guesses."""

RESAMPLED = 250
"""Of so many trials at most intervals and noise are drawn: they take a fifth of a second a draw of a thousand."""

COPIES = 3
"""A trial that is drawn more often counts three times."""


@dataclass(frozen=True)
class Importance:
    """A parameter's importance, and the middle 90 % of it over resampled trials. `noise` is what it stays below in 95 % of
    studies whose values have nothing to do with their parameters: one that few trials have, or that takes many values,
    comes far by chance."""

    parameter: str
    value: float
    low: float
    high: float
    noise: float

    def times_chance(self, value: float) -> float:
        """A value of it as a multiple of its noise."""
        return value / max(self.noise, 1e-12)


def importances(
    trials: Sequence[FrozenTrial], direction: Direction, draws: int = 40, seed: int = 0
) -> tuple[Importance, ...]:
    """The importances in the first objective, those that stand out most from chance first; empty while there are too few
    trials. Pruned trials count: they are what most of a search with a pruner is."""
    standings = [_standing(each, direction) for each in trials]
    known = [each for each, standing in zip(trials, standings, strict=True) if standing is not None]
    if len(known) < FEWEST:
        return ()
    ranks = {standing: rank for rank, standing in enumerate(sorted({each for each in standings if each is not None}))}
    values = np.array([float(ranks[standing]) for standing in standings if standing is not None])
    share = max(0.1, min(0.5, FEWEST / len(known)))
    whole = _Evaluator(known, copies=1, share=share).evaluate(values[:, None])
    generator = np.random.default_rng(seed)
    some = generator.permutation(len(known))[:RESAMPLED]
    sampled = [known[index] for index in some]
    values, evaluator = values[some], _Evaluator(sampled, COPIES, share)
    resampled, permuted = [], []
    for _ in range(draws):
        often = np.bincount(generator.integers(len(some), size=len(some)), minlength=len(some))
        drawn = np.where(np.arange(COPIES) < often[:, None], values[:, None], np.nan)
        resampled.append(evaluator.evaluate(drawn))
        chance = np.where(np.arange(COPIES) < 1, generator.permutation(values)[:, None], np.nan)
        permuted.append(evaluator.evaluate(chance))
    having = Counter(name for each in sampled for name in each.params)
    found = [_importance(name, value, resampled, permuted) for name, value in whole.items() if having[name] >= FEWEST]
    return tuple(sorted(found, key=lambda each: (-each.times_chance(each.value), each.parameter)))


def _standing(trial: FrozenTrial, direction: Direction) -> tuple[float, float] | None:
    """Less is better, as the evaluator takes it: first how far a trial got, then its value there."""
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


class _Evaluator:
    """PED-ANOVA over the same trials with other values: a study with copies of them is made once (Optuna copies each
    trial deeply), and a value that is not a number leaves a copy out."""

    def __init__(self, trials: Sequence[FrozenTrial], copies: int, share: float) -> None:
        self.share = share
        self.study = optuna.create_study(direction="minimize")
        plain = [create_trial(params=each.params, distributions=each.distributions, value=0.0) for each in trials]
        self.study.add_trials(each for each in plain for _ in range(copies))

    def evaluate(self, values: NDArray[np.float64]) -> dict[str, float]:
        """The importances for one value for each copy (trials, copies)."""
        flat = values.ravel()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluator = PedAnovaImportanceEvaluator(target_quantile=self.share)
            return evaluator.evaluate(self.study, target=lambda trial: float(flat[trial.number]))
