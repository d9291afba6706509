"""An ensemble of dense networks that share their kernels, for tables."""

import math
from collections.abc import Iterator
from typing import Literal

from tuner.base.errors import require
from tuner.base.ranges import Count, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import Layer, NewSeed, Shape, block, dropout, reshape, sizes_text


@record
class TabularEnsemble:
    """`members` dense networks of these `widths`, trained together, each with its own output and loss; the prediction is the
    mean of their outputs. They share their kernels; each member has factors of its own for a layer's inputs and outputs, and
    biases (Wen et al. 2020, arXiv 2002.06715; for tables Gorishniy et al. 2024, arXiv 2410.24210)."""

    kind: Literal["ensemble_dense"] = "ensemble_dense"
    widths: tuple[Count, ...]
    members: Count = 16
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        require(len(self.widths) >= 1, "widths", "have at least one entry", list(self.widths))
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """The number of members and the widths."""
        return f"{self.members} of {sizes_text(self.widths)}"

    def layers(self, inputs: Shape) -> Iterator[Layer]:
        """Its layers before the output."""
        size = math.prod(inputs)
        yield from reshape(inputs, (size,))
        for width, rate in zip(self.widths, self.hidden.dropout_rates(len(self.widths)), strict=True):
            yield from block(self.hidden, self._layer(size, width))
            yield from dropout(rate, (self.members, width))
            size = width

    def _layer(self, size: int, width: int) -> Layer:
        return Layer(
            "members_dense",
            (self.members, width),
            trainable=size * width + self.members * (size + 2 * width),  # one kernel; two factors and a bias per member
            multiply_adds=self.members * size * width,
            calculation=f"{size} × {width} + {self.members} × ({size} + 2 × {width})",
            keras="MembersDense",
            settings={"units": width, "members": self.members, "seed": NewSeed()},
        )


def members_output(inputs: Shape, units: int) -> Layer:
    """A dense layer for each member, then the mean."""
    members, size = inputs
    return Layer(
        "members_output",
        (units,),
        trainable=members * (size * units + units),
        multiply_adds=members * size * units,
        calculation=f"{members} × ({size} × {units} + {units})",
        keras="MembersOutput",
        settings={"units": units},
    )
