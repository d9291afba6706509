"""Protocols: how the training part is divided for training and validation, and what follows from that without the data.

Each function of a protocol is one exhaustive `match`, here or in `tuner.data.splits`; mypy names those that a new protocol
must extend.
"""

from typing import Literal

from tuner.base.errors import require
from tuner.base.ranges import CountOrZero, Folds, Seed, record
from tuner.recipe.augmentation import Augmentation

Pick = Literal["stratified", "random", "last"]


@record
class Holdout:
    """One validation part, taken from the training part: a share of it (0.2) or a number of examples (10_000).

    `last` takes the end of the file, as Keras's `validation_split` does.

    With `distortion` the validation images are changed once, at random by the seed: a declared shift. It shows which recipes
    are robust, where the examples of the future differ from those at hand.
    """

    kind: Literal["holdout"] = "holdout"
    validation: int | float = 0.2
    pick: Pick = "stratified"
    seed: Seed = 0
    distortion: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        require(not self.distortion.mixup, "distortion.mixup", "be 0: it changes the targets", self.distortion.mixup)
        if isinstance(self.validation, float):
            rule = "be a share between 0 and 1 or a number of examples"
            require(0 < self.validation < 1, "validation", rule, self.validation)
        else:
            require(self.validation >= 1, "validation", "be at least 1 example", self.validation)


@record
class KFold:
    """Cross-validation: every fold is the validation part once; figures are means over the folds.

    With `trained` only the first so many folds are trained (0: all), for a cheaper look at a recipe.

    Used by baselines only: `of` all examples, including the test part. A search refuses it.
    """

    kind: Literal["k_fold"] = "k_fold"
    folds: Folds = 5
    pick: Pick = "stratified"
    seed: Seed = 0
    trained: CountOrZero = 0
    of: Literal["training", "all"] = "training"

    def __post_init__(self) -> None:
        require(self.trained <= self.folds, "trained", f"be at most the number of folds, {self.folds}", self.trained)


@record
class NoValidation:
    """Trained on the whole training part; there are no validation metrics."""

    kind: Literal["none"] = "none"


@record
class OnTest:
    """Validated on the test part, as some documents do; searches cannot use it."""

    kind: Literal["on_test"] = "on_test"


Protocol = Holdout | KFold | NoValidation | OnTest


def fold_count(protocol: Protocol) -> int:
    """How many networks it trains. More than one give no single model: another one is trained on the whole training part."""
    match protocol:
        case KFold(folds=count, trained=trained):
            return trained or count
        case Holdout() | NoValidation() | OnTest():
            return 1


def validated_part(protocol: Protocol) -> Literal["training", "test", "none"]:
    """The part of a data set that the validation examples come from; `none` where there is no validation."""
    match protocol:
        case Holdout():
            return "training"
        case KFold(of=of):
            return "test" if of == "all" else "training"
        case NoValidation():
            return "none"
        case OnTest():
            return "test"
