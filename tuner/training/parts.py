"""Examples as TensorFlow tensors, and the scaling of their inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.result import Scores

EVALUATION_BATCH = 1024

Measure = Callable[[Scores, NDArray[np.float32]], Scores]
"""From the graph's scores and the outputs for the validation part to scores with all metrics."""


@dataclass(frozen=True)
class Scaler:
    """The scaling of stored inputs for the network: `(inputs - offset) * factor`, in float32."""

    offset: NDArray[np.float32]  # or tensors, while tracing
    factor: NDArray[np.float32]

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        return (tf.cast(inputs, tf.float32) - self.offset) * self.factor


@dataclass(frozen=True)
class Part:
    """A training or validation part: inputs as stored (often uint8), targets as the loss takes them, and the examples'
    weights; None where all are equal."""

    inputs: tf.Tensor
    targets: tf.Tensor
    weights: tf.Tensor | None = None

    def __len__(self) -> int:
        return int(self.inputs.shape[0])

    def batch(self, scale: Scaler, first: tf.Tensor | int, count: int | None) -> tuple[tf.Tensor, ...]:
        """Scaled inputs, targets and weights (if any) of `count` examples, as Keras's `test_step` takes them; without a count, of
        `EVALUATION_BATCH` or what is left."""
        weights = () if self.weights is None else (_rows(self.weights, first, count),)
        return (scale(_rows(self.inputs, first, count)), _rows(self.targets, first, count), *weights)


def part(inputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None = None) -> Part:
    """Arrays copied to the device."""
    counts = None if weights is None else tf.constant(weights, tf.float32)
    return Part(tf.constant(inputs), tf.constant(targets), counts)


def in_batches(call: Callable[..., tf.Tensor], *arrays: Any) -> NDArray[Any]:
    """The outputs (n, …) of a call that gets large batches of all arrays (n, …), in float32 or, where they are, in float64."""
    pieces = [slice(first, first + EVALUATION_BATCH) for first in range(0, len(arrays[0]), EVALUATION_BATCH)]
    outputs = np.concatenate([call(*(tf.constant(array[each]) for array in arrays)).numpy() for each in pieces])
    return outputs.astype(np.promote_types(outputs.dtype, np.float32), copy=False)


def _rows(tensor: tf.Tensor, first: tf.Tensor | int, count: int | None) -> tf.Tensor:
    """`count` rows from `first` on. A count is static, so that XLA can compile it."""
    if count is None:
        return tensor[first : first + EVALUATION_BATCH]
    rest = tensor.shape.rank - 1
    return tf.slice(tensor, [first] + [0] * rest, [count, *tensor.shape[1:]])
