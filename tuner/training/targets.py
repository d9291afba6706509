"""Targets in the form that a loss takes, weights of examples, and the scale of numeric targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.recipe import Recipe
from tuner.recipe.losses import wants_class_numbers


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Standardization of numeric targets: `(target - offset) * factor`, one offset and factor for each target."""

    offset: NDArray[np.float32]
    factor: NDArray[np.float32]

    def standardized(self, targets: NDArray[Any]) -> NDArray[np.float32]:
        """Targets (n, targets) for the loss."""
        return np.asarray((targets - self.offset) * self.factor, np.float32)

    def inverse(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (n, targets) in the targets' own units."""
        return np.asarray(outputs / self.factor + self.offset, np.float32)


def target_scale(targets: NDArray[Any], weights: NDArray[Any] | None) -> TargetScale:
    """The scale from the mean and standard deviation of training targets (n, targets)."""
    values = targets.astype(np.float64)
    middle = np.average(values, axis=0, weights=weights)
    spread = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=weights))
    factor = np.divide(1.0, spread, out=np.ones_like(spread), where=spread > 0)
    return TargetScale(middle.astype(np.float32), factor.astype(np.float32))


def targets(recipe: Recipe, labels: NDArray[Any], outputs: int, scale: TargetScale | None = None) -> NDArray[Any]:
    """Targets as the recipe's loss takes them: class numbers (n,), one-hot rows (n, outputs), -1 and 1 (n, 1), labels
    (n, outputs), or numbers (n, outputs), standardized if there is a `scale`."""
    if labels.ndim == 2:
        return labels.astype(np.float32) if scale is None else scale.standardized(labels)
    if recipe.network.output == "signed":
        return (2.0 * labels.astype(np.float32) - 1.0)[:, np.newaxis]
    if wants_class_numbers(recipe.training.loss):
        return labels.astype(np.int32)
    return np.asarray(np.eye(outputs, dtype=np.float32)[labels])


def example_weights(recipe: Recipe, labels: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """The weight of each training example, 1 on average; None if all are equal."""
    each = None if weights is None else weights.astype(np.float64)
    if recipe.training.class_weights == "balanced":
        each = np.ones(len(labels)) if each is None else each
        each = each / np.bincount(labels, each)[labels]
    return None if each is None else (each / each.mean()).astype(np.float32)
