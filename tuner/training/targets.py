"""Targets in the form that a loss takes, weights of examples, and the scale of numeric targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.networks import Outputs
from tuner.recipe import Recipe
from tuner.recipe.losses import wants_class_numbers

KNEE = 0.05
"""The share of the targets for which `log` is nearly linear: without them the smallest target would be minus infinity."""
MOST = 2.0
"""The most that a prediction through `log` exceeds the largest training target, counted from the smallest one."""


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Standardization of numeric targets: `(target - offset) * factor`, one of each for each target, in the type of the targets.
    With a `logarithm` (shift, top, lowest) it is that of the logarithm of `(target + shift) / top`, which is at least `lowest`."""

    offset: NDArray[Any]
    factor: NDArray[Any]
    logarithm: tuple[NDArray[Any], ...] = ()

    def standardized(self, targets: NDArray[Any]) -> NDArray[np.float32]:
        """Targets (n, targets) for the loss."""
        if self.logarithm:
            shift, top, lowest = self.logarithm
            targets = np.log(np.maximum((targets + shift) / top, lowest))
        return np.asarray((targets - self.offset) * self.factor, np.float32)

    def inverse(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        """Outputs (n, targets) in the targets' own units."""
        values = outputs / self.factor + self.offset
        if self.logarithm:
            shift, top, _ = self.logarithm
            values = np.exp(np.minimum(values, 0.0)) * top - shift
        return np.asarray(values, self.offset.dtype)


def target_scales(targets: NDArray[Any], weights: NDArray[Any] | None) -> Mapping[str, TargetScale]:
    """The scales of training targets (n, targets) by the names that recipes have for them."""
    values = targets.astype(np.float64)
    from_lowest = values - values.min(axis=0)
    knee = np.array([np.quantile(each[each > 0], KNEE) if each.any() else 1.0 for each in from_lowest.T])
    top = MOST * (from_lowest.max(axis=0) + knee)

    def standardizing(values: NDArray[Any], *logarithm: NDArray[Any]) -> TargetScale:
        middle = np.average(values, axis=0, weights=weights)
        spread = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=weights))
        factor = np.divide(1.0, spread, out=np.ones_like(spread), where=spread > 0)
        offset, factor, *others = (each.astype(targets.dtype) for each in (middle, factor, *logarithm))
        return TargetScale(offset, factor, tuple(others))

    logarithms = np.log((from_lowest + knee) / top)
    return {
        "standard": standardizing(values),
        "log": standardizing(logarithms, knee - values.min(axis=0), top, knee / top),
    }


def targets(recipe: Recipe, labels: NDArray[Any], outputs: Outputs, scale: TargetScale | None = None) -> NDArray[Any]:
    """Targets as the recipe's loss takes them: class numbers (n,), one-hot rows (n, outputs), -1 and 1 (n, 1), labels
    (n, outputs), or numbers (n, outputs), standardized if there is a `scale`."""
    if labels.ndim == 2:
        return labels.astype(np.float32) if scale is None else scale.standardized(labels)
    if recipe.network.output == "signed":
        return (2.0 * labels.astype(np.float32) - 1.0)[:, np.newaxis]
    if recipe.network.output in ("probability", "log_odds"):
        return labels.astype(np.float32)[:, np.newaxis]
    if wants_class_numbers(recipe.training.loss):
        return labels.astype(np.int32)
    assert isinstance(outputs, int)
    return np.asarray(np.eye(outputs, dtype=np.float32)[labels])


def example_weights(recipe: Recipe, labels: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """The weight of each training example, 1 on average; None if all are equal."""
    each = None if weights is None else weights.astype(np.float64)
    if recipe.training.class_weights == "balanced":
        each = np.ones(len(labels)) if each is None else each
        each = each / np.bincount(labels, each)[labels]
    return None if each is None else (each / each.mean()).astype(np.float32)
