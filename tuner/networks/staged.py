"""Convolutional networks in stages of plain, residual or depthwise-separable blocks."""

from collections.abc import Iterator
from typing import Literal

from tuner.base.errors import Invalid, require
from tuner.base.ranges import Count, CountOrZero, Rate, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import (
    Layer,
    Shape,
    block,
    bridge,
    convolution,
    dense_stack,
    dropout,
    image_shape,
    pooling,
    reshape,
    residual_block,
    sizes_text,
)

Block = Literal["plain", "residual", "separable"]


@record
class Staged:
    """Stages of 3×3 convolutions with padding; max pooling halves the maps between two stages.

    `filters` has one entry for each stage. A plain stage has two convolutions for each of its `blocks`; a separable stage has
    depthwise-separable ones instead (Chollet 2016, arXiv 1610.02357). A residual stage has a convolution, then residual
    `blocks` of two convolutions (He et al. 2015, arXiv 1512.03385).

    `stem` is the number of filters of a first convolution (0: none), which may halve the maps by pooling or by its stride
    (`stem_reduces`). Dropout at `stage_dropout` follows each stage. `bridge` connects the maps with the dense layers of
    `widths`: the mean or maximum of each map, or all its values after one more pooling.

    Pooling comes before normalization and activation, which saves time. A convolution directly before normalization has no
    bias.
    """

    kind: Literal["staged"] = "staged"
    filters: tuple[Count, ...]
    block: Block = "plain"
    blocks: Count = 1
    stem: CountOrZero = 0
    stem_reduces: Literal["no", "pool", "stride"] = "no"
    stage_dropout: Rate = 0.0
    bridge: Literal["average", "maximum", "flatten"] = "average"
    widths: tuple[Count, ...] = ()
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        require(len(self.filters) >= 1, "filters", "have at least one entry", list(self.filters))
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """The kind of block, stem, filters, widths, and the number of blocks."""
        stages = sizes_text(((self.stem,) if self.stem else ()), self.filters, self.widths)
        return f"{self.block} {stages}" + (f" of {self.blocks} blocks" if self.blocks > 1 else "")

    def layers(self, inputs: Shape) -> Iterator[Layer]:
        """Its layers before the output."""
        shape = image_shape(inputs)
        yield from reshape(inputs, shape)
        if self.stem:
            stride = 2 if self.stem_reduces == "stride" else 1
            stem = [*self._convolution(shape, self.stem, 0, pools=self.stem_reduces == "pool", stride=stride)]
            yield from stem
            shape = stem[-1].output
        for number, filters in enumerate(self.filters, start=1):
            stage = [*self._stage(shape, filters, number)]
            yield from stage
            shape = stage[-1].output
            yield from dropout(self.stage_dropout, shape)
        flat = bridge(self.bridge, shape)
        yield flat
        yield from dense_stack(self.hidden, self.widths, *flat.output)

    def _stage(self, shape: Shape, filters: int, number: int) -> Iterator[Layer]:
        for pools in self._poolings(number):
            if self.block == "separable":
                yield self._depthwise(shape)
            kernel = 1 if self.block == "separable" else 3
            layers = [*self._convolution(shape, filters, number, pools=pools, kernel=kernel)]
            yield from layers
            shape = layers[-1].output
        for _ in range(self.blocks if self.block == "residual" else 0):
            inside = [each for _ in range(2) for each in self._convolution(shape, filters, number)]
            last = [inside.pop()] if self._normalizes_at_once else []  # the activation follows the sum
            yield residual_block(inside, last)

    def _poolings(self, stage: int) -> list[bool]:
        """For each convolution of a stage outside residual blocks, whether pooling follows it."""
        if self.block == "residual":
            return [stage > 1]
        ends = stage < len(self.filters) or self.bridge == "flatten"
        return [False] * (2 * self.blocks - 1) + [ends]

    def _convolution(
        self, inputs: Shape, filters: int, stage: int, *, pools: bool = False, kernel: int = 3, stride: int = 1
    ) -> Iterator[Layer]:
        """A convolution, pooling, normalization and activation."""
        height, width, _ = inputs
        if pools and min(height, width) < 2:
            raise Invalid("network.filters", f"stage {stage} has only {height}×{width} left to pool; use fewer stages")
        layer = convolution(inputs, filters, kernel, stride=stride, has_bias=not self._normalizes_at_once)
        return block(self.hidden, layer, pooling(layer.output) if pools else None)

    def _depthwise(self, inputs: Shape) -> Layer:
        height, width, channels = inputs
        return Layer(
            "depthwise",
            inputs,
            trainable=9 * channels,
            multiply_adds=height * width * 9 * channels,
            calculation=f"3² × {channels}",
            keras="DepthwiseConv2D",
            settings={
                "kernel_size": 3,
                "padding": "same",
                "use_bias": False,
                "depthwise_initializer": self.hidden.initializer,
            },
        )

    @property
    def _normalizes_at_once(self) -> bool:
        return self.hidden.batch_normalization == "before"
