"""How predictions compare with the truth, class by class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]
"""How often each true class (row) was taken for each class (column)."""


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
