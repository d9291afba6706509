"""Residual networks of dense layers, for tables."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from tuner.base.ranges import Count, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import Layer, Shape, block, dense_layer, dense_stack, reshape, residual_block


@record
class ResidualDense:
    """A dense layer of `width` units, then residual `blocks` of two dense layers with dropout between them: the first has
    `expansion` times `width` units, the second `width` (He et al. 2015, arXiv 1512.03385; for tables Gorishniy et al. 2021,
    arXiv 2106.11959)."""

    kind: Literal["residual_dense"] = "residual_dense"
    width: Count = 128
    blocks: Count = 2
    expansion: Count = 2
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        self.hidden.require_rates_for((self.width,) * self.blocks)

    @property
    def sizes(self) -> str:
        """The width and the number of blocks."""
        return f"{self.width}×{self.blocks}"

    def layers(self, inputs: Shape) -> Iterator[Layer]:
        """Its layers before the output."""
        size, inner = math.prod(inputs), self.expansion * self.width
        yield from reshape(inputs, (size,))
        yield from dense_stack(replace(self.hidden, dropout=0.0), (self.width,), size)
        for rate in self.hidden.dropout_rates(self.blocks):
            inside = dense_stack(replace(self.hidden, dropout=rate), (inner,), self.width)
            yield residual_block([*inside, *block(self.hidden, dense_layer(inner, self.width))])
