"""An ensemble of dense networks that share their kernels, for tables."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import require, require_at_least_one
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, normalization, sizes_text

if TYPE_CHECKING:
    from tuner.networks.blocks import Layers, Seeds


@dataclass(frozen=True, kw_only=True)
class TabularEnsemble:
    """`members` dense networks of these `widths`, trained together, each with its own output and loss; the prediction is the
    mean of their outputs. They share their kernels; each member has factors of its own for a layer's inputs and outputs, and
    biases (Wen et al. 2020, arXiv 2002.06715; for tables Gorishniy et al. 2024, arXiv 2410.24210)."""

    kind: Literal["ensemble_dense"] = "ensemble_dense"
    widths: tuple[int, ...]
    members: int = 16
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(len(self.widths) >= 1, "widths", "have at least one entry", list(self.widths))
        require_at_least_one(self, "widths", "members")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """The number of members and the widths."""
        return f"{self.members} of {sizes_text(self.widths)}"

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        return self.hidden.dropout_texts(len(self.widths))

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        size = math.prod(inputs)
        for width in self.widths:
            weights = size * width + self.members * (size + 2 * width)  # one kernel; two factors and a bias per member
            count = f"{size} × {width} + {self.members} × ({size} + 2 × {width})"
            multiply_adds = self.members * size * width
            yield LayerShape("members_dense", (self.members, width), weights, 0, multiply_adds, count)
            yield from normalization(self.hidden, (self.members, width))
            size = width

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import block, dropout
        from tuner.networks.layers import MembersDense

        if len(inputs) > 1:
            yield keras.layers.Flatten()
        for width, rate in zip(self.widths, self.hidden.dropout_rates(len(self.widths)), strict=True):
            make = partial(MembersDense, width, members=self.members, seed=next(seeds))
            yield from block(self.hidden, make, seeds)
            yield from dropout(rate, seeds)


def members_output(members: int, size: int, units: int) -> LayerShape:
    """A dense layer for each member, then the mean."""
    weights = members * (size * units + units)
    calculation = f"{members} × ({size} × {units} + {units})"
    return LayerShape("members_output", (units,), weights, 0, members * size * units, calculation)
