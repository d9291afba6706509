"""The first layer of each part of a network whose inputs are rows with pictures or arrays in them."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tuner")
class RowPart(keras.layers.Layer):  # type: ignore[misc]
    """From coded rows (batch, places) to one part of them (batch, *shape), both float32. `places` are the first places and the ends
    of its columns. A missing picture or array becomes zeros. Without a `shape` the part is a shorter row with its gaps."""

    def __init__(self, places: Sequence[Sequence[int]], shape: Sequence[int] = (), **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32"})
        self.places, self.shape = [list(each) for each in places], list(shape)

    def call(self, inputs: Any) -> Any:
        """The part of each row."""
        row = tf.concat([inputs[:, first:end] for first, end in self.places], axis=1)
        return tf.reshape(tf.where(tf.math.is_finite(row), row, 0.0), (-1, *self.shape)) if self.shape else row

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Batch, then the shape."""
        return (input_shape[0], *(self.shape or [sum(end - first for first, end in self.places)]))

    def get_config(self) -> dict[str, Any]:
        """The arguments for `from_config`."""
        return {**super().get_config(), "places": self.places, "shape": self.shape}
