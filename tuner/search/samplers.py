"""Samplers by name: from a study file's settings to Optuna's objects, and walks through whole spaces."""

import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from tuner.errors import MissingPackage
from tuner.search.window import Windowed
from tuner.space import Assignment, Node, grid
from tuner.study.samplers import BruteForce, CmaEs, Gp, Grid, Nsga2, PlainSampler, Sampler, Tpe


def make_sampler(settings: Sampler, seed: int, objectives: int = 1) -> BaseSampler:
    """Optuna's sampler for the next trial. Raises `MissingPackage` where it needs one that is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _make_sampler(settings, seed, objectives)


def _make_sampler(settings: Sampler, seed: int, objectives: int) -> BaseSampler:
    match settings:
        case Tpe():
            sampler = optuna.samplers.TPESampler(
                seed=seed,
                n_startup_trials=settings.startup_trials,
                n_ei_candidates=settings.candidates,
                multivariate=True,
                group=settings.group,
                constant_liar=True,
            )
            return Windowed(sampler) if objectives == 1 else sampler
        case Gp():
            _demand_package("the sampler 'gp'", "torch", "gp")
            return optuna.samplers.GPSampler(
                seed=seed,
                n_startup_trials=settings.startup_trials,
                independent_sampler=optuna.samplers.TPESampler(seed=seed, multivariate=False),
            )
        case CmaEs():
            _demand_package("the sampler 'cmaes'", "cmaes", "cmaes")
            return optuna.samplers.CmaEsSampler(
                seed=seed, n_startup_trials=settings.startup_trials, warn_independent_sampling=False
            )
        case Nsga2():
            return optuna.samplers.NSGAIISampler(seed=seed, population_size=settings.population)
        case PlainSampler(kind="qmc"):
            return optuna.samplers.QMCSampler(
                seed=seed, scramble=True, warn_independent_sampling=False, warn_asynchronous_seeding=False
            )
        case PlainSampler() | BruteForce() | Grid():
            return optuna.samplers.RandomSampler(seed=seed)


def walk(settings: Sampler, space: Node) -> Iterator[Assignment] | None:
    """The assignments to try one after the other, where the sampler goes through a whole space; else None."""
    match settings:
        case Grid():
            return grid(space, settings.points)
        case BruteForce():
            return grid(space, points=2**31)
        case _:
            return None


def seed_of_trial(seed: int, worker: int, trials: int) -> int:
    """The sampler's seed for the next trial. One seed for all would propose the same points again after a pause and in
    every worker; a seed from what is there already makes a study that was interrupted go on as if it had not been."""
    return int(np.random.SeedSequence([seed, worker, trials]).generate_state(1)[0])


def _demand_package(wanted_by: str, package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise MissingPackage(wanted_by, package, extra)
