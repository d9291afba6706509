"""Protocols: what of a training part is trained on and what validated on, and the questions that need no data to answer.

Each question is one exhaustive `match`, here or in `tuner.data.splits`; mypy names those that a new protocol must answer.
"""

from dataclasses import dataclass
from typing import Literal

from tuner.base.errors import Invalid, require, require_seed
from tuner.recipe.augmentation import Augmentation

Pick = Literal["stratified", "random", "last"]


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """One validation part, cut from the training part: a share of it (0.2) or a number of examples (10_000).

    `last` takes the end of the file, as Keras's `validation_split` does.

    With `distortion` the validation images are changed once, at random by the seed: a declared shift. Where validation
    examples are like those trained on and those to come are not, it says which recipes bear a change.
    """

    kind: Literal["holdout"] = "holdout"
    validation: int | float = 0.2
    pick: Pick = "stratified"
    seed: int = 0
    distortion: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        if self.distortion.mixup:
            raise Invalid("distortion.mixup", "must be 0: it changes what is true, and validation must not")
        if isinstance(self.validation, float):
            require(
                0 < self.validation < 1,
                "validation",
                "be a share between 0 and 1 or a number of examples",
                self.validation,
            )
        else:
            require(self.validation >= 1, "validation", "be at least 1 example", self.validation)
        require_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class KFold:
    """Cross-validation: every fold is the validation part once; figures are means over the folds.

    Used by baselines only: `of` all examples, including the test part. A search refuses it.
    """

    kind: Literal["k_fold"] = "k_fold"
    folds: int = 5
    pick: Pick = "stratified"
    seed: int = 0
    of: Literal["training", "all"] = "training"

    def __post_init__(self) -> None:
        require(2 <= self.folds <= 100, "folds", "be between 2 and 100", self.folds)
        require_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class NoValidation:
    """The whole training part is trained on; there is no validation figure."""

    kind: Literal["none"] = "none"


@dataclass(frozen=True, kw_only=True)
class OnTest:
    """Validated on the test part, as some documents do: not validation-only, so no search may use it."""

    kind: Literal["on_test"] = "on_test"


Protocol = Holdout | KFold | NoValidation | OnTest


def fold_count(protocol: Protocol) -> int:
    """How many networks it trains. More than one leave no single model: one trained on everything takes their place."""
    match protocol:
        case Holdout() | NoValidation() | OnTest():
            return 1
        case KFold(folds=count):
            return count


def validated_part(protocol: Protocol) -> Literal["training", "test", "none"]:
    """The part of a data set whose examples give its validation figures; `none`: it has no such figures."""
    match protocol:
        case Holdout():
            return "training"
        case KFold(of=of):
            return "test" if of == "all" else "training"
        case NoValidation():
            return "none"
        case OnTest():
            return "test"
