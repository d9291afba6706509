"""How a study searches, as its file says it: the budget, who proposes and who stops trials, the winner's confirmation."""

from dataclasses import dataclass
from typing import Literal

from tuner.base.errors import require, require_at_least_one, require_positive, require_seed
from tuner.study.pruners import Percentile, Pruner
from tuner.study.samplers import Sampler, Tpe

NO_LIMIT = 10**9
"""As many trials as nobody trains."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a study may cost. `minutes` are those of one call, confirmation and test among them; `trials` those that finish or
    are pruned in all calls (0: as many as there is time for).

    With `epochs` "fit" the minutes decide how long trials are: each gets the same time, which is planned from the minutes,
    and as many epochs as that has room for on this machine, at most the recipe's. So networks are compared at equal cost,
    and a large one has no more time than a small one. The winner is then trained longer: see `confirmation`.
    """

    trials: int = 50
    minutes: float = 60.0
    epochs: Literal["fixed", "fit"] = "fixed"

    def __post_init__(self) -> None:
        require(self.trials >= 0, "trials", "be at least 0", self.trials)
        require_positive(self, "minutes")


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The winner is trained again on so many fresh seeds before its model is saved and tested; where `budget.epochs` is
    "fit", the minutes decide on how many, for how many contenders and for how long.

    Of what was trained at most `members` networks become the model: the averages of their probabilities, chosen one by
    one as long as that lowers the log loss on the validation part, at its best temperature (Caruana et al. 2004). With 1 it is the best alone.

    With `anchors` plain models (boosted trees, logistic regression and others) are trained on the same folds once a study,
    in at most 8 % of the minutes and half a minute, and told beside it.
    """

    seeds: int = 3
    members: int = 1
    anchors: bool = True

    def __post_init__(self) -> None:
        require_at_least_one(self, "seeds", "members")


@dataclass(frozen=True, kw_only=True)
class Search:
    """Who proposes trials, who stops them early, and the seed of the proposals.

    With `centre` the first trials are the middle of the space (the first of each choice, the middle of each range) and
    the same with its widest layers, where the study has no `[[start]]` and the sampler learns. First trials are never
    stopped early: there is something to compare with, and a model, from the first minute on.

    With `documented`, the recipe with the best reported accuracy of each document about the same data comes after them, as
    near as the space has it.

    With `near` such a share of the proposals is the best trial so far, about two of its parameters proposed anew. Where there
    is time for few trials, little else finds what is better than a good recipe to begin with.
    """

    sampler: Sampler = Tpe()
    pruner: Pruner = Percentile()
    seed: int = 0
    centre: bool = True
    documented: bool = False
    near: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.near <= 1, "near", "be between 0 and 1", self.near)
        require_seed(self.seed)
