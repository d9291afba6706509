"""A network in operations that other formats have."""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tuner.networks.layers import RowEncoder


def make_portable(model: keras.Model) -> None:
    """Let a loaded model find its quantiles by comparing with all of them, since neither LiteRT nor ONNX has a search in sorted
    numbers; the result is the same. It is for export only: that takes as many comparisons as there are quantiles."""
    for layer in _layers(model):
        if isinstance(layer, RowEncoder):
            object.__setattr__(layer, "_counted", _Comparing(layer))


class _Comparing:
    """`RowEncoder._counted` without a search. It holds the layer whose weights it reads."""

    def __init__(self, layer: RowEncoder) -> None:
        self.layer = layer

    def __call__(self, values: Any) -> Any:
        knots = tf.convert_to_tensor(self.layer.knots)
        return tf.reduce_sum(tf.cast(knots[:, :, tf.newaxis] <= values[:, tf.newaxis, :], tf.int32), axis=1)


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
