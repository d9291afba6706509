"""How a study searches, as its file says it: budget and sampler with their options. Optuna comes later."""

from dataclasses import dataclass
from typing import Literal

from tuner.errors import demand
from tuner.limits import demand_at_least_one, demand_positive, demand_seed
from tuner.study.pruners import Percentile, Pruner


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When the search ends: at so many finished and pruned trials in all, or so many minutes in one call."""

    trials: int = 50
    minutes: float = 60.0

    def __post_init__(self) -> None:
        demand_at_least_one(self, "trials")
        demand_positive(self, "minutes")


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The winner is trained again on so many fresh seeds before its model is saved and tested."""

    seeds: int = 3

    def __post_init__(self) -> None:
        demand_at_least_one(self, "seeds")


@dataclass(frozen=True, kw_only=True)
class Tpe:
    """Tree-structured Parzen estimators, all parameters jointly; `group` splits conditional spaces into parts that
    are each sampled jointly (an experimental option of Optuna's). The first `startup_trials` are random."""

    kind: Literal["tpe"] = "tpe"
    startup_trials: int = 10
    candidates: int = 24
    group: bool = False

    def __post_init__(self) -> None:
        demand_at_least_one(self, "startup_trials", "candidates")


@dataclass(frozen=True, kw_only=True)
class Gp:
    """Gaussian processes: for few, mostly numeric, unconditional dimensions and at most a few hundred trials."""

    kind: Literal["gp"] = "gp"
    startup_trials: int = 10

    def __post_init__(self) -> None:
        demand_at_least_one(self, "startup_trials")


@dataclass(frozen=True, kw_only=True)
class CmaEs:
    """Covariance matrix adaptation: numeric dimensions; choices are sampled at random."""

    kind: Literal["cmaes"] = "cmaes"
    startup_trials: int = 1

    def __post_init__(self) -> None:
        demand_at_least_one(self, "startup_trials")


@dataclass(frozen=True, kw_only=True)
class PlainSampler:
    """Independent random draws, or quasi-random ones (`qmc`: Sobol points, which cover a space more evenly)."""

    kind: Literal["random", "qmc"]


@dataclass(frozen=True, kw_only=True)
class BruteForce:
    """Every point of a space without continuous ranges, long trainings first."""

    kind: Literal["brute_force"] = "brute_force"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination, with `points` values for each range that has more, long trainings first."""

    kind: Literal["grid"] = "grid"
    points: int = 3

    def __post_init__(self) -> None:
        demand(self.points >= 2, "points", "be at least 2", self.points)


@dataclass(frozen=True, kw_only=True)
class Nsga2:
    """A genetic algorithm for several objectives (Deb et al. 2002)."""

    kind: Literal["nsga2"] = "nsga2"
    population: int = 20

    def __post_init__(self) -> None:
        demand(self.population >= 2, "population", "be at least 2", self.population)


Sampler = Tpe | Gp | CmaEs | PlainSampler | BruteForce | Grid | Nsga2


@dataclass(frozen=True, kw_only=True)
class Search:
    """Who proposes trials, who stops them early, and the seed of the proposals.

    With `centre` the first trials are the middle of the space (the first of each choice, the middle of each range) and
    the same with its widest layers, where the study has no `[[start]]` and the sampler learns. First trials are never
    stopped early: there is something to compare with, and a model, from the first minute on.
    """

    sampler: Sampler = Tpe()
    pruner: Pruner = Percentile()
    seed: int = 0
    centre: bool = True

    def __post_init__(self) -> None:
        demand_seed(self.seed)
