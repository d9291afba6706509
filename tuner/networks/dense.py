"""Fully connected networks."""

import math
from collections.abc import Iterator
from typing import Literal

from tuner.base.ranges import Count, Rate, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import Layer, Shape, dense_stack, dropout, reshape, sizes_text


@record
class Dense:
    """Fully connected layers of these `widths` on the flattened input.

    `output` is the activation of the last layer, which has one unit for each class; `signed` is a single tanh unit with the
    targets -1 and 1 (two classes only), as in the TensorFlow Playground.
    """

    kind: Literal["dense"] = "dense"
    widths: tuple[Count, ...]
    input_dropout: Rate = 0.0
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its widths."""
        return sizes_text(self.widths) or "linear"

    def layers(self, inputs: Shape) -> Iterator[Layer]:
        """Its layers before the output."""
        size = math.prod(inputs)
        yield from reshape(inputs, (size,))
        yield from dropout(self.input_dropout, (size,))
        yield from dense_stack(self.hidden, self.widths, size)
