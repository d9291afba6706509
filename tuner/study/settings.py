"""The keys of a study file: the objectives, the budget, the sampler and the pruner, the refits of the winner, the recipe."""

from collections.abc import Mapping
from typing import Any, Literal

from tuner.base.errors import Invalid, near_miss, require
from tuner.base.ranges import Count, CountOrZero, Positive, Seed, Share, record
from tuner.result import OBJECTIVES
from tuner.study.pruners import Percentile, Pruner
from tuner.study.samplers import Sampler, Tpe

NO_LIMIT = 10**9
"""More trials than anyone trains."""


@record
class Budget:
    """What a study may cost. `minutes` limit one call, including refits and the test; `trials` limit those that finish or are
    pruned in all calls (0: as many as there is time for).

    With `epochs` "fit" the minutes decide on the length of trials: they are short looks at first, and promising recipes get longer
    ones, up to the epochs of the recipe. No pruner is needed: docs/time-budget.md. The winner is then trained longer: see
    `confirmation`.
    """

    trials: CountOrZero = 50
    minutes: Positive = 60.0
    epochs: Literal["fixed", "fit"] = "fixed"


@record
class Confirmation:
    """The winner is refitted on so many fresh seeds before the final model is saved and tested; where `budget.epochs` is
    "fit", the minutes decide on the number of refits, for how many contenders and how long.

    At most `members` of the trained networks form the final model, an ensemble: they are chosen one by one as long as the
    average of their probabilities lowers the log loss on the validation part, at its best temperature (Caruana et al. 2004).
    The final model's probabilities are calibrated by that temperature (Guo et al. 2017). With cross-validation each of them is the
    average of the networks of its folds and of the one on everything, if the model does not compute more than three times
    `members` images for one then. With 1 it is the best network alone, as it was trained.

    With `anchors` reference models (boosted trees, logistic regression and others) are trained on the same folds, once a study,
    in at most 8 % of the minutes and half a minute, for comparison.
    """

    seeds: Count = 3
    members: Count = 1
    anchors: bool = True


@record
class Search:
    """The sampler proposes trials, the pruner stops them early; `seed` is that of the proposals.

    With `centre` the first trials are the centre of the space (the first option of each choice, the middle of each range) and
    the same with its widest layers, where the study has no `[[start]]` and the sampler learns. First trials are never
    stopped early, so that there is a model, and something to compare with, from the first minute on.

    With `documented`, the recipe with the best reported accuracy of each document about the same data comes after them, as
    near as the space has it.

    With `near`, this share of the proposals is the best trial so far (where the minutes decide, one drawn as often as it is
    likely to be the best) with about two of its parameters proposed anew, mostly continuous ones.
    """

    sampler: Sampler = Tpe()
    pruner: Pruner = Percentile()
    seed: Seed = 0
    centre: bool = True
    documented: bool = False
    near: Share = 0.0


@record
class Sections:
    """The keys at the top of a study file. The recipe and the starts are checked with the space."""

    title: str = ""
    objective: str | tuple[str, ...] = "validation_accuracy"
    budget: Budget = Budget()
    search: Search = Search()
    confirmation: Confirmation = Confirmation()
    start: tuple[Mapping[str, Any], ...] = ()
    recipe: Mapping[str, Any]

    def __post_init__(self) -> None:
        names = self.objectives
        require(len(names) > 0, "objective", "name at least one metric", list(names))
        for name in names:
            try:
                OBJECTIVES[name]
            except KeyError:
                rule = " A metric of your own needs a name that ends as Keras's do, such as validation_area_auc."
                problem = f"unknown metric {name!r}; {near_miss(name, OBJECTIVES)}"
                raise Invalid("objective", problem + rule * name.startswith("validation_")) from None
        require(len(set(names)) == len(names), "objective", "name each metric once", list(names))

    @property
    def objectives(self) -> tuple[str, ...]:
        return (self.objective,) if isinstance(self.objective, str) else self.objective
