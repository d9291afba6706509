"""What a trained network predicts, and how its predictions compare with the truth class by class."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.training.loop import EVALUATION_BATCH, Scaler, attacked

Matrix = NDArray[np.int64]


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


def confusion(labels: NDArray[Any], predicted: NDArray[Any], classes: int) -> Matrix:
    """How often each true class (row) was taken for each class (column).

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    pairs = labels.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True)
class ClassFigures:
    """Precision (of those predicted so, how many are), recall (of those that are, how many were found) and their
    harmonic mean F1 of one class; 0 where nothing was predicted or there is nothing to find."""

    precision: float
    recall: float
    f1: float


def class_figures(matrix: Matrix) -> tuple[ClassFigures, ...]:
    """The figures of each class from a confusion matrix."""
    found = []
    for index in range(len(matrix)):
        right = float(matrix[index, index])
        predicted, there = float(matrix[:, index].sum()), float(matrix[index].sum())
        precision, recall = right / predicted if predicted else 0.0, right / there if there else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        found.append(ClassFigures(precision, recall, f1))
    return tuple(found)


def most_confused(matrix: Matrix) -> tuple[int, int, int]:
    """The pair of classes that is confused most: true class, predicted class, how often."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    true, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return int(true), int(predicted), int(wrong[true, predicted])
