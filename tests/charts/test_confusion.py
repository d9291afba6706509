"""Confusion matrices: figures of classes, and the pairs that are confused."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from tuner.charts.confusion import class_metrics, confused_pairs, confusion_chart


def test_figures_by_class() -> None:
    matrix = [[8, 2, 0], [1, 9, 0], [5, 0, 0]]
    first, second, third = class_metrics(matrix)
    assert first == pytest.approx((8 / 14, 0.8, 2 * (8 / 14) * 0.8 / (8 / 14 + 0.8)))
    assert second == pytest.approx((9 / 11, 0.9, 2 * (9 / 11) * 0.9 / (9 / 11 + 0.9)))
    assert third == (0.0, 0.0, 0.0)
    assert confused_pairs(matrix) == [(2, 0, 5), (0, 1, 2), (1, 0, 1)]


def test_figures_by_class_are_those_of_scikit_learn() -> None:
    matrix = np.random.default_rng(0).integers(0, 50, (12, 12))
    true, predicted = (index.ravel() for index in np.indices(matrix.shape))
    *figures, _ = precision_recall_fscore_support(true, predicted, sample_weight=matrix.ravel())
    assert class_metrics(matrix.tolist()) == list(zip(*(each.tolist() for each in figures), strict=True))


def test_the_chart_names_the_most_confused_pair() -> None:
    chart = confusion_chart("it", "Confusion", [[8, 2], [1, 9]], ("cat", "dog"))
    assert chart.note.startswith("Confused most: cat taken for dog (2 times).")
    assert confusion_chart("it", "Confusion", [[8, 0], [0, 9]], ("cat", "dog")).note.startswith("Nothing is confused.")
