"""Locally connected networks: convolutions without shared weights."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import Invalid, require, require_at_least_one
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, dense_layers, image_shape, normalization, sizes_text

if TYPE_CHECKING:
    from tuner.networks.blocks import Layers, Seeds


@dataclass(frozen=True, kw_only=True)
class LocallyConnected:
    """Convolutions with separate weights for each position, then dense layers. `filters` has one entry for each layer. In one
    dimension the input is read as one sequence of pixels."""

    kind: Literal["locally_connected"] = "locally_connected"
    filters: tuple[int, ...]
    dimensions: Literal[1, 2] = 1
    window: int = 3
    stride: int = 1
    widths: tuple[int, ...] = ()
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(len(self.filters) >= 1, "filters", "have at least one entry", list(self.filters))
        require_at_least_one(self, "filters", "widths")
        require_at_least_one(self, "window", "stride")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its filters and widths."""
        return sizes_text(self.filters, self.widths)

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        return self.hidden.dropout_texts(len(self.widths))

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        *places, channels = (math.prod(inputs), 1) if self.dimensions == 1 else image_shape(inputs)
        for number, filters in enumerate(self.filters, start=1):
            places = self._windows(places, number)
            count, patch = math.prod(places), self.window**self.dimensions * channels
            weights, output = count * patch * filters, (*places, filters)
            yield LayerShape(
                "locally_connected",
                output,
                trainable=weights + count * filters,
                multiply_adds=weights,
                calculation=f"{count} × ({patch} × {filters} + {filters})",
                gathers=count * patch,
            )
            yield from normalization(self.hidden, output)
            channels = filters
        flat = math.prod(places) * channels
        yield LayerShape("flatten", (flat,))
        yield from dense_layers(self.hidden, self.widths, flat)

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import block, dense_stack
        from tuner.networks.layers import LocallyConnectedLayer

        if self.dimensions == 1:
            yield keras.layers.Reshape((-1, 1))
        elif len(inputs) == 2:
            yield keras.layers.Reshape(image_shape(inputs))
        for filters in self.filters:
            make = partial(LocallyConnectedLayer, filters, window=self.window, stride=self.stride)
            yield from block(self.hidden, make, seeds)
        yield keras.layers.Flatten()
        yield from dense_stack(self.hidden, self.widths, seeds)

    def _windows(self, places: list[int], number: int) -> list[int]:
        """The number of positions of layer `number` along each axis."""
        if min(places) < self.window:
            left = "×".join(map(str, places))
            problem = f"locally connected layer {number} with window {self.window} has only {left} left"
            raise Invalid("network.filters", f"{problem}; use fewer filters or a smaller window")
        return [(each - self.window) // self.stride + 1 for each in places]
