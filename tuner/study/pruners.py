"""Pruners: one record each, with its options, the first epoch after which it can stop a trial, and how Optuna's object is
made. Optuna's steps are epochs from 1 (or folds from 1).

A new pruner is a record here, named in `Pruner`, and in `OfFolds` or `ByNumber` where that holds.
"""

import warnings
from typing import Literal

from optuna import pruners
from optuna.exceptions import ExperimentalWarning

from tuner.base.errors import Invalid, require
from tuner.base.ranges import Count, CountOrZero, InnerShare, NotNegative, Several, record
from tuner.result import OBJECTIVES


@record
class NoPruner:
    """No trial is stopped early."""

    kind: Literal["none"] = "none"

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        return pruners.NopPruner()


@record
class Percentile:
    """Stops a trial whose best value so far is not among the best `percentile` percent of the finished trials at the same
    epoch (`median`: 50), from `warmup_epochs` on, after `startup_trials` finished ones."""

    kind: Literal["median", "percentile"] = "median"
    percentile: float = 50.0
    startup_trials: CountOrZero = 5
    warmup_epochs: CountOrZero = 3
    every: Count = 1

    def __post_init__(self) -> None:
        require(0 < self.percentile < 100, "percentile", "be between 0 and 100", self.percentile)
        if self.kind == "median":
            require(self.percentile == 50.0, "percentile", "be left out for the median pruner", self.percentile)

    @property
    def first_stop(self) -> int:
        return max(1, self.warmup_epochs)

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        return pruners.PercentilePruner(
            percentile=self.percentile,
            n_startup_trials=self.startup_trials,
            n_warmup_steps=self.warmup_epochs,
            interval_steps=self.every,
        )


@record
class Halving:
    """Successive halving at rungs of `min_epochs * factor ** k` epochs, where the best 1/`factor` continue; `hyperband` runs
    several of these with different first rungs (Li et al. 2018, arXiv 1603.06560)."""

    kind: Literal["successive_halving", "hyperband"] = "hyperband"
    min_epochs: Count = 1
    factor: Several = 3

    @property
    def first_stop(self) -> int:
        return self.min_epochs

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        if self.kind == "successive_halving":
            return pruners.SuccessiveHalvingPruner(min_resource=self.min_epochs, reduction_factor=self.factor)
        return pruners.HyperbandPruner(min_resource=self.min_epochs, max_resource=epochs, reduction_factor=self.factor)


@record
class Asha:
    """Asynchronous successive halving (Li et al. 2018, arXiv 1810.05934): trials pause at rungs of `min_epochs * factor **
    k` epochs, and the best 1/`factor` of each rung continue from their checkpoints. With `min_epochs` 0 the budget decides on
    the rungs: as many as its trials can fill."""

    kind: Literal["asha"] = "asha"
    min_epochs: CountOrZero = 0
    factor: Several = 3

    @property
    def first_stop(self) -> int:
        return max(1, self.min_epochs)

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        """Optuna has nothing to do: the rungs are in search/rungs.py."""
        return NoPruner().make(epochs, maximize)


@record
class Patient:
    """Stops a trial whose objective has not improved by more than `min_delta` for `epochs` epochs."""

    kind: Literal["patient"] = "patient"
    epochs: Count = 5
    min_delta: NotNegative = 0.0

    @property
    def first_stop(self) -> int:
        return self.epochs + 1

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        return pruners.PatientPruner(None, patience=self.epochs, min_delta=self.min_delta)


@record
class Threshold:
    """Stops a trial whose objective is worse than `limit` after `warmup_epochs` epochs."""

    kind: Literal["threshold"] = "threshold"
    limit: float
    warmup_epochs: CountOrZero = 1

    @property
    def first_stop(self) -> int:
        return max(1, self.warmup_epochs)

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        if maximize:
            return pruners.ThresholdPruner(lower=self.limit, n_warmup_steps=self.warmup_epochs)
        return pruners.ThresholdPruner(upper=self.limit, n_warmup_steps=self.warmup_epochs)


@record
class Wilcoxon:
    """For cross-validation: stops between folds when a signed-rank test finds the trial worse than the best one."""

    kind: Literal["wilcoxon"] = "wilcoxon"
    p_threshold: InnerShare = 0.1
    startup_folds: CountOrZero = 2

    def make(self, epochs: int, maximize: bool) -> pruners.BasePruner:
        return pruners.WilcoxonPruner(p_threshold=self.p_threshold, n_startup_steps=self.startup_folds)


Pruner = NoPruner | Percentile | Halving | Asha | Patient | Threshold | Wilcoxon

OfFolds = Wilcoxon
"""Pruners that compare folds instead of epochs."""

ByNumber = Halving
"""Pruners whose decisions depend on the numbers of trials or on attributes that they set."""


def make_pruner(settings: Pruner, epochs: int, maximize: bool) -> pruners.BasePruner:
    """Optuna's pruner for trials of at most `epochs` epochs."""
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return settings.make(epochs, maximize)


def check_pruner(pruner: Pruner, objective: str, epochs: int, folds: int, trials: int) -> None:
    """Raise `Invalid` where the pruner can never stop a trial of at most `epochs` epochs in each of `folds` folds. A trial is
    never stopped at its last epoch."""
    if isinstance(pruner, NoPruner):
        return
    if OBJECTIVES[objective].of_epoch is None:
        raise Invalid("search.pruner", f"must be 'none': {objective} is known only when a trial ends")
    if isinstance(pruner, OfFolds):
        rule = f"not be {pruner.kind!r} without a protocol of at least 3 folds"
        require(folds > 2, "search.pruner", rule, pruner.kind)
        return
    if isinstance(pruner, Asha):
        rule = f"not be 'asha' with fewer than {pruner.factor} trials"
        require(trials >= pruner.factor, "search.pruner", rule, trials)
    if pruner.first_stop >= epochs:
        first = f"{pruner.kind} stops after epoch {pruner.first_stop} at the earliest"
        raise Invalid("search.pruner", f"can never stop a trial: {first}, and trials end at {epochs}")
    if isinstance(pruner, Percentile) and pruner.startup_trials >= trials:
        problem = (
            f"can never stop a trial: it waits for {pruner.startup_trials} finished trials of a budget of {trials}"
        )
        raise Invalid("search.pruner.startup_trials", problem)
