"""What a trained network predicts."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.training.loop import EVALUATION_BATCH, Scaler, attacked


def predict(model: keras.Model, scale: Scaler, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The network's outputs (n, classes), or (n, 1) for a signed output, for inputs as stored."""
    call = tf.function(lambda batch: model(scale(batch), training=False), autograph=False, reduce_retracing=True)
    starts = range(0, len(inputs), EVALUATION_BATCH)
    outputs = [call(tf.constant(inputs[start : start + EVALUATION_BATCH])).numpy() for start in starts]
    return np.concatenate(outputs).astype(np.float32)


def predict_attacked(
    model: keras.Model, scale: Scaler, inputs: NDArray[Any], targets: NDArray[Any], strength: float
) -> NDArray[np.float32]:
    """The outputs of a compiled model for inputs (as stored) that were attacked with `strength`, in scaled units.
    `targets` are as its loss wants them."""

    def attack(batch: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        return model(attacked(model, scale(batch), wanted, strength), training=False)

    call = tf.function(attack, autograph=False, reduce_retracing=True)
    pieces = [slice(start, start + EVALUATION_BATCH) for start in range(0, len(inputs), EVALUATION_BATCH)]
    outputs = [call(tf.constant(inputs[each]), tf.constant(targets[each])).numpy() for each in pieces]
    return np.concatenate(outputs).astype(np.float32)


def classes_of(outputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """The predicted class numbers (n,): the largest output, or the sign of a single one."""
    if outputs.shape[1] == 1:
        positive: NDArray[np.int64] = (outputs[:, 0] > 0).astype(np.int64)
        return positive
    best: NDArray[np.int64] = outputs.argmax(axis=1).astype(np.int64)
    return best
