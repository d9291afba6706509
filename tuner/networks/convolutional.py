"""Convolutional networks on images."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import Invalid, require, require_at_least_one, require_rates
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, dense_layers, image_shape, normalization, sizes_text

if TYPE_CHECKING:
    from tuner.networks.blocks import Layers, Seeds

RISING = {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "selu", "softplus", "softsign", "relu6"}


@dataclass(frozen=True, kw_only=True)
class Convolutional:
    """Two-dimensional convolutions, max pooling, then dense layers.

    `filters` has one entry for each convolution. Max pooling by `pool` (1: none) and dropout at `convolution_dropout` follow
    every `pool_every` convolutions and the last one. `bridge` connects the images with the dense layers of `widths`.
    """

    kind: Literal["convolutional"] = "convolutional"
    filters: tuple[int, ...]
    kernel: int = 3
    padding: Literal["valid", "same"] = "valid"
    pool: int = 2
    pool_every: int = 1
    convolution_dropout: float = 0.0
    bridge: Literal["flatten", "average"] = "flatten"
    widths: tuple[int, ...] = ()
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(len(self.filters) >= 1, "filters", "have at least one entry", list(self.filters))
        require_at_least_one(self, "filters", "widths")
        require_at_least_one(self, "kernel", "pool", "pool_every")
        require_rates(self, "convolution_dropout")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its filters and widths."""
        return sizes_text(self.filters, self.widths)

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        yield from self.hidden.dropout_texts(len(self.widths))
        if self.convolution_dropout:
            yield f"dropout {self.convolution_dropout:.2g} after the convolutions"

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        height, width, channels = image_shape(inputs)
        for number, filters in enumerate(self.filters, start=1):
            height, width = self._convolved(height, width, number)
            weights = self.kernel**2 * channels * filters
            output = (height, width, filters)
            count = f"{self.kernel}² × {channels} × {filters} + {filters}"
            yield LayerShape("convolution", output, weights + filters, 0, height * width * weights, count)
            yield from normalization(self.hidden, output)
            channels = filters
            if self.pool > 1 and self._ends_block(number):
                height, width = self._pooled(height, width, number)
                yield LayerShape("pooling", (height, width, channels))
        flat = channels if self.bridge == "average" else height * width * channels
        yield LayerShape(self.bridge, (flat,))
        yield from dense_layers(self.hidden, self.widths, flat)

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import block, dense_stack, dropout

        if len(inputs) == 2:
            yield keras.layers.Reshape(image_shape(inputs))
        for number, filters in enumerate(self.filters, start=1):
            make = partial(keras.layers.Conv2D, filters, kernel_size=self.kernel, padding=self.padding)
            convolution = block(self.hidden, make, seeds)
            pooled = self.pool > 1 and self._ends_block(number)
            yield from self._with_pooling(convolution) if pooled else convolution
            if self._ends_block(number):
                yield from dropout(self.convolution_dropout, seeds)
        yield keras.layers.Flatten() if self.bridge == "flatten" else keras.layers.GlobalAveragePooling2D()
        yield from dense_stack(self.hidden, self.widths, seeds)

    def _ends_block(self, number: int) -> bool:
        return number % self.pool_every == 0 or number == len(self.filters)

    def _convolved(self, height: int, width: int, number: int) -> tuple[int, int]:
        shrink = 0 if self.padding == "same" else self.kernel - 1
        if min(height, width) <= shrink:
            problem = f"convolution {number} with kernel {self.kernel} has only {height}×{width} left"
            raise Invalid("network.filters", f"{problem}; use fewer filters, a smaller kernel or padding 'same'")
        return height - shrink, width - shrink

    def _pooled(self, height: int, width: int, number: int) -> tuple[int, int]:
        if min(height, width) < self.pool:
            problem = f"pooling by {self.pool} after convolution {number} has only {height}×{width} left"
            raise Invalid("network.filters", f"{problem}; use fewer filters, a smaller pool or padding 'same'")
        return height // self.pool, width // self.pool

    def _with_pooling(self, block: "Layers") -> "Layers":
        """The end of a block. Max pooling and an increasing activation commute: if only the activation lies between convolution
        and pooling, it is computed after pooling, on a quarter of the numbers."""
        import keras

        from tuner.networks.blocks import make_activation

        convolution, *rest = block
        pooling = keras.layers.MaxPooling2D(self.pool)
        if rest or self.hidden.activity_l1 or self.hidden.activation.kind not in RISING:
            yield from (convolution, *rest, pooling)
            return
        convolution.activation = keras.activations.linear
        yield from (convolution, pooling, keras.layers.Activation(make_activation(self.hidden.activation)))
