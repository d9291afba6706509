"""Which data set, and how its numbers are scaled."""

from dataclasses import dataclass
from typing import Literal

from tuner.data.catalogue import CATALOGUE
from tuner.errors import Invalid, near_miss

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
