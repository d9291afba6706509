"""Charts of predicted probabilities: calibration, and what a threshold achieves."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits
from tuner.base.metric_functions import wilson_interval
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Dots, Line, Point, Rule
from tuner.report.predictions import Predictions

BINS = 10
POINTS = 300
"""The most points of a curve."""

DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def calibration_chart(title: str, probability: NDArray[np.float32], right: NDArray[np.bool_], labels: bool) -> Chart:
    """The share of right predictions by their probability (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    Both arrays hold one value for each example, or with `labels` for each label of each example.
    """
    of, outcome, units = (
        ("a label", "true", "labels of examples") if labels else ("the predicted class", "right", "examples")
    )
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


def threshold_charts(winner: Predictions) -> Iterator[Chart]:
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
        f"Average precision {four_digits(metrics['average_precision'])}; a guess reaches {four_digits(share)}.",
    )


def _share_axis(label: str) -> Axis:
    return Axis(label, percent=True, low=0.0, high=1.0)


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    every = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return tuple(zip(x[every].tolist(), y[every].tolist(), strict=True))
