"""The sampler for the next trial: the study file's, made for it and kept fast in a long study."""

import warnings
from collections.abc import Iterator

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from tuner.search.window import Windowed
from tuner.space import Assignment, Node
from tuner.study.samplers import Sampler, Tpe, Walk


def make_sampler(settings: Sampler, seed: int, objectives: int = 1) -> BaseSampler:
    """Optuna's sampler for the next trial. Raises `MissingPackage` where it needs one that is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = settings.make(seed)
    return Windowed(sampler) if isinstance(settings, Tpe) and objectives == 1 else sampler


def walk(settings: Sampler, space: Node) -> Iterator[Assignment] | None:
    """The assignments to try one after the other, where the sampler goes through a whole space; else None."""
    return settings.walk(space) if isinstance(settings, Walk) else None


def seed_of_trial(seed: int, worker: int, trials: int) -> int:
    """The sampler's seed for the next trial. One seed for all would propose the same points again after a pause and in
    every worker; a seed from what is there already makes a study that was interrupted go on as if it had not been."""
    return int(np.random.SeedSequence([seed, worker, trials]).generate_state(1)[0])
