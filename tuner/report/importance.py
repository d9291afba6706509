"""Which parameters mattered, by PED-ANOVA, with what chance alone would show.

PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255) asks how differently the best tenth of the trials is
distributed from all of them, parameter by parameter; unlike fANOVA it also weighs parameters that only some trials have.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

METHOD = "PED-ANOVA: how the best tenth of the finished trials differs from all"
FEWEST = 10
"""Finished trials below which importances would be guesses."""

RESAMPLED = 250
"""Of so many trials at most intervals and noise are drawn: they take a fifth of a second a draw of a thousand."""

COPIES = 3
"""A trial that is drawn more often counts three times."""


@dataclass(frozen=True)
class Importance:
    """A parameter's share, and the middle 90 % of it over resampled trials."""

    parameter: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Importances:
    """All parameters, the most important first. `noise`: what the luckiest parameter reaches in 95 % of studies whose
    values have nothing to do with their parameters."""

    parameters: tuple[Importance, ...]
    noise: float


def importances(trials: Sequence[FrozenTrial], maximize: bool, draws: int = 30, seed: int = 0) -> Importances | None:
    """The importances in the first objective; None while too few trials have finished."""
    finished = [each for each in trials if each.state == TrialState.COMPLETE and math.isfinite(each.values[0])]
    if len(finished) < FEWEST:
        return None
    sign = -1.0 if maximize else 1.0  # the evaluator takes less as better
    values = np.array([sign * trial.values[0] for trial in finished])
    whole = _Evaluator(finished, copies=1).evaluate(values[:, None])
    generator = np.random.default_rng(seed)
    some = generator.permutation(len(finished))[:RESAMPLED]
    values, evaluator = values[some], _Evaluator([finished[index] for index in some], COPIES)
    resampled, permuted = [], []
    for _ in range(draws):
        often = np.bincount(generator.integers(len(some), size=len(some)), minlength=len(some))
        drawn = np.where(np.arange(COPIES) < often[:, None], values[:, None], np.nan)
        resampled.append(evaluator.evaluate(drawn))
        chance = np.where(np.arange(COPIES) < 1, generator.permutation(values)[:, None], np.nan)
        permuted.append(max(evaluator.evaluate(chance).values(), default=0.0))
    found = [_spread(name, value, [each.get(name, 0.0) for each in resampled]) for name, value in whole.items()]
    found.sort(key=lambda each: -each.value)
    return Importances(tuple(found), float(np.quantile(permuted, 0.95)))


def _spread(name: str, value: float, resampled: Sequence[float]) -> Importance:
    low, high = np.quantile(resampled, [0.05, 0.95])
    return Importance(name, value, min(value, float(low)), max(value, float(high)))


class _Evaluator:
    """PED-ANOVA over the same trials with other values: a study with copies of them is made once (Optuna copies each
    trial deeply), and a value that is not a number leaves a copy out."""

    def __init__(self, trials: Sequence[FrozenTrial], copies: int) -> None:
        self.study = optuna.create_study(direction="minimize")
        plain = [create_trial(params=each.params, distributions=each.distributions, value=0.0) for each in trials]
        self.study.add_trials(each for each in plain for _ in range(copies))

    def evaluate(self, values: NDArray[np.float64]) -> dict[str, float]:
        """The importances for one value for each copy (trials, copies)."""
        flat = values.ravel()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PedAnovaImportanceEvaluator().evaluate(self.study, target=lambda trial: float(flat[trial.number]))
