"""Ensemble selection: which networks, by their validation outputs, have the lowest loss as an average."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics

Weights = NDArray[Any] | None
"""Weights of the examples (n,); None if all are equal."""


def select_ensemble(
    outputs: Sequence[NDArray[np.float32]], true: NDArray[Any], most: int, weights: Weights = None
) -> tuple[int, ...]:
    """The places of the networks to average, by their outputs for the same examples: first the one with the lowest loss, then
    one by one the one that lowers the average's loss most, at most `most` (Caruana et al. 2004, without repetition)."""
    chosen: list[int] = []
    total, lowest = np.zeros_like(outputs[0], dtype=np.float64), np.inf
    while len(chosen) < min(most, len(outputs)):
        rest = [index for index in range(len(outputs)) if index not in chosen]
        losses = {index: ensemble_loss((total + outputs[index]) / (len(chosen) + 1), true, weights) for index in rest}
        best = min(rest, key=lambda index: losses[index])
        if not losses[best] < lowest:
            break
        chosen.append(best)
        total, lowest = total + outputs[best], losses[best]
    return tuple(chosen)


def ensemble_loss(outputs: NDArray[np.float64], true: NDArray[Any], weights: Weights = None) -> float:
    """The loss to minimize: log loss for classes, its mean over several labels, 1 - R² (less 1) for numbers."""
    if true.ndim == 1:
        return log_loss(outputs, true, weights)
    if true.dtype == np.uint8:
        return compute_metrics("multi_label", outputs, true, weights)["log_loss"]
    return -compute_metrics("regression", outputs, true, weights)["r2"]


def log_loss(probabilities: NDArray[np.floating[Any]], labels: NDArray[Any], weights: Weights = None) -> float:
    """The log loss at the temperature that makes it lowest (Guo et al. 2017, arXiv 1706.04599). Label smoothing makes networks
    underconfident, and averaging more so; calibration does not count here."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logarithms = np.log(np.maximum(probabilities, 1e-7))
    true = logarithms[np.arange(len(labels)), labels]

    def at(log_temperature: float) -> float:
        factor = math.exp(-log_temperature)
        return float(np.average(logsumexp(factor * logarithms, axis=1) - factor * true, weights=weights))

    return float(minimize_scalar(at, bounds=(math.log(0.1), math.log(10.0)), method="bounded").fun)
