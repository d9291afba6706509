"""Samplers: one record each, with its options and how Optuna's object is made.

A new sampler is a record here, named in `Sampler`, and in `Learner` where it learns from trials.
"""

import math
from collections.abc import Iterator
from typing import Literal

from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler

from tuner.base.errors import Invalid, require, require_packages
from tuner.base.ranges import Count, Several, record
from tuner.space import Assignment, Node, grid, size


@record
class Tpe:
    """Tree-structured Parzen estimators of all parameters jointly; `group` splits conditional spaces into parts that are
    sampled jointly (an experimental option of Optuna). The first `startup_trials` are random."""

    kind: Literal["tpe"] = "tpe"
    startup_trials: Count = 10
    candidates: Count = 24
    group: bool = False

    def make(self, seed: int) -> BaseSampler:
        return TPESampler(
            seed=seed,
            n_startup_trials=self.startup_trials,
            n_ei_candidates=self.candidates,
            multivariate=True,
            group=self.group,
            constant_liar=True,
        )


@record
class Gp:
    """Gaussian processes: for few, mostly numeric dimensions without conditions, and at most a few hundred trials."""

    kind: Literal["gp"] = "gp"
    startup_trials: Count = 10

    def make(self, seed: int) -> BaseSampler:
        require_packages("the sampler 'gp'", "torch")
        alone = TPESampler(seed=seed, multivariate=False)
        return GPSampler(seed=seed, n_startup_trials=self.startup_trials, independent_sampler=alone)


@record
class CmaEs:
    """Covariance matrix adaptation: numeric dimensions; choices are sampled at random."""

    kind: Literal["cmaes"] = "cmaes"
    startup_trials: Count = 1

    def make(self, seed: int) -> BaseSampler:
        require_packages("the sampler 'cmaes'", "cmaes")
        return CmaEsSampler(seed=seed, n_startup_trials=self.startup_trials, warn_independent_sampling=False)


@record
class PlainSampler:
    """Independent random points, or quasi-random ones (`qmc`: Sobol points, which cover a space more evenly)."""

    kind: Literal["random", "qmc"]

    @property
    def is_one_sequence(self) -> bool:
        """Whether all points come from one sequence; its seed must not change, and the study stores the place in it."""
        return self.kind == "qmc"

    def make(self, seed: int) -> BaseSampler:
        if self.kind == "random":
            return RandomSampler(seed=seed)
        return QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False, warn_asynchronous_seeding=False)


@record
class Grid:
    """Every combination, longest trainings first: `grid` takes `points` values of each range that has more, `brute_force` all
    values of a space without continuous ranges."""

    kind: Literal["grid", "brute_force"] = "grid"
    points: Several = 3

    def __post_init__(self) -> None:
        if self.kind == "brute_force":
            require(self.points == 3, "points", "be left out for brute_force, which takes all", self.points)

    def make(self, seed: int) -> BaseSampler:
        """Optuna gets whole assignments; this sampler answers what they leave open."""
        return PlainSampler(kind="random").make(seed)

    def walk(self, space: Node) -> Iterator[Assignment]:
        """The assignments in the order of the space."""
        return grid(space, self.points if self.kind == "grid" else 2**31)


@record
class Nsga2:
    """A genetic algorithm for several objectives (Deb et al. 2002)."""

    kind: Literal["nsga2"] = "nsga2"
    population: Several = 20

    def make(self, seed: int) -> BaseSampler:
        return NSGAIISampler(seed=seed, population_size=self.population)


Sampler = Tpe | Gp | CmaEs | PlainSampler | Grid | Nsga2

Learner = Tpe | Gp | CmaEs | Nsga2
"""Samplers that learn from trials."""


def check_sampler(sampler: Sampler, space: Node) -> None:
    """Raise `Invalid` where the sampler cannot work on this space."""
    if sampler.kind == "brute_force" and math.isinf(size(space)):
        problem = "'brute_force' needs a space without continuous ranges; use 'grid' or give steps"
        raise Invalid("search.sampler", problem)
