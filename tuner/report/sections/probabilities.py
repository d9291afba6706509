"""Charts of predicted probabilities: calibration, and what a threshold achieves."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits
from tuner.base.metric_functions import compute_metrics, wilson_interval
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Dots, Line, Point, Rule
from tuner.report.predictions import Predictions

BINS = 10
POINTS = 300
"""The most points of a curve."""


def calibration_chart(title: str, probability: NDArray[np.float32], right: NDArray[np.bool_], labels: bool) -> Chart:
    """The share of right predictions by their probability (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    Both arrays hold one value for each example, or with `labels` for each label of each example.
    """
    of, outcome, units = (
        ("a label", "true", "labels of examples") if labels else ("the predicted class", "right", "examples")
    )
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    filled = [bins == index for index in range(BINS) if (bins == index).any()]
    points = tuple((float(probability[each].mean()), float(right[each].mean())) for each in filled)
    pairs = [(int(each.sum()), point) for each, point in zip(filled, points, strict=True)]
    error = sum(count * abs(x - y) for count, (x, y) in pairs) / len(probability)
    tips = tuple(f"{count} {units}: {100 * x:.1f} % sure, {100 * y:.1f} % {outcome}" for count, (x, y) in pairs)
    intervals = tuple(wilson_interval(y, count) for count, (_, y) in pairs)
    shares = tuple((x, count / len(probability)) for count, (x, _) in pairs)
    return Chart(
        "winner-calibration",
        title,
        Axis(f"mean probability of {of}", percent=True, low=0.0, high=1.0),
        Axis("share", percent=True, low=0.0, high=1.0),
        (
            Bars(f"share of the {units}", GREY, shares, width=0.05),
            Line("as sure as right", GREY, ((0.0, 0.0), (1.0, 1.0)), dashed=True),
            Dots(f"{outcome}, with 95 % interval", BLUE, points, tips, errors=intervals),
        ),
        note=f"Expected calibration error {100 * error:.2f} %.",
    )


def threshold_charts(winner: Predictions) -> Iterator[Chart]:
    """ROC curve and precision-recall curve of the second of two classes; nothing for other tasks."""
    positive = winner.true == 1
    if len(winner.names) != 2 or positive.all() or not positive.any():
        return
    weights = np.ones(len(positive)) if winner.examples.weights is None else winner.examples.weights
    found, false = _counts(winner.predicted[:, 1], positive, np.asarray(weights, np.float64))
    metrics = compute_metrics("classification", winner.predicted, winner.true, winner.examples.weights)
    name, share = winner.names[1], float(found[-1] / (found[-1] + false[-1]))
    curve = _thinned(false / false[-1], found / found[-1])
    yield Chart(
        "winner-roc",
        "ROC curve",
        Axis(f"share of all others taken for {name}", percent=True, low=0.0, high=1.0),
        Axis(f"share of {name} found", percent=True, low=0.0, high=1.0),
        (
            Line("chance", GREY, ((0.0, 0.0), (1.0, 1.0)), dashed=True),
            Line("a threshold for each point", BLUE, curve),
        ),
        f"Area under the curve (ROC AUC) {four_digits(metrics['roc_auc'])}.",
    )
    curve = _thinned(found[1:] / found[-1], found[1:] / (found + false)[1:])
    yield Chart(
        "winner-precision",
        "Precision against recall",
        Axis(f"recall: share of {name} found", percent=True, low=0.0, high=1.0),
        Axis("precision", percent=True, low=0.0, high=1.0),
        (
            Line("a threshold for each point", VERMILION, curve),
            Rule(f"share of {name}", GREY, share),
        ),
        f"Average precision {four_digits(metrics['average_precision'])}; a guess reaches {four_digits(share)}.",
    )


def _counts(
    scores: NDArray[np.float32], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each threshold, from the highest score down, the weight of true positives and of false positives."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    right, wrong = (np.concatenate([[0.0], np.cumsum((weights * of)[order])[last]]) for of in (positive, ~positive))
    return right, wrong


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    every = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return tuple(zip(x[every].tolist(), y[every].tolist(), strict=True))
