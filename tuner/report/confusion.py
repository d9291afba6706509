"""What a confusion matrix says that scikit-learn does not: its rows are true classes, its columns predictions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]


def class_metrics(matrix: Matrix) -> Sequence[tuple[float, float, float]]:
    """Precision (of those predicted so, how many are), recall (of those that are, how many were found) and their harmonic
    mean F1 of each class; 0 where nothing was predicted or there is nothing to find."""
    from sklearn.metrics import precision_recall_fscore_support

    true, predicted = (index.ravel() for index in np.indices(matrix.shape))
    *figures, _ = precision_recall_fscore_support(true, predicted, sample_weight=matrix.ravel(), zero_division=0.0)
    return list(zip(*(each.tolist() for each in figures), strict=True))


def confused_pairs(matrix: Matrix) -> list[tuple[int, int, int]]:
    """The pairs of classes that are confused, those most often first: true class, predicted class, how often."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    pairs = zip(*(each.tolist() for each in np.unravel_index(order, wrong.shape)), strict=True)
    return [(true, predicted, int(wrong[true, predicted])) for true, predicted in pairs]


def most_confused(matrix: Matrix) -> tuple[int, int, int]:
    """The first of them; the first class and none where nothing is confused."""
    return next(iter(confused_pairs(matrix)), (0, 0, 0))
