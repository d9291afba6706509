"""Fully connected networks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tuner.base.errors import require_at_least_one, require_rates
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, dense_layers, sizes_text

if TYPE_CHECKING:
    from tuner.networks.blocks import Layers, Seeds


@dataclass(frozen=True, kw_only=True)
class Dense:
    """Fully connected layers of these `widths` on the flattened input.

    `output` is the activation of the last layer, which has one unit for each class; `signed` is a single tanh unit with the
    targets -1 and 1 (two classes only), as in the TensorFlow Playground.
    """

    kind: Literal["dense"] = "dense"
    widths: tuple[int, ...]
    input_dropout: float = 0.0
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    def __post_init__(self) -> None:
        require_at_least_one(self, "widths")
        require_rates(self, "input_dropout")
        self.hidden.require_rates_for(self.widths)

    @property
    def sizes(self) -> str:
        """Its widths."""
        return sizes_text(self.widths) or "linear"

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        return self.hidden.dropout_texts(len(self.widths))

    @property
    def compiles_well(self) -> bool:
        """Whether XLA makes its small steps faster; measurements are at `xla_pays`."""
        dropped = self.input_dropout or any(self.hidden.dropout_rates(len(self.widths)))
        return self.hidden.precision == "float32" and not dropped

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        return dense_layers(self.hidden, self.widths, math.prod(inputs))

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import dense_stack, dropout

        if len(inputs) > 1:
            yield keras.layers.Flatten()
        yield from dropout(self.input_dropout, seeds)
        yield from dense_stack(self.hidden, self.widths, seeds)
