"""Pruners by name: from a study file's settings to Optuna's objects. Steps are epochs from 1 (or folds from 1)."""

import warnings

import optuna
from optuna.pruners import BasePruner

from tuner.study.pruners import Asha, Halving, NoPruner, Patient, Percentile, Pruner, Threshold, Wilcoxon


def make_pruner(settings: Pruner, epochs: int, maximize: bool) -> BasePruner:
    """Optuna's pruner for trials of at most `epochs` epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _make_pruner(settings, epochs, maximize)


def _make_pruner(settings: Pruner, epochs: int, maximize: bool) -> BasePruner:
    match settings:
        case NoPruner() | Asha():  # whose rungs are ours
            return optuna.pruners.NopPruner()
        case Percentile():
            return optuna.pruners.PercentilePruner(
                percentile=settings.percentile,
                n_startup_trials=settings.startup_trials,
                n_warmup_steps=settings.warmup_epochs,
                interval_steps=settings.every,
            )
        case Halving(kind="successive_halving"):
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=settings.min_epochs, reduction_factor=settings.factor
            )
        case Halving():
            return optuna.pruners.HyperbandPruner(
                min_resource=settings.min_epochs, max_resource=epochs, reduction_factor=settings.factor
            )
        case Patient():
            return optuna.pruners.PatientPruner(None, patience=settings.epochs, min_delta=settings.min_delta)
        case Threshold():
            return optuna.pruners.ThresholdPruner(
                lower=settings.limit if maximize else None,
                upper=None if maximize else settings.limit,
                n_warmup_steps=settings.warmup_epochs,
            )
        case Wilcoxon():
            return optuna.pruners.WilcoxonPruner(
                p_threshold=settings.p_threshold, n_startup_steps=settings.startup_folds
            )
