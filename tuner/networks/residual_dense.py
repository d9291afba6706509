"""Residual networks of dense layers, for tables."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from tuner.base.errors import require_at_least_one
from tuner.networks.hidden import Hidden, Output
from tuner.networks.shapes import LayerShape, Shape, dense_layer, dense_layers, merged_layer, normalization

if TYPE_CHECKING:
    import keras

    from tuner.networks.blocks import Layers, Seeds


@dataclass(frozen=True, kw_only=True)
class ResidualDense:
    """A dense layer of `width` units, then residual `blocks` of two dense layers with dropout between them: the first has
    `expansion` times `width` units, the second `width` (He et al. 2015, arXiv 1512.03385; for tables Gorishniy et al. 2021,
    arXiv 2106.11959)."""

    kind: Literal["residual_dense"] = "residual_dense"
    width: int = 128
    blocks: int = 2
    expansion: int = 2
    hidden: Hidden = Hidden()
    output: Output = "softmax"

    compiles_well: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_at_least_one(self, "width", "blocks", "expansion")
        self.hidden.require_rates_for((self.width,) * self.blocks)

    @property
    def sizes(self) -> str:
        """The width and the number of blocks."""
        return f"{self.width}×{self.blocks}"

    @property
    def dropout_texts(self) -> Iterator[str]:
        """Its dropout rates and their places."""
        return self.hidden.dropout_texts(self.blocks)

    @property
    def _inner(self) -> int:
        return self.expansion * self.width

    def layers(self, inputs: Shape) -> Iterator[LayerShape]:
        """Its layers before the output, without Keras."""
        yield from dense_layers(self.hidden, (self.width,), math.prod(inputs))
        for _ in range(self.blocks):
            inside = dense_layers(self.hidden, (self._inner,), self.width)
            back = [dense_layer(self._inner, self.width), *normalization(self.hidden, (self.width,))]
            yield merged_layer("residual_block", [*inside, *back])

    def build(self, inputs: Shape, seeds: "Seeds") -> "Layers":
        """Its Keras layers before the output."""
        import keras

        from tuner.networks.blocks import dense_stack

        if len(inputs) > 1:
            yield keras.layers.Flatten()
        yield from dense_stack(replace(self.hidden, dropout=0.0), (self.width,), seeds)
        for rate in self.hidden.dropout_rates(self.blocks):
            yield self._block(rate, seeds)

    def _block(self, rate: float, seeds: "Seeds") -> "keras.Model":
        import keras

        from tuner.networks.blocks import block, dense_stack

        start = keras.Input((self.width,))
        inside = start
        back = block(self.hidden, partial(keras.layers.Dense, self.width), seeds)
        for each in (*dense_stack(replace(self.hidden, dropout=rate), (self._inner,), seeds), *back):
            inside = each(inside)
        return keras.Model(start, keras.layers.add([start, inside]))
