"""Temperatures: what probabilities of classes are worth once they are calibrated, and how they are."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import SMALLEST_PROBABILITY

CALIBRATED = "calibrated_log_loss"
"""The name of `calibrated_log_loss` among the figures of a training."""

Weights = NDArray[Any] | None
"""Weights of the examples (n,); None if all are equal."""

TEMPERATURES = 0.1, 10.0
"""The lowest and the highest temperature."""


def calibrated_log_loss(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[Any], weights: Weights = None
) -> float:
    """The log loss of probabilities (n, classes) at the temperature that makes it lowest. Recipes, and averages, are compared by it, since
    the final model is calibrated: a network that is only underconfident is not worse (Berta et al. 2025, arXiv 2501.19195)."""
    logarithms = _logarithms(probabilities)
    return _loss(logarithms / _best_temperature(logarithms, labels, weights, 0.0), labels, weights)


def fitted_temperature(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[Any], weights: Weights = None
) -> float:
    """The temperature that calibrates probabilities (n, classes): it makes their log loss lowest (Guo et al. 2017, arXiv 1706.04599).
    Label smoothing makes networks underconfident, and averaging more so. It is fitted as if one more example were wrong (Platt 1999),
    so that a network without errors on few examples does not become certain."""
    return _best_temperature(_logarithms(probabilities), labels, weights, 1 / (len(labels) + 2))


def at_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float64]:
    """Probabilities (n, classes) at a temperature: raised to the power of its inverse, and scaled to a sum of 1."""
    raised = np.exp(_logarithms(probabilities) / temperature)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def _logarithms(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The logarithms up to a constant in each row; the largest is 0."""
    logarithms = np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST_PROBABILITY))
    return np.asarray(logarithms - logarithms.max(axis=1, keepdims=True), np.float64)


def _best_temperature(logarithms: NDArray[np.float64], labels: NDArray[Any], weights: Weights, wrong: float) -> float:
    """Where the slope of the loss is 0: the loss is convex in the inverse temperature. This runs after each epoch of a training, and
    a search for the lowest loss itself takes several times as long."""
    from scipy.optimize import brentq

    wanted = _wanted(logarithms, labels, wrong)

    def slope(log_temperature: float) -> float:
        raised = np.exp(math.exp(-log_temperature) * logarithms)
        return float(np.average((raised * logarithms).sum(axis=1) / raised.sum(axis=1) - wanted, weights=weights))

    lowest, highest = TEMPERATURES
    if slope(math.log(lowest)) <= 0:
        return lowest
    if slope(math.log(highest)) >= 0:
        return highest
    return math.exp(float(brentq(slope, math.log(lowest), math.log(highest), xtol=1e-6)))


def _loss(logarithms: NDArray[np.float64], labels: NDArray[Any], weights: Weights) -> float:
    """The log loss of logarithms whose largest is 0 in each row."""
    losses = np.log(np.exp(logarithms).sum(axis=1)) - _wanted(logarithms, labels, 0.0)
    return float(np.average(losses, weights=weights))


def _wanted(logarithms: NDArray[np.float64], labels: NDArray[Any], wrong: float) -> NDArray[np.float64]:
    """The logarithms of the labels (n,), where a share `wrong` of each label is spread over all classes."""
    right = logarithms[np.arange(len(labels)), labels]
    return np.asarray(right if wrong == 0 else (1 - wrong) * right + wrong * logarithms.mean(axis=1), np.float64)
