"""What a trained network predicts."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.recipe import Recipe, task_of
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


PLANE = np.linspace(-6.0, 6.0, 41)
"""The coordinates, along both axes, at which decision regions are looked up: the playground's points lie within."""


def decision_regions(model: keras.Model, scale: Scaler) -> tuple[str, ...]:
    """What a network of two inputs and two classes says all over the plane: a text for each row of points, from the top,
    with a digit for each point, 0 (surely the first class) to 9 (surely the second)."""
    down, across = np.meshgrid(PLANE[::-1], PLANE, indexing="ij")
    points = np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)
    outputs = predict(model, scale, points)
    second = (outputs[:, 0] + 1) / 2 if outputs.shape[1] == 1 else outputs[:, 1]
    digits = np.clip(np.nan_to_num(second) * 10, 0, 9).astype(int).reshape(down.shape)
    return tuple("".join(map(str, row)) for row in digits)


def as_meant(outputs: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """A network's outputs as probabilities (n, classes) or (n, labels); numbers stay as they are."""
    if task_of(recipe.data) != "classification":
        return outputs
    match recipe.network.output:
        case "signed":
            both = np.concatenate([1 - outputs, 1 + outputs], axis=1)
            halves: NDArray[np.float32] = both * np.float32(0.5)
            return halves
        case "linear":
            raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            shares: NDArray[np.float32] = raised / raised.sum(axis=1, keepdims=True)
            return shares
    return outputs


def classes_of(outputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """The predicted class numbers (n,): the largest output, or the sign of a single one."""
    if outputs.shape[1] == 1:
        positive: NDArray[np.int64] = (outputs[:, 0] > 0).astype(np.int64)
        return positive
    best: NDArray[np.int64] = outputs.argmax(axis=1).astype(np.int64)
    return best
