"""Which networks do best as an average: greedy selection by what they say of the validated examples."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics

Weights = NDArray[Any] | None
"""How much each example counts (n,); None where all count alike."""


def chosen_together(
    outputs: Sequence[NDArray[np.float32]], true: NDArray[Any], most: int, weights: Weights = None
) -> tuple[int, ...]:
    """Which networks, with these outputs on examples of which this is true, do best as an average: first the
    one with the lowest loss alone, then one by one the one that lowers that of the average most, at most `most` and as
    long as one does (greedy selection without repetition, Caruana et al. 2004)."""
    chosen: list[int] = []
    total, lowest = np.zeros_like(outputs[0], dtype=np.float64), np.inf
    while len(chosen) < min(most, len(outputs)):
        rest = [index for index in range(len(outputs)) if index not in chosen]
        losses = {index: loss_of_average((total + outputs[index]) / (len(chosen) + 1), true, weights) for index in rest}
        best = min(rest, key=lambda index: losses[index])
        if not losses[best] < lowest:
            break
        chosen.append(best)
        total, lowest = total + outputs[best], losses[best]
    return tuple(chosen)


def loss_of_average(outputs: NDArray[np.float64], true: NDArray[Any], weights: Weights = None) -> float:
    """What is to be low: the log loss of classes, the mean of the labels', the squared error of numbers by their spread."""
    if true.ndim == 1:
        return log_loss(outputs, true, weights)
    if true.dtype == np.uint8:
        return compute_metrics("multi_label", outputs, true, weights)["log_loss"]
    return -compute_metrics("regression", outputs, true, weights)["r2"]


def log_loss(probabilities: NDArray[np.float64], labels: NDArray[np.int64], weights: Weights = None) -> float:
    """The mean negative logarithm of what is given to the true classes, at the temperature that makes it lowest (Guo et al.
    2017, arXiv 1706.04599). Networks that learned smoothed labels are less sure than they are right, and an average of them is
    even less so; what counts here is what they can tell apart."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logarithms = np.log(np.clip(probabilities, 1e-7, 1.0))
    true = logarithms[np.arange(len(labels)), labels]

    def at(log_temperature: float) -> float:
        factor = math.exp(-log_temperature)
        return float(np.average(logsumexp(factor * logarithms, axis=1) - factor * true, weights=weights))

    return float(minimize_scalar(at, bounds=(math.log(0.1), math.log(10.0)), method="bounded").fun)
