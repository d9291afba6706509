"""Which classes the winner tells apart: what it confuses, how sure it may be, and of two classes at which threshold."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics
from tuner.charts import BLUE, GREY, VERMILION, Axis, Chart, Line, Point, Rule
from tuner.charts.content import Block, Table
from tuner.report.confusion import Matrix, class_figures, confused_pairs
from tuner.report.drawings import matrix_chart
from tuner.report.predictions import Predictions
from tuner.report.sections.calibration import Words, calibration_chart
from tuner.report.sections.pictures import hard_pictures, pictures_of_pairs
from tuner.report.words import number

READABLE = 30
"""So many classes at most have a matrix that can be read; of more, the pairs that are confused most are told."""

PAIRS = 30
SURE = 20
POINTS = 300
"""Of a curve at most."""


def told_of_classes(winner: Predictions) -> Iterator[Block]:
    """All of it."""
    from sklearn.metrics import confusion_matrix

    classes, predicted = winner.names, winner.classes[winner.best]
    matrix = confusion_matrix(winner.true, predicted, labels=range(len(classes)))
    if len(classes) <= READABLE:
        yield matrix_chart("winner-confusion", "Confusion on the test set", matrix, classes)
    yield _calibration(winner)
    yield from _curves(winner)
    if len(classes) > READABLE:
        yield _pairs(matrix, classes)
    yield _class_by_class(matrix, classes)
    if winner.are_images:
        yield from pictures_of_pairs(winner, matrix)
        yield hard_pictures(winner)
    else:
        yield from _surest_mistakes(winner, predicted)


def _class_by_class(matrix: Matrix, classes: tuple[str, ...]) -> Table:
    examples = matrix.sum(axis=1).tolist()
    rows = tuple((name, *each, many) for name, each, many in zip(classes, class_figures(matrix), examples, strict=True))
    columns = ("class", "precision", "recall", "F1", "test examples")
    return Table("winner-classes", "Class by class", columns, rows, long=len(classes) > READABLE)


def _calibration(winner: Predictions) -> Chart:
    words = Words("mean probability of the predicted class", "right", "examples")
    right = winner.said.argmax(axis=1) == winner.true
    return calibration_chart("How sure it is, and how often right", winner.said.max(axis=1), right, words)


def _pairs(matrix: Matrix, classes: tuple[str, ...]) -> Table:
    pairs, examples = confused_pairs(matrix)[:PAIRS], matrix.sum(axis=1)
    rows = tuple(
        (classes[true], classes[taken], often, int(examples[true]), often / int(examples[true]))
        for true, taken, often in pairs
    )
    columns = ("true class", "taken for", "times", "of", "share")
    note = f"{len(pairs)} of {len(confused_pairs(matrix))} pairs of classes that are confused."
    return Table("winner-pairs", "Confused most", columns, rows, note)


def _surest_mistakes(winner: Predictions, predicted: NDArray[np.int64]) -> Iterator[Table]:
    """What it is surest of and wrong about: some of these may be wrong in the data."""
    wrong = np.flatnonzero(predicted != winner.true)
    if not len(wrong):
        return
    surest = wrong[np.argsort(-winner.said[wrong, predicted[wrong]], kind="stable")][:SURE]
    rows = tuple(
        (
            str(winner.rows.numbers[each]),
            winner.names[winner.true[each]],
            winner.names[predicted[each]],
            float(winner.said[each, predicted[each]]),
            float(winner.said[each, winner.true[each]]),
        )
        for each in surest.tolist()
    )
    columns = ("row", "true class", "predicted", "probability of that", "probability of the true class")
    note = f"{len(surest)} of {len(wrong)} mistakes; rows of {winner.rows.of}, counted from 1. Some may be mistakes of the data."
    yield Table("winner-mistakes", "The surest mistakes", columns, rows, note)


# Two classes ----------------------------------------------------------------------------------------------------------


def _curves(winner: Predictions) -> Iterator[Chart]:
    """What a threshold on the probability of the second of two classes buys."""
    positive = winner.true == 1
    if len(winner.names) != 2 or positive.all() or not positive.any():
        return
    weights = np.ones(len(positive)) if winner.examples.weights is None else winner.examples.weights
    found, false = _counts(winner.said[:, 1], positive, np.asarray(weights, np.float64))
    figures = compute_metrics("classification", winner.said, winner.true, winner.examples.weights)
    name, share = winner.names[1], found[-1] / (found[-1] + false[-1])
    yield Chart(
        "winner-roc",
        "Found against false alarms (ROC)",
        Axis(f"share of all others taken for {name}", percent=True, low=0.0, high=1.0),
        Axis(f"share of {name} found", percent=True, low=0.0, high=1.0),
        (
            Line("chance", GREY, ((0.0, 0.0), (1.0, 1.0)), dashed=True),
            Line("a threshold for each point", BLUE, _thinned(false / false[-1], found / found[-1])),
        ),
        f"Area under the curve (ROC AUC) {number(figures['roc_auc'])}.",
    )
    yield Chart(
        "winner-precision",
        "Precision against recall",
        Axis(f"recall: share of {name} found", percent=True, low=0.0, high=1.0),
        Axis("precision", percent=True, low=0.0, high=1.0),
        (
            Line(
                "a threshold for each point",
                VERMILION,
                _thinned(found[1:] / found[-1], found[1:] / (found + false)[1:]),
            ),
            Rule(f"share of {name}", GREY, float(share)),
        ),
        f"Average precision {number(figures['average_precision'])}; a guess reaches {number(float(share))}.",
    )


def _counts(
    scores: NDArray[np.float32], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each threshold, from above all scores downwards, the weight of what is rightly and of what is wrongly taken for the
    second class."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    right, wrong = (np.concatenate([[0.0], np.cumsum((weights * of)[order])[last]]) for of in (positive, ~positive))
    return right, wrong


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    every = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return tuple(zip(x[every].tolist(), y[every].tolist(), strict=True))
