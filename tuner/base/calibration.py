"""Temperatures: what probabilities of classes are worth once they are calibrated, and how they are."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

CALIBRATED = "calibrated_log_loss"
"""The name of `calibrated_log_loss` among the figures of a training."""

Weights = NDArray[Any] | None
"""Weights of the examples (n,); None if all are equal."""

LEAST_PROBABILITY, TEMPERATURES = 1e-7, (0.1, 10.0)
"""Smaller probabilities count as this one; the lowest and the highest temperature."""


def calibrated_log_loss(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[Any], weights: Weights = None
) -> float:
    """The log loss of probabilities (n, classes) at the temperature that makes it lowest. Recipes, and averages, are compared by it, since
    the final model is calibrated: a network that is only underconfident is not worse (Berta et al. 2025, arXiv 2501.19195)."""
    logarithms = _logarithms(probabilities)
    return _loss(logarithms / _best_temperature(logarithms, labels, weights, 0.0), labels, weights, 0.0)


def fitted_temperature(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[Any], weights: Weights = None
) -> float:
    """The temperature that calibrates probabilities (n, classes): it makes their log loss lowest (Guo et al. 2017, arXiv 1706.04599).
    Label smoothing makes networks underconfident, and averaging more so. It is fitted as if one more example were wrong (Platt 1999),
    so that a network without errors on few examples does not become certain."""
    return _best_temperature(_logarithms(probabilities), labels, weights, 1 / (len(labels) + 2))


def at_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float64]:
    """Probabilities (n, classes) at a temperature: raised to the power of its inverse, and scaled to a sum of 1."""
    from scipy.special import softmax

    return np.asarray(softmax(_logarithms(probabilities) / temperature, axis=1), np.float64)


def _logarithms(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST_PROBABILITY))


def _best_temperature(logarithms: NDArray[np.float64], labels: NDArray[Any], weights: Weights, wrong: float) -> float:
    from scipy.optimize import minimize_scalar

    def at(log_temperature: float) -> float:
        return _loss(math.exp(-log_temperature) * logarithms, labels, weights, wrong)

    low, high = map(math.log, TEMPERATURES)
    return math.exp(float(minimize_scalar(at, bounds=(low, high), method="bounded").x))


def _loss(logarithms: NDArray[np.float64], labels: NDArray[Any], weights: Weights, wrong: float) -> float:
    """The log loss of unscaled logarithms, where a share `wrong` of each example's label is spread over all classes."""
    from scipy.special import logsumexp

    right = logarithms[np.arange(len(labels)), labels]
    wanted = right if wrong == 0 else (1 - wrong) * right + wrong * logarithms.mean(axis=1)
    return float(np.average(logsumexp(logarithms, axis=1) - wanted, weights=weights))
