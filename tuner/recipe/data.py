"""Which data, and what of it is trained on and validated on."""

from dataclasses import dataclass
from typing import Literal

from tuner.data.catalogue import CATALOGUE
from tuner.errors import Invalid, demand, near_miss
from tuner.limits import demand_seed

Scaling = Literal["unit", "symmetric", "standard", "none"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which data set of the catalogue, and how its inputs are scaled on their way into the network.

    `unit` maps the data set's own range (0 to 255, or -1 to 1 for USPS) to 0..1, `symmetric` maps it to -1..1,
    `standard` subtracts the mean of the training part and divides by its standard deviation (one of each for images,
    per column otherwise), `none` leaves the stored numbers as they are.
    """

    name: str
    scaling: Scaling = "unit"

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE:
            raise Invalid("name", f"unknown data set {self.name!r}; {near_miss(self.name, CATALOGUE)}")


Pick = Literal["stratified", "random", "last"]


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """One validation part, cut from the training part: a share of it (0.2) or a number of examples (10_000).

    `last` takes the end of the file, as Keras's `validation_split` does.
    """

    kind: Literal["holdout"] = "holdout"
    validation: int | float = 0.2
    pick: Pick = "stratified"
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.validation, float):
            demand(
                0 < self.validation < 1,
                "validation",
                "be a share between 0 and 1 or a number of examples",
                self.validation,
            )
        else:
            demand(self.validation >= 1, "validation", "be at least 1 example", self.validation)
        demand_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class KFold:
    """Cross-validation: every fold is the validation part once; figures are means over the folds."""

    kind: Literal["k_fold"] = "k_fold"
    folds: int = 5
    pick: Pick = "stratified"
    seed: int = 0

    def __post_init__(self) -> None:
        demand(2 <= self.folds <= 100, "folds", "be between 2 and 100", self.folds)
        demand_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class NoValidation:
    """The whole training part is trained on; there is no validation figure."""

    kind: Literal["none"] = "none"


@dataclass(frozen=True, kw_only=True)
class OnTest:
    """Validated on the test part, as some documents do: not validation-only, so no search may use it."""

    kind: Literal["on_test"] = "on_test"


Protocol = Holdout | KFold | NoValidation | OnTest
