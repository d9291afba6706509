"""Convolutional networks on images."""

from collections.abc import Iterator
from typing import Literal

from tuner.base.errors import Invalid, require
from tuner.base.ranges import Count, Rate, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import (
    Layer,
    Shape,
    activation_layer,
    block,
    bridge,
    convolution,
    dense_stack,
    dropout,
    image_shape,
    pooling,
    reshape,
    sizes_text,
    weighted,
)

RISING = {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "selu", "softplus", "softsign", "relu6"}


@record
class Convolutional:
    """Two-dimensional convolutions, max pooling, then dense layers.

    `filters` has one entry for each convolution. Max pooling by `pool` (1: none) and dropout at `convolution_dropout` follow
    every `pool_every` convolutions and the last one. `bridge` connects the images with the dense layers of `widths`.
    """

    kind: Literal["convolutional"] = "convolutional"
    filters: tuple[Count, ...]
    kernel: Count = 3
    padding: Literal["valid", "same"] = "valid"
    pool: Count = 2
    pool_every: Count = 1
    convolution_dropout: Rate = 0.0
    bridge: Literal["flatten", "average"] = "flatten"
    widths: tuple[Count, ...] = ()
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        require(len(self.filters) >= 1, "filters", "have at least one entry", list(self.filters))
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its filters and widths."""
        return sizes_text(self.filters, self.widths)

    def layers(self, inputs: Shape) -> Iterator[Layer]:
        """Its layers before the output."""
        shape = image_shape(inputs)
        yield from reshape(inputs, shape)
        for number, filters in enumerate(self.filters, start=1):
            ends_block = number % self.pool_every == 0 or number == len(self.filters)
            layers = [*self._convolution(shape, filters, number, pools=ends_block and self.pool > 1)]
            yield from layers
            shape = layers[-1].output
            if ends_block:
                yield from dropout(self.convolution_dropout, shape)
        flat = bridge(self.bridge, shape)
        yield flat
        yield from dense_stack(self.hidden, self.widths, *flat.output)

    def _convolution(self, inputs: Shape, filters: int, number: int, *, pools: bool) -> Iterator[Layer]:
        """A convolution, at the end of a block with its pooling. Max pooling and an increasing activation commute: if only the
        activation lies between convolution and pooling, it is computed after pooling, on a quarter of the numbers."""
        smallest = 1 if self.padding == "same" else self.kernel
        _require_left(inputs, smallest, f"convolution {number} with kernel {self.kernel}", "kernel")
        layer = convolution(inputs, filters, self.kernel, padding=self.padding)
        if not pools:
            yield from block(self.hidden, layer)
            return
        _require_left(layer.output, self.pool, f"pooling by {self.pool} after convolution {number}", "pool")
        pool = pooling(layer.output, self.pool)
        between = self.hidden.batch_normalization != "none" or self.hidden.activity_l1
        if between or self.hidden.activation.kind not in RISING:
            yield from (*block(self.hidden, layer), pool)
            return
        yield from (weighted(self.hidden, layer), pool, activation_layer(self.hidden, pool.output))


def _require_left(maps: Shape, size: int, place: str, setting: str) -> None:
    height, width, _ = maps
    if min(height, width) < size:
        cure = f"use fewer filters, a smaller {setting} or padding 'same'"
        raise Invalid("network.filters", f"{place} has only {height}×{width} left; {cure}")
