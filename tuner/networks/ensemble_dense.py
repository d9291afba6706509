"""Many dense networks in one, as they do well on tables: their kernels are shared, what scales their numbers is not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import require, require_at_least_one
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, normalization, sizes_text

if TYPE_CHECKING:
    from tuner.networks.blocks import Layers, Seeds


@dataclass(frozen=True, kw_only=True)
class TabularEnsemble:
    """`members` dense networks of these `widths` with an output each, trained at once, each by a loss of its own; what they say
    is the mean of their outputs. They share their kernels; each has numbers of its own by which it multiplies what goes
    into a layer and what comes out of it, and biases (Wen et al. 2020, arXiv 2002.06715; for tables Gorishniy et al. 2024,
    arXiv 2410.24210)."""

    kind: Literal["ensemble_dense"] = "ensemble_dense"
    widths: tuple[int, ...]
    members: int = 16
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(len(self.widths) >= 1, "widths", "have at least one entry", list(self.widths))
        require_at_least_one(self, "widths")
        require_at_least_one(self, "members")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its sizes in words: how many members, then layer by layer."""
        return f"{self.members} of {sizes_text(self.widths)}"

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Where it has dropout, and how much."""
        return self.hidden.dropout_texts(len(self.widths))

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, by arithmetic."""
        size = math.prod(inputs)
        for width in self.widths:
            yield members_layer(self.members, size, width)
            yield from normalization(self.hidden, (self.members, width))
            size = width

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its layers before the output, in Keras."""
        import keras

        from tuner.networks.blocks import block, dropout, layer
        from tuner.networks.layers import MembersDense

        if len(inputs) > 1:
            yield keras.layers.Flatten()
        for width, rate in zip(self.widths, self.hidden.dropout_rates(len(self.widths)), strict=True):
            make = layer(MembersDense, width, members=self.members, seed=next(seeds))
            yield from block(self.hidden, make, seeds)
            yield from dropout(rate, seeds)


def members_layer(members: int, size: int, units: int) -> LayerShape:
    """One kernel for all members; for each of them factors before and after it, and biases."""
    own = members * (size + 2 * units)
    calculation = f"{size} × {units} + {members} × ({size} + 2 × {units})"
    return LayerShape("members_dense", (members, units), size * units + own, 0, members * size * units, calculation)


def members_output(members: int, size: int, units: int) -> LayerShape:
    """A dense layer for each member, then the mean."""
    weights = members * (size * units + units)
    calculation = f"{members} × ({size} × {units} + {units})"
    return LayerShape("members_output", (units,), weights, 0, members * size * units, calculation)
