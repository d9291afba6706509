"""Convolutional networks in stages of plain, residual or depthwise-separable blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import Invalid, require, require_at_least_one, require_not_negative, require_rates
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, dense_layers, image_shape, merged_layer, normalization, sizes_text

if TYPE_CHECKING:
    import keras

    from tuner.networks.blocks import Layers, Seeds

Block = Literal["plain", "residual", "separable"]


@dataclass(frozen=True, kw_only=True)
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
    filters: tuple[int, ...]
    block: Block = "plain"
    blocks: int = 1
    stem: int = 0
    stem_reduces: Literal["no", "pool", "stride"] = "no"
    stage_dropout: float = 0.0
    bridge: Literal["average", "maximum", "flatten"] = "average"
    widths: tuple[int, ...] = ()
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(len(self.filters) >= 1, "filters", "have at least one entry", list(self.filters))
        require_at_least_one(self, "filters", "widths")
        require_at_least_one(self, "blocks")
        require_not_negative(self, "stem")
        require_rates(self, "stage_dropout")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """The kind of block, stem, filters, widths, and the number of blocks."""
        stages = sizes_text(((self.stem,) if self.stem else ()), self.filters, self.widths)
        return f"{self.block} {stages}" + (f" of {self.blocks} blocks" if self.blocks > 1 else "")

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        yield from self.hidden.dropout_texts(len(self.widths))
        if self.stage_dropout:
            yield f"dropout {self.stage_dropout:.2g} after the stages"

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        shape = image_shape(inputs)
        if self.stem:
            layers = tuple(self._stem_layers(shape))
            yield from layers
            shape = layers[-1].output
        for number, filters in enumerate(self.filters, start=1):
            for reduces in self._convolutions(number):
                layers = tuple(self._convolution_layers(shape, filters, reduces, number, self.block == "separable"))
                yield from layers
                shape = layers[-1].output
            if self.block == "residual":
                for _ in range(self.blocks):
                    inside = [*self._convolution_layers(shape, filters, False, number, False)] * 2
                    yield merged_layer("residual_block", inside)
        height, width, channels = shape
        flat = height * width * channels if self.bridge == "flatten" else channels
        yield LayerShape(self.bridge, (flat,))
        yield from dense_layers(self.hidden, self.widths, flat)

    def _convolutions(self, stage: int) -> list[bool]:
        """For each convolution of a stage outside residual blocks, whether pooling follows it."""
        if self.block == "residual":
            return [stage > 1]
        ends = stage < len(self.filters) or self.bridge == "flatten"
        return [False] * (2 * self.blocks - 1) + [ends]

    def _stem_layers(self, shape: Shape) -> Iterator[LayerShape]:
        height, width, channels = shape
        if self.stem_reduces != "stride":
            yield from self._convolution_layers(shape, self.stem, self.stem_reduces == "pool", 0, False)
            return
        places = (-(-height // 2), -(-width // 2))
        yield self._convolution(places, channels, self.stem)
        yield from normalization(self.hidden, (*places, self.stem))

    def _convolution_layers(
        self, shape: Shape, filters: int, reduces: bool, stage: int, separable: bool
    ) -> Iterator[LayerShape]:
        height, width, channels = shape
        if separable:
            weights, output = 9 * channels, (height, width, channels)
            yield LayerShape("depthwise", output, weights, 0, height * width * weights, f"3² × {channels}")
            yield self._convolution((height, width), channels, filters, side=1)
        else:
            yield self._convolution((height, width), channels, filters)
        if reduces:
            if min(height, width) < 2:
                problem = f"stage {stage} has only {height}×{width} left to pool; use fewer stages"
                raise Invalid("network.filters", problem)
            height, width = height // 2, width // 2
            yield LayerShape("pooling", (height, width, filters))
        yield from normalization(self.hidden, (height, width, filters))

    def _convolution(self, places: tuple[int, int], channels: int, filters: int, side: int = 3) -> LayerShape:
        weights, bias = side**2 * channels * filters, 0 if self._normalizes_at_once else filters
        calculation = f"{side}² × {channels} × {filters}" + (f" + {filters}" if bias else "")
        height, width = places
        output = (height, width, filters)
        return LayerShape("convolution", output, weights + bias, 0, height * width * weights, calculation)

    @property
    def _normalizes_at_once(self) -> bool:
        return self.hidden.batch_normalization == "before"

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import dense_stack, dropout, make_initializer

        if len(inputs) == 2:
            yield keras.layers.Reshape(image_shape(inputs))
        if self.stem:
            strides = 2 if self.stem_reduces == "stride" else 1
            yield from self._built(self.stem, self.stem_reduces == "pool", seeds, strides)
        for number, filters in enumerate(self.filters, start=1):
            for reduces in self._convolutions(number):
                if self.block == "separable":
                    weights = make_initializer(self.hidden.initializer, next(seeds))
                    yield keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, depthwise_initializer=weights)
                    yield from self._built(filters, reduces, seeds, kernel_size=1)
                else:
                    yield from self._built(filters, reduces, seeds)
            if self.block == "residual":
                for _ in range(self.blocks):
                    yield self._residual(filters, seeds)
            yield from dropout(self.stage_dropout, seeds)
        bridges = {"average": "GlobalAveragePooling2D", "maximum": "GlobalMaxPooling2D", "flatten": "Flatten"}
        yield getattr(keras.layers, bridges[self.bridge])()
        yield from dense_stack(self.hidden, self.widths, seeds)

    def _built(self, filters: int, reduces: bool, seeds: "Seeds", strides: int = 1, kernel_size: int = 3) -> "Layers":
        """A convolution, pooling, normalization and activation."""
        import keras

        from tuner.networks.blocks import block

        make = partial(
            keras.layers.Conv2D,
            filters,
            kernel_size=kernel_size,
            strides=strides,
            padding="same",
            use_bias=not self._normalizes_at_once,
        )
        convolution, *rest = block(self.hidden, make, seeds)
        yield convolution
        if reduces:
            yield keras.layers.MaxPooling2D(2)
        yield from rest

    def _residual(self, filters: int, seeds: "Seeds") -> "keras.Model":
        """A residual block of two convolutions; the activation follows the sum."""
        import keras

        start = keras.Input((None, None, filters))
        first = [*self._built(filters, False, seeds)]
        second = [*self._built(filters, False, seeds)]
        last = second.pop() if self._normalizes_at_once else None
        inside = start
        for each in (*first, *second):
            inside = each(inside)
        total = keras.layers.add([start, inside])
        return keras.Model(start, last(total) if last else total)
