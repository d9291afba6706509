"""Examples as TensorFlow tensors, and the scaling of their inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

EVALUATION_BATCH = 1024


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

    def batch(self, scale: Scaler, first: tf.Tensor | int, count: int) -> tuple[tf.Tensor, ...]:
        """Scaled inputs, targets and weights (if any) of `count` examples, as Keras's `test_step` takes them."""
        weights = () if self.weights is None else (_rows(self.weights, first, count),)
        return (scale(_rows(self.inputs, first, count)), _rows(self.targets, first, count), *weights)


def part(inputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None = None) -> Part:
    """Arrays copied to the device."""
    counts = None if weights is None else tf.constant(weights, tf.float32)
    return Part(tf.constant(inputs), tf.constant(targets), counts)


def _rows(tensor: tf.Tensor, first: tf.Tensor | int, count: int) -> tf.Tensor:
    """`count` rows from `first` on. The count is static, so that XLA can compile it."""
    rest = tensor.shape.rank - 1
    return tf.slice(tensor, [first] + [0] * rest, [count, *tensor.shape[1:]])
