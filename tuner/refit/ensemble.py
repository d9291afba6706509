"""Ensemble selection: which networks, by their validation outputs, have the lowest loss as an average."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.calibration import Weights, calibrated_log_loss
from tuner.base.metric_functions import compute_metrics


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
    """The loss to minimize: calibrated log loss for classes, the log loss's mean over several labels, 1 - R² (less 1) for numbers."""
    if true.ndim == 1:
        return calibrated_log_loss(outputs, true, weights)
    if true.dtype == np.uint8:
        return compute_metrics("multi_label", outputs, true, weights)["log_loss"]
    return -compute_metrics("regression", outputs, true, weights)["r2"]
