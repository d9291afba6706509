"""A network in operations that other formats have."""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tuner.networks.layers import RowEncoder


def make_portable(model: keras.Model) -> None:
    """Let a loaded model look up its quantiles by counting, since neither LiteRT nor ONNX has a search in sorted numbers; the
    result is the same. It is for export only: counting takes as many comparisons as there are quantiles."""
    for layer in _layers(model):
        if isinstance(layer, RowEncoder):
            object.__setattr__(layer, "_levels", _Counting(layer))


class _Counting:
    """`RowEncoder._levels` without a search. It holds the layer whose weights it reads."""

    def __init__(self, layer: RowEncoder) -> None:
        self.layer = layer

    def __call__(self, values: Any) -> Any:
        all_knots, all_levels = tf.convert_to_tensor(self.layer.knots), tf.convert_to_tensor(self.layer.levels)
        columns, knots = all_knots.shape
        below = tf.cast(all_knots[:, :, tf.newaxis] <= values[:, tf.newaxis, :], tf.int32)
        left = tf.clip_by_value(tf.reduce_sum(below, axis=1) - 1, 0, knots - 2)
        left += knots * tf.range(columns)[:, tf.newaxis]
        flat_knots, flat_levels = tf.reshape(all_knots, [-1]), tf.reshape(all_levels, [-1])
        start, low = tf.gather(flat_knots, left), tf.gather(flat_levels, left)
        width, rise = tf.gather(flat_knots, left + 1) - start, tf.gather(flat_levels, left + 1) - low
        share = tf.where(width > 0, (values - start) / tf.where(width > 0, width, 1.0), 0.0)
        return low + rise * tf.clip_by_value(share, 0.0, 1.0)


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
