"""Metrics computed from a network's outputs, and their confidence intervals.

Outputs (n, outputs) are probabilities of classes, probabilities of labels, or numbers; `true` holds class numbers (n,),
labels 0 or 1 (n, labels), or numbers (n, targets). `weights` (n,) are the examples' weights. NumPy only: importing
scikit-learn takes a second in each training process, and on small validation parts its functions take a hundred times as
long. tests/base/test_metrics.py compares both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits
from tuner.base.metrics import Task, metrics_for

Numbers = NDArray[np.float64]
MetricFunction = Callable[[Numbers, NDArray[Any], Numbers], float]

SMALLEST_PROBABILITY = 1e-7
RESAMPLES = 1000
RESAMPLED_EXAMPLES = 5000
"""The bootstrap uses at most this many examples; its distances from the figure shrink by the root of their share (m out of n:
Bickel, Götze & van Zwet 1997)."""


@dataclass(frozen=True)
class Interval:
    """A 95 % interval and its method: `Wilson`, `bootstrap`, or empty where an older version did not store it."""

    low: float
    high: float
    method: str = ""

    @property
    def title(self) -> str:
        """What it is, as a noun."""
        return " ".join(f"95 % {self.method} interval".split())

    def __str__(self) -> str:
        return f"{four_digits(self.low)} to {four_digits(self.high)}"


def compute_metrics(
    task: Task, outputs: NDArray[Any], true: NDArray[Any], weights: NDArray[Any] | None = None
) -> dict[str, float]:
    """All metrics of a task. A metric that these examples leave undefined (ROC AUC of a single class) is NaN."""
    numbers = np.asarray(outputs, np.float64)
    each = np.ones(len(numbers)) if weights is None else np.asarray(weights, np.float64)
    return {name: FUNCTIONS[name](numbers, true, each) for name in metrics_for(task)}


ONE_UNIT = ("signed", "probability", "log_odds")
"""Outputs of a single unit: from -1 to 1, the second class's probability, or the logarithm of its odds."""


def class_probabilities(outputs: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    """The outputs (..., classes) of a last layer with this activation as probabilities. Those of `ONE_UNIT` have a single
    unit for two classes."""
    match activation:
        case "probability":
            return np.concatenate([1 - outputs, outputs], axis=-1)
        case "log_odds":
            return class_probabilities(np.asarray(1 / (1 + np.exp(-outputs)), np.float32), "probability")
        case "signed":
            both = np.concatenate([1 - outputs, 1 + outputs], axis=-1)
            return np.asarray(both * np.float32(0.5))
        case "linear":
            raised = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
    return outputs


def metric_interval(
    name: str,
    outputs: NDArray[Any],
    true: NDArray[Any],
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> Interval:
    """The 95 % interval of a metric: Wilson's of the accuracy of classes where examples are alike and independent, else by the
    bootstrap. Of more than `RESAMPLED_EXAMPLES` independent examples a sample is resampled, and its interval shrunk by the root of
    the sample's share (Bickel et al. 1997). All intervals of one model on a test part come from here."""
    count = len(outputs)
    if name == "accuracy" and true.ndim == 1 and weights is None and groups is None:
        return Interval(*wilson_interval(float((outputs.argmax(axis=1) == true).mean()), count), "Wilson")
    if count <= RESAMPLED_EXAMPLES or groups is not None:
        return Interval(*bootstrap_interval(name, outputs, true, weights, groups), "bootstrap")
    each = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    rows = np.random.default_rng(0).choice(count, RESAMPLED_EXAMPLES, replace=False)
    low, high = bootstrap_interval(name, outputs[rows], true[rows], each[rows])
    figure, middle = FUNCTIONS[name](np.asarray(outputs, np.float64), true, each), (low + high) / 2
    shrinkage = (RESAMPLED_EXAMPLES / count) ** 0.5
    return Interval(figure + (low - middle) * shrinkage, figure + (high - middle) * shrinkage, "bootstrap")


def wilson_interval(share: float, examples: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of the examples, such as an accuracy."""
    from scipy.stats import binomtest

    interval = binomtest(round(share * examples), examples).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_interval(
    name: str,
    outputs: NDArray[Any],
    true: NDArray[Any],
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of a metric: percentiles of 1,000 bootstrap samples (Efron 1979) of the examples, or of whole
    `groups` (n,) of examples."""
    numbers, compute = np.asarray(outputs, np.float64), FUNCTIONS[name]
    each = np.ones(len(numbers)) if weights is None else np.asarray(weights, np.float64)
    units = np.arange(len(numbers)) if groups is None else np.unique(groups, return_inverse=True)[1]
    count, generator = int(units.max()) + 1, np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        copies = np.bincount(generator.integers(count, size=count), minlength=count)[units]
        drawn = copies > 0
        values.append(compute(numbers[drawn], true[drawn], each[drawn] * copies[drawn]))
    low, high = np.nanpercentile(values, (2.5, 97.5)) if not np.isnan(values).all() else (np.nan, np.nan)
    return float(low), float(high)


# Classes and labels


def _accuracy(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    right = ((outputs > 0.5) == true).mean(axis=1) if true.ndim == 2 else outputs.argmax(axis=1) == true
    return float(np.average(right, weights=weights))


def _balanced_accuracy(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    hits, _, actual = _counts(outputs, true, weights)
    present = actual > 0
    return float((hits[present] / actual[present]).mean())


def _macro_f1(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    """The mean over all labels, or over the classes that are true or predicted of any example."""
    hits, predicted, actual = _counts(outputs, true, weights)
    total = predicted + actual
    scores = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return float((scores if true.ndim == 2 else scores[total > 0]).mean())


def _counts(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """For each class or label the total weight of correct predictions, of all predictions, and of true members."""
    if true.ndim == 2:
        labels, column = outputs > 0.5, weights[:, np.newaxis]
        return (column * (labels & (true == 1))).sum(0), (column * labels).sum(0), (column * true).sum(0)
    classes, predicted = outputs.shape[1], outputs.argmax(axis=1)
    right = predicted == true
    hits = _sums(true[right], weights[right], classes)
    return hits, _sums(predicted, weights, classes), _sums(true, weights, classes)


def _sums(places: NDArray[Any], weights: Numbers, count: int) -> Numbers:
    """The sum of the weights at each of `count` places."""
    return np.bincount(places, weights, count).astype(np.float64)  # without places NumPy gives integers


def _log_loss(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    smallest = SMALLEST_PROBABILITY
    if true.ndim == 2:
        clipped = np.clip(outputs, smallest, 1 - smallest)
        losses = -np.where(true == 1, np.log(clipped), np.log1p(-clipped)).mean(axis=1)
    else:
        shares = outputs / np.maximum(outputs.sum(axis=1, keepdims=True), smallest)
        losses = -np.log(np.clip(shares[np.arange(len(true)), true], smallest, 1.0))
    return float(np.average(losses, weights=weights))


def _one_against_rest(
    curve: Callable[[Numbers, Numbers], float], outputs: Numbers, true: NDArray[Any], weights: Numbers
) -> float:
    """The second of two classes, else the mean over the classes or labels that are true of some examples and not of all.
    `curve` gets the weights of true and of other examples at each score, the lowest score first."""
    values = [
        curve(_sums(places, weights * positive, 0), _sums(places, weights * ~positive, 0))
        for scores, positive in _scores(outputs, true)
        if positive.any() and not positive.all()
        for places in (np.unique(scores, return_inverse=True)[1],)
    ]
    return float(np.mean(values)) if values else float("nan")


def _scores(outputs: Numbers, true: NDArray[Any]) -> Iterator[tuple[Numbers, NDArray[np.bool_]]]:
    for index in [1] if true.ndim == 1 and outputs.shape[1] == 2 else range(outputs.shape[1]):
        yield outputs[:, index], (true[:, index] == 1 if true.ndim == 2 else true == index)


def _area_under_roc(positive: Numbers, negative: Numbers) -> float:
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))


def _precision_over_recall(positive: Numbers, negative: Numbers) -> float:
    hits, misses = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    precision = np.divide(hits, hits + misses, out=np.zeros_like(hits), where=hits + misses > 0)
    return float((precision * positive[::-1]).sum() / positive.sum())


# Numbers: the mean over targets


def _r2(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    """A constant target counts 1 where it is predicted exactly, and 0 otherwise."""
    error = np.average((true - outputs) ** 2, axis=0, weights=weights)
    spread = np.average((true - np.average(true, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    constant = np.where(error > 0, 0.0, 1.0)
    return float(np.where(spread > 0, 1 - error / np.where(spread > 0, spread, 1.0), constant).mean())


def _rmse(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return float(np.sqrt(np.average((true - outputs) ** 2, axis=0, weights=weights)).mean())


def _mae(outputs: Numbers, true: NDArray[Any], weights: Numbers) -> float:
    return float(np.average(np.abs(true - outputs), axis=0, weights=weights).mean())


FUNCTIONS: dict[str, MetricFunction] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "log_loss": _log_loss,
    "roc_auc": partial(_one_against_rest, _area_under_roc),
    "average_precision": partial(_one_against_rest, _precision_over_recall),
    "r2": _r2,
    "rmse": _rmse,
    "mae": _mae,
}
