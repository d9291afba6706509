"""The errors of a final model that predicts classes or labels."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics
from tuner.charts.confusion import Matrix, class_metrics, confused_pairs, confusion_chart
from tuner.charts.content import Block, Cell, Table
from tuner.report.predictions import Predictions
from tuner.report.sections.pictures import hard_pictures, pictures_of_pairs
from tuner.report.sections.probabilities import calibration_chart, threshold_charts

READABLE = 30
"""With at most this many classes the confusion matrix is shown; with more, the most frequent confusions. Longer tables are
folded."""

PAIRS = 30
MISTAKES = 20


def class_blocks(winner: Predictions) -> Iterator[Block]:
    """Confusions, calibration, thresholds and mistakes of a classifier."""
    from sklearn.metrics import confusion_matrix

    classes, predicted = winner.names, winner.classes[winner.best]
    matrix = confusion_matrix(winner.true, predicted, labels=range(len(classes))).tolist()
    if len(classes) <= READABLE:
        yield confusion_chart("winner-confusion", "Confusion on the test set", matrix, classes)
    title, right = "Calibration of the probabilities", winner.predicted.argmax(axis=1) == winner.true
    yield calibration_chart(title, winner.predicted.max(axis=1), right, labels=False)
    yield from threshold_charts(winner)
    if len(classes) > READABLE:
        yield _frequent_confusions(matrix, classes)
    yield _class_table(matrix, classes)
    if winner.are_images:
        yield from pictures_of_pairs(winner, matrix)
        yield hard_pictures(winner)
    else:
        yield from _confident_mistakes(winner, predicted)


def _class_table(matrix: Matrix, classes: tuple[str, ...]) -> Table:
    examples = [sum(row) for row in matrix]
    rows = tuple((name, *each, many) for name, each, many in zip(classes, class_metrics(matrix), examples, strict=True))
    columns = ("class", "precision", "recall", "F1", "test examples")
    return Table("winner-classes", "Class by class", columns, rows, long=len(classes) > READABLE)


def _frequent_confusions(matrix: Matrix, classes: tuple[str, ...]) -> Table:
    pairs, examples = confused_pairs(matrix), [sum(row) for row in matrix]
    rows = tuple(
        (classes[true], classes[predicted], count, examples[true], count / examples[true])
        for true, predicted, count in pairs[:PAIRS]
    )
    columns = ("true class", "taken for", "times", "of", "share")
    note = f"{len(rows)} of {len(pairs)} pairs of classes that are confused."
    return Table("winner-pairs", "The most frequent confusions", columns, rows, note)


def _confident_mistakes(winner: Predictions, predicted: NDArray[np.int64]) -> Iterator[Table]:
    """The mistakes with the highest probability; their labels may be wrong."""
    wrong = np.flatnonzero(predicted != winner.true)
    if not len(wrong):
        return
    first = wrong[np.argsort(-winner.predicted[wrong, predicted[wrong]], kind="stable")][:MISTAKES]
    names, true, other = np.array(winner.names, object), winner.true[first], predicted[first]
    shares = (winner.predicted[first, classes].tolist() for classes in (other, true))
    rows = tuple(zip(map(str, winner.rows.numbers[first]), names[true], names[other], *shares, strict=True))
    columns = ("row", "true class", "predicted", "probability of that", "probability of the true class")
    note = f"{len(first)} of {len(wrong)} mistakes; rows of {winner.rows.of}, counted from 1. Some labels of the data may be wrong."
    yield Table("winner-mistakes", "The most confident mistakes", columns, rows, note)


def label_blocks(winner: Predictions) -> Iterator[Block]:
    """Calibration of all labels together, and the metrics of each."""
    probability, right = winner.predicted.ravel(), (winner.true == 1).ravel()
    yield calibration_chart("Calibration of the labels", probability, right, labels=True)
    rows = tuple((name, *_label_metrics(winner, place)) for place, name in enumerate(winner.names))
    share = ((winner.predicted > 0.5) == (winner.true == 1)).all(axis=1).mean()
    note = (
        f"A label is predicted where its probability is above one half. All labels are right for {100 * share:.2f} % of "
        "the test examples."
    )
    columns = ("label", "precision", "recall", "F1", "ROC AUC", "average precision", "true of", "predicted for")
    yield Table("winner-labels", "Label by label", columns, rows, note, len(rows) > READABLE)


def _label_metrics(winner: Predictions, place: int) -> Iterator[Cell]:
    """Cells of a label; None for what is not defined: ROC AUC where the label is true of all or of none."""
    predicted, true = winner.predicted[:, place] > 0.5, winner.true[:, place] == 1
    right, positives, actual = int((predicted & true).sum()), int(predicted.sum()), int(true.sum())
    for part, total in ((right, positives), (right, actual), (2 * right, positives + actual)):
        yield part / total if total else None
    metrics = compute_metrics("multi_label", winner.predicted[:, [place]], winner.true[:, [place]])
    for name in ("roc_auc", "average_precision"):
        yield None if math.isnan(metrics[name]) else metrics[name]
    for share in (true.mean(), predicted.mean()):
        yield f"{100 * share:.1f} %"
