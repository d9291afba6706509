"""The errors of a final model that predicts classes or labels, and its probabilities: calibration, and what thresholds reach."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits
from tuner.base.metric_functions import compute_metrics, wilson_interval
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Dots, Line, Point, Rule
from tuner.charts.confusion import Matrix, class_metrics, confused_pairs, confusion_chart
from tuner.charts.content import Block, Cell, Table
from tuner.report.predictions import Predictions
from tuner.report.sections.pictures import hard_pictures, pictures_of_pairs

READABLE = 30
"""With at most this many classes the confusion matrix is shown; with more, the most frequent confusions. Longer tables are
folded."""

PAIRS = 30
MISTAKES = 20

BINS = 10
POINTS = 300
"""The most points of a curve."""

DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def class_blocks(winner: Predictions) -> Iterator[Block]:
    """Confusions, calibration, thresholds and mistakes of a classifier."""
    from sklearn.metrics import confusion_matrix

    classes, predicted = winner.names, winner.classes[winner.best]
    matrix = confusion_matrix(winner.true, predicted, labels=range(len(classes))).tolist()
    if len(classes) <= READABLE:
        yield confusion_chart("winner-confusion", "Confusion on the test set", matrix, classes)
    else:
        yield _frequent_confusions(matrix, classes)
    yield _class_table(matrix, classes)
    texts = "Calibration of the probabilities", "the predicted class", "right", "examples"
    yield _calibration_chart(winner.predicted.max(axis=1), predicted == winner.true, *texts)
    yield from _threshold_charts(winner)
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
    cells = zip(map(str, winner.row_numbers[first]), names[true], names[other], *shares, strict=True)
    rows = tuple((*each, *values) for each, values in zip(cells, winner.values(first), strict=True))
    known = tuple(column.name for column in winner.columns)
    columns = ("row", "true class", "predicted", "probability of that", "probability of the true class", *known)
    note = f"{len(first)} of {len(wrong)} mistakes; rows of {winner.row_source}, counted from 1. Some labels of the data may be wrong."
    yield Table("winner-mistakes", "The most confident mistakes", columns, rows, note)


def label_blocks(winner: Predictions) -> Iterator[Block]:
    """Calibration of all labels together, and the metrics of each."""
    texts = "Calibration of the labels", "a label", "true", "labels of examples"
    yield _calibration_chart(winner.predicted.ravel(), (winner.true == 1).ravel(), *texts)
    rows = tuple((name, *_label_metrics(winner, place)) for place, name in enumerate(winner.names))
    share = ((winner.predicted > 0.5) == (winner.true == 1)).all(axis=1).mean()
    note = (
        f"A label is predicted where its probability is above one half. All labels are right for {100 * share:.2f} % of "
        "the test examples."
    )
    columns = ("label", "precision", "recall", "F1", "ROC AUC", "average precision", "true of", "predicted for")
    yield Table("winner-labels", "Label by label", columns, rows, note, long=len(rows) > READABLE)


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


def _calibration_chart(
    probability: NDArray[np.float32], right: NDArray[np.bool_], title: str, of: str, outcome: str, units: str
) -> Chart:
    """The share of right predictions by their probability (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    The arrays hold one value for each of the `units`: the probability `of` what is predicted, and whether the `outcome` is so.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    filled = [bins == index for index in np.unique(bins)]
    points = tuple((float(probability[each].mean()), float(right[each].mean())) for each in filled)
    pairs = [(int(each.sum()), point) for each, point in zip(filled, points, strict=True)]
    error = sum(count * abs(x - y) for count, (x, y) in pairs) / len(probability)
    tips = tuple(f"{count} {units}: {100 * x:.1f} % sure, {100 * y:.1f} % {outcome}" for count, (x, y) in pairs)
    intervals = tuple(wilson_interval(y, count) for count, (_, y) in pairs)
    shares = tuple((x, count / len(probability)) for count, (x, _) in pairs)
    return Chart(
        "winner-calibration",
        title,
        _share_axis(f"mean probability of {of}"),
        _share_axis("share"),
        (
            Bars(f"share of the {units}", GREY, shares, width=0.05),
            Line("as sure as right", GREY, DIAGONAL, dashed=True),
            Dots(f"{outcome}, with 95 % interval", BLUE, points, tips, errors=intervals),
        ),
        note=f"Expected calibration error {100 * error:.2f} %.",
    )


def _threshold_charts(winner: Predictions) -> Iterator[Chart]:
    """ROC curve and precision-recall curve of the second of two classes; nothing for other tasks."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    positive, weights = winner.true == 1, winner.examples.weights
    if len(winner.names) != 2 or positive.all() or not positive.any():
        return
    name, share, metrics = winner.names[1], float(np.average(positive, weights=weights)), winner.metrics
    scores = winner.predicted[:, 1].astype(np.float64)
    false, recall, _ = roc_curve(positive, scores, sample_weight=weights, drop_intermediate=False)
    yield Chart(
        "winner-roc",
        "ROC curve",
        _share_axis(f"share of all others taken for {name}"),
        _share_axis(f"share of {name} found"),
        (
            Line("chance", GREY, DIAGONAL, dashed=True),
            Line("a threshold for each point", BLUE, _thinned(false, recall)),
        ),
        f"Area under the curve (ROC AUC) {four_digits(metrics['roc_auc'])}.",
    )
    precision, recall, _ = precision_recall_curve(positive, scores, sample_weight=weights)
    curve = _thinned(recall[-2::-1], precision[-2::-1])
    yield Chart(
        "winner-precision",
        "Precision against recall",
        _share_axis(f"recall: share of {name} found"),
        _share_axis("precision"),
        (Line("a threshold for each point", VERMILION, curve), Rule(f"share of {name}", GREY, share)),
        f"Average precision of {name} {four_digits(metrics['average_precision'])}; a guess reaches {four_digits(share)}.",
    )


def _share_axis(label: str) -> Axis:
    return Axis(label, percent=True, low=0.0, high=1.0)


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    every = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return tuple(zip(x[every].tolist(), y[every].tolist(), strict=True))
