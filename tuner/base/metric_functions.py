"""Figures of merit, computed: what a network's outputs are worth beside what is true.

Outputs (n, outputs) are probabilities of classes, probabilities of labels, or numbers; what is true are class numbers (n,),
labels 0 or 1 (n, labels), or numbers (n, targets). `weights` (n,) say how much each example counts. With NumPy alone: a
second of importing scikit-learn in each training process is too much, and its functions take a hundred times as long on
small validation parts. tests/base/test_metrics.py holds them against scikit-learn's.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metrics import Task, metrics_for

Numbers = NDArray[np.float64]
Measuring = Callable[[Numbers, NDArray[Any], Numbers], float]

LEAST = 1e-7
"""The smallest probability that a logarithm sees."""


def compute_metrics(
    task: Task, outputs: NDArray[Any], true: NDArray[Any], weights: NDArray[Any] | None = None
) -> dict[str, float]:
    """All figures of a task. One that these examples cannot tell (ROC AUC where they are all of one class) is NaN."""
    numbers = np.asarray(outputs, np.float64)
    each = np.ones(len(numbers)) if weights is None else np.asarray(weights, np.float64)
    return {name: MEASURING[name](numbers, true, each) for name in metrics_for(task)}


# Classes and labels


def _accuracy(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    right = _labels(outputs) == true if true.ndim == 2 else outputs.argmax(axis=1) == true
    return float(np.average(right.mean(axis=1) if right.ndim == 2 else right, weights=weights))


def _balanced_accuracy(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    right, members = _counted(outputs, true, weights)[0], np.bincount(true, weights, outputs.shape[1])
    present = members > 0
    return float((right[present] / members[present]).mean())


def _macro_f1(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    """Over the classes that are true or predicted of any example; over all labels."""
    right, said, members = _counted(outputs, true, weights)
    known = np.full(len(right), True) if true.ndim == 2 else said + members > 0
    scores = np.divide(2 * right, said + members, out=np.zeros_like(right), where=said + members > 0)
    return float(scores[known].mean())


def _counted(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """For each class or label the weight of what is predicted rightly, of what is predicted, of what is true."""
    if true.ndim == 2:
        said, column = _labels(outputs), weights[:, np.newaxis]
        return (column * (said & (true == 1))).sum(0), (column * said).sum(0), (column * true).sum(0)
    classes, predicted = outputs.shape[1], outputs.argmax(axis=1)
    hits = predicted == true
    right = _summed(true[hits], weights[hits], classes)
    return right, _summed(predicted, weights, classes), _summed(true, weights, classes)


def _summed(places: NDArray[Any], weights: Numbers, count: int) -> Numbers:
    """The sum of the weights at each of so many places; of no places whole numbers, as NumPy has it, and not here."""
    return np.bincount(places, weights, count).astype(np.float64)


def _log_loss(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    if true.ndim == 2:
        clipped = np.clip(outputs, LEAST, 1 - LEAST)
        each = -np.where(true == 1, np.log(clipped), np.log1p(-clipped)).mean(axis=1)
    else:
        shares = outputs / np.maximum(outputs.sum(axis=1, keepdims=True), LEAST)
        each = -np.log(np.clip(shares[np.arange(len(true)), true], LEAST, 1.0))
    return float(np.average(each, weights=weights))


def _labels(outputs: Numbers) -> NDArray[np.bool_]:
    return outputs > 0.5


def _roc_auc(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return _mean_over(_area_under_roc, outputs, true, weights)


def _average_precision(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return _mean_over(_precision_over_recall, outputs, true, weights)


Curve = Callable[[Numbers, Numbers], float]
"""From the weights of true and of other examples at each score, the lowest first."""


def _mean_over(curve: Curve, outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    """Of the second of two classes; else the mean over classes or labels, each against the rest, that are true of some
    examples and not of all."""
    found = [
        curve(_summed(places, weights * positive, 0), _summed(places, weights * ~positive, 0))
        for scores, positive in _against_the_rest(outputs, true)
        if positive.any() and not positive.all()
        for places in (np.unique(scores, return_inverse=True)[1],)
    ]
    return float(np.mean(found)) if found else float("nan")


def _against_the_rest(outputs: Numbers, true: NDArray[Any]) -> Iterator[tuple[Numbers, NDArray[np.bool_]]]:
    for index in [1] if true.ndim == 1 and outputs.shape[1] == 2 else range(outputs.shape[1]):
        yield outputs[:, index], (true[:, index] == 1 if true.ndim == 2 else true == index)


def _area_under_roc(positive: Numbers, negative: Numbers) -> float:
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))


def _precision_over_recall(positive: Numbers, negative: Numbers) -> float:
    hits, misses = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    share = np.divide(hits, hits + misses, out=np.zeros_like(hits), where=hits + misses > 0)
    return float((share * positive[::-1]).sum() / positive.sum())


# Numbers


def _r2(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    """1 minus the squared error by that of the mean; the mean over targets. 0 for a target that is the same everywhere, unless
    it is met exactly."""
    middle = np.average(true, axis=0, weights=weights)
    error = np.average((true - outputs) ** 2, axis=0, weights=weights)
    spread = np.average((true - middle) ** 2, axis=0, weights=weights)
    flat = np.where(error > 0, 0.0, 1.0)
    return float(np.where(spread > 0, 1 - error / np.where(spread > 0, spread, 1.0), flat).mean())


def _rmse(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return float(np.sqrt(np.average((true - outputs) ** 2, axis=0, weights=weights)).mean())


def _mae(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return float(np.average(np.abs(true - outputs), axis=0, weights=weights).mean())


MEASURING: dict[str, Measuring] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "r2": _r2,
    "rmse": _rmse,
    "mae": _mae,
}


# Intervals


def wilson_interval(share: float, examples: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) for a share, such as an accuracy, of so many examples."""
    from scipy.stats import binomtest

    found = binomtest(round(share * examples), examples).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


RESAMPLED = 1000


def bootstrap_interval(
    name: str,
    outputs: NDArray[Any],
    true: NDArray[Any],
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of a figure by the percentiles of 1,000 bootstrap samples of the examples (Efron 1979), or of whole
    groups of them, which belong together."""
    numbers, measure = np.asarray(outputs, np.float64), MEASURING[name]
    each = np.ones(len(numbers)) if weights is None else np.asarray(weights, np.float64)
    units = np.arange(len(numbers)) if groups is None else np.unique(groups, return_inverse=True)[1]
    count, chance = int(units.max()) + 1, np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLED):
        often = np.bincount(chance.integers(count, size=count), minlength=count)[units]
        drawn = often > 0
        found.append(measure(numbers[drawn], true[drawn], each[drawn] * often[drawn]))
    low, high = np.nanpercentile(found, (2.5, 97.5)) if not np.isnan(found).all() else (np.nan, np.nan)
    return float(low), float(high)
