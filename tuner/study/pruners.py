"""Who stops trials early: one record for each pruner, with its options, the first epoch after which it can stop a trial,
and how Optuna's object is made of them. Optuna's steps are epochs from 1 (or folds from 1).

A new pruner is a record here, named in `Pruner` and, where it is one, in `OfFolds` or `ByNumber`.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tuner.base.errors import Invalid, require, require_at_least_one
from tuner.result import OBJECTIVES

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


@dataclass(frozen=True, kw_only=True)
class NoPruner:
    """Every trial is trained to its end."""

    kind: Literal["none"] = "none"

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import NopPruner

        return NopPruner()


@dataclass(frozen=True, kw_only=True)
class Percentile:
    """Stops a trial whose best figure so far is not among the best `percentile` percent of the finished trials' at the
    same epoch (`median`: 50), from `warmup_epochs` on, once `startup_trials` have finished."""

    kind: Literal["median", "percentile"] = "median"
    percentile: float = 50.0
    startup_trials: int = 5
    warmup_epochs: int = 3
    every: int = 1

    def __post_init__(self) -> None:
        require(0 < self.percentile < 100, "percentile", "be between 0 and 100", self.percentile)
        if self.kind == "median":
            require(self.percentile == 50.0, "percentile", "be left out for the median pruner", self.percentile)
        require(self.startup_trials >= 0, "startup_trials", "be at least 0", self.startup_trials)
        require(self.warmup_epochs >= 0, "warmup_epochs", "be at least 0", self.warmup_epochs)
        require_at_least_one(self, "every")

    @property
    def first_stop(self) -> int:
        return max(1, self.warmup_epochs)

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import PercentilePruner

        return PercentilePruner(
            percentile=self.percentile,
            n_startup_trials=self.startup_trials,
            n_warmup_steps=self.warmup_epochs,
            interval_steps=self.every,
        )


@dataclass(frozen=True, kw_only=True)
class Halving:
    """Successive halving at rungs of `min_epochs * factor ** k` epochs, where the best 1/`factor` go on;
    `hyperband` runs several such ladders with different first rungs (Li et al. 2018, arXiv 1603.06560)."""

    kind: Literal["successive_halving", "hyperband"] = "hyperband"
    min_epochs: int = 1
    factor: int = 3

    def __post_init__(self) -> None:
        require_at_least_one(self, "min_epochs")
        require(self.factor >= 2, "factor", "be at least 2", self.factor)

    @property
    def first_stop(self) -> int:
        return self.min_epochs

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import HyperbandPruner, SuccessiveHalvingPruner

        if self.kind == "successive_halving":
            return SuccessiveHalvingPruner(min_resource=self.min_epochs, reduction_factor=self.factor)
        return HyperbandPruner(min_resource=self.min_epochs, max_resource=epochs, reduction_factor=self.factor)


@dataclass(frozen=True, kw_only=True)
class Asha:
    """Asynchronous successive halving (Li et al. 2018, arXiv 1810.05934): trials pause at rungs of `min_epochs * factor **
    k` epochs, and the best 1/`factor` of each rung go on from their checkpoint. With `min_epochs` 0 the rungs are set
    from the budget: as many as its trials can fill."""

    kind: Literal["asha"] = "asha"
    min_epochs: int = 0
    factor: int = 3

    def __post_init__(self) -> None:
        require(self.min_epochs >= 0, "min_epochs", "be at least 0", self.min_epochs)
        require(self.factor >= 2, "factor", "be at least 2", self.factor)

    @property
    def first_stop(self) -> int:
        return max(1, self.min_epochs)

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        """None of Optuna's: the rungs are ours (search/rungs.py)."""
        return NoPruner().make(epochs, maximize)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Stops a trial whose own figure has not improved by more than `min_delta` for `epochs` epochs."""

    kind: Literal["patient"] = "patient"
    epochs: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        require_at_least_one(self, "epochs")
        require(self.min_delta >= 0, "min_delta", "be at least 0", self.min_delta)

    @property
    def first_stop(self) -> int:
        return self.epochs + 1

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import PatientPruner

        return PatientPruner(None, patience=self.epochs, min_delta=self.min_delta)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Stops a trial whose figure is worse than `limit` after `warmup_epochs` epochs."""

    kind: Literal["threshold"] = "threshold"
    limit: float
    warmup_epochs: int = 1

    def __post_init__(self) -> None:
        require(self.warmup_epochs >= 0, "warmup_epochs", "be at least 0", self.warmup_epochs)

    @property
    def first_stop(self) -> int:
        return max(1, self.warmup_epochs)

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import ThresholdPruner

        if maximize:
            return ThresholdPruner(lower=self.limit, n_warmup_steps=self.warmup_epochs)
        return ThresholdPruner(upper=self.limit, n_warmup_steps=self.warmup_epochs)


@dataclass(frozen=True, kw_only=True)
class Wilcoxon:
    """For cross-validation: stops between folds once a signed-rank test finds the trial worse than the best one."""

    kind: Literal["wilcoxon"] = "wilcoxon"
    p_threshold: float = 0.1
    startup_folds: int = 2

    def __post_init__(self) -> None:
        require(0 < self.p_threshold < 1, "p_threshold", "be between 0 and 1", self.p_threshold)
        require(self.startup_folds >= 0, "startup_folds", "be at least 0", self.startup_folds)

    def make(self, epochs: int, maximize: bool) -> "BasePruner":
        from optuna.pruners import WilcoxonPruner

        return WilcoxonPruner(p_threshold=self.p_threshold, n_startup_steps=self.startup_folds)


Pruner = NoPruner | Percentile | Halving | Asha | Patient | Threshold | Wilcoxon

OfFolds = Wilcoxon
"""Those that look at folds and not at epochs."""

ByNumber = Halving
"""Those whose judgement depends on the trials' numbers or on marks that trials carry."""


def make_pruner(settings: Pruner, epochs: int, maximize: bool) -> "BasePruner":
    """Optuna's pruner for trials of at most `epochs` epochs."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return settings.make(epochs, maximize)


def check_pruner(pruner: Pruner, objective: str, epochs: int, folds: int, trials: int) -> None:
    """Raise `Invalid` if the pruner can never stop anything: `epochs` is the most that a trial has, in each of
    `folds` folds. A trial is never stopped at its last epoch."""
    if isinstance(pruner, NoPruner):
        return
    if OBJECTIVES[objective].of_epoch is None:
        raise Invalid("search.pruner", f"must be 'none': {objective} is known only when a trial ends")
    if isinstance(pruner, OfFolds):
        rule = f"not be {pruner.kind!r} without a protocol of at least 3 folds"
        require(folds > 2, "search.pruner", rule, pruner.kind)
        return
    if isinstance(pruner, Asha):
        require(
            trials >= pruner.factor, "search.pruner", f"not be 'asha' with fewer than {pruner.factor} trials", trials
        )
    if pruner.first_stop >= epochs:
        first = f"{pruner.kind} stops after epoch {pruner.first_stop} at the earliest"
        raise Invalid("search.pruner", f"can never fire: {first}, and trials end at {epochs}")
    if isinstance(pruner, Percentile) and pruner.startup_trials >= trials:
        problem = f"can never fire: it waits for {pruner.startup_trials} finished trials of a budget of {trials}"
        raise Invalid("search.pruner.startup_trials", problem)
