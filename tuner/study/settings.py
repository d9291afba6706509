"""How a study searches, as its file says it: the budget, who proposes and who stops trials, the winner's confirmation."""

from dataclasses import dataclass

from tuner.limits import demand_at_least_one, demand_positive, demand_seed
from tuner.study.pruners import Percentile, Pruner
from tuner.study.samplers import Sampler, Tpe


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
