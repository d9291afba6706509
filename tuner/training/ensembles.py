"""Bagging: members trained on bootstrap samples, their class probabilities averaged (Breiman 1996)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.training.evaluation import classes_of


@dataclass(frozen=True)
class Bagged:
    """Accuracy of each member alone, and of the ensemble of the first, the first two, … members. `left_out` are the
    members (from 0) whose outputs are not finite: a sum with one of them would be worth nothing."""

    single: tuple[float, ...]
    ensemble: tuple[float, ...]
    left_out: tuple[int, ...]


def bagged(outputs: Sequence[NDArray[np.float32]], labels: NDArray[np.int64]) -> Bagged:
    """How members with these outputs (n, classes) do alone and together. With no usable member so far the ensemble is as
    good as guessing the first class."""
    total = np.zeros_like(outputs[0], dtype=np.float64)
    single, ensemble, left_out = [], [], []
    for index, each in enumerate(outputs):
        single.append(_accuracy(np.nan_to_num(each, nan=0.0, posinf=0.0, neginf=0.0), labels))
        if np.isfinite(each).all():
            total = total + each
        else:
            left_out.append(index)
        ensemble.append(_accuracy(total.astype(np.float32), labels))
    return Bagged(tuple(single), tuple(ensemble), tuple(left_out))


def _accuracy(outputs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float((classes_of(outputs) == labels).mean())
