"""For the replication of documents only: bagging, attacked images, decision regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.training.augmentation import attacked
from tuner.training.evaluation import classes_of, predict
from tuner.training.parts import Scaler, in_batches

PLANE = np.linspace(-6.0, 6.0, 41)
"""The coordinates of decision regions along both axes: the playground's points lie within."""


@dataclass(frozen=True)
class Bagged:
    """Accuracy of each member alone, and of the ensemble of the first, the first two, … members. `left_out` are the
    members (from 0) whose outputs are not finite: they would spoil the sum."""

    single: tuple[float, ...]
    ensemble: tuple[float, ...]
    left_out: tuple[int, ...]


def bagged(outputs: Sequence[NDArray[np.float32]], labels: NDArray[np.int64]) -> Bagged:
    """Accuracies of members with these outputs (n, classes), alone and averaged (Breiman 1996). An ensemble without a usable
    member predicts the first class."""
    total = np.zeros_like(outputs[0], dtype=np.float64)
    single, ensemble, left_out = [], [], []
    for index, each in enumerate(outputs):
        single.append(accuracy(np.nan_to_num(each, nan=0.0, posinf=0.0, neginf=0.0), labels))
        if np.isfinite(each).all():
            total = total + each
        else:
            left_out.append(index)
        ensemble.append(accuracy(total.astype(np.float32), labels))
    return Bagged(tuple(single), tuple(ensemble), tuple(left_out))


def accuracy(outputs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of outputs whose predicted class is the label."""
    return float((classes_of(outputs) == labels).mean())


def predict_attacked(
    model: keras.Model, scale: Scaler, inputs: NDArray[Any], targets: NDArray[Any], strength: float
) -> NDArray[np.float32]:
    """The outputs of a compiled model for inputs (as stored) that were attacked with `strength`, in scaled units.
    `targets` are as its loss wants them."""

    def attack(batch: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        return model(attacked(model, scale(batch), wanted, strength), training=False)

    call = tf.function(attack, autograph=False, reduce_retracing=True)
    return in_batches(call, inputs, targets)


def decision_regions(model: keras.Model, scale: Scaler) -> tuple[str, ...]:
    """The outputs of a network of two inputs and two classes on a grid: a text for each row of points, from the top, with a
    digit for each point, 0 (certainly the first class) to 9 (certainly the second)."""
    down, across = np.meshgrid(PLANE[::-1], PLANE, indexing="ij")
    points = np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)
    outputs = predict(model, scale, points)
    second = (outputs[:, 0] + 1) / 2 if outputs.shape[1] == 1 else outputs[:, 1]
    digits = np.clip(np.nan_to_num(second) * 10, 0, 9).astype(int).reshape(down.shape)
    return tuple("".join(map(str, row)) for row in digits)
