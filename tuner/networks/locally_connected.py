"""Locally connected networks: convolutions without shared weights."""

import math
from collections.abc import Iterator
from typing import Literal

from tuner.base.errors import Invalid, require
from tuner.base.ranges import Count, record
from tuner.networks.hidden import Hidden, Output
from tuner.networks.layer import Layer, Shape, block, bridge, dense_stack, image_shape, reshape, sizes_text


@record
class LocallyConnected:
    """Convolutions with separate weights for each position, then dense layers. `filters` has one entry for each layer. In one
    dimension the input is read as one sequence of pixels."""

    kind: Literal["locally_connected"] = "locally_connected"
    filters: tuple[Count, ...]
    dimensions: Literal[1, 2] = 1
    window: Count = 3
    stride: Count = 1
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
        shape = (math.prod(inputs), 1) if self.dimensions == 1 else image_shape(inputs)
        yield from reshape(inputs, shape)
        for number, filters in enumerate(self.filters, start=1):
            layers = [*block(self.hidden, self._layer(shape, filters, number))]
            yield from layers
            shape = layers[-1].output
        flat = bridge("flatten", shape)
        yield flat
        yield from dense_stack(self.hidden, self.widths, *flat.output)

    def _layer(self, inputs: Shape, filters: int, number: int) -> Layer:
        *places, channels = inputs
        if min(places) < self.window:
            left = "×".join(map(str, places))
            problem = f"locally connected layer {number} with window {self.window} has only {left} left"
            raise Invalid("network.filters", f"{problem}; use fewer filters or a smaller window")
        places = [(each - self.window) // self.stride + 1 for each in places]
        count, patch = math.prod(places), self.window**self.dimensions * channels
        weights = count * patch * filters
        return Layer(
            "locally_connected",
            (*places, filters),
            trainable=weights + count * filters,
            multiply_adds=weights,
            calculation=f"{count} × ({patch} × {filters} + {filters})",
            gathers=count * patch,
            keras="LocallyConnectedLayer",
            settings={"filters": filters, "window": self.window, "stride": self.stride},
        )
