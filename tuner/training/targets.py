"""What is true of examples, as a loss wants it, and a network's outputs, as they are meant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.recipe import Recipe
from tuner.recipe.losses import wants_class_numbers


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Numbers that are to be told are learned standardized: `(target - offset) * factor`, one of each for each target."""

    offset: NDArray[np.float32]
    factor: NDArray[np.float32]

    def standardized(self, targets: NDArray[Any]) -> NDArray[np.float32]:
        """Targets (n, targets) as the loss sees them."""
        found: NDArray[np.float32] = ((targets - self.offset) * self.factor).astype(np.float32)
        return found

    def meant(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (n, targets) in the targets' own units."""
        found: NDArray[np.float32] = (outputs / self.factor + self.offset).astype(np.float32)
        return found


def target_scale(targets: NDArray[Any], weights: NDArray[Any] | None) -> TargetScale:
    """By the mean and standard deviation of training targets (n, targets)."""
    values = targets.astype(np.float64)
    middle = np.average(values, axis=0, weights=weights)
    spread = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=weights))
    factor = np.divide(1.0, spread, out=np.ones_like(spread), where=spread > 0)
    return TargetScale(middle.astype(np.float32), factor.astype(np.float32))


def targets(recipe: Recipe, labels: NDArray[Any], outputs: int, scale: TargetScale | None = None) -> NDArray[Any]:
    """What is true as the recipe's loss wants it: class numbers (n,), one-hot rows (n, outputs), -1 and 1 (n, 1); labels
    (n, outputs); or numbers (n, outputs), by the `scale` where there is one."""
    if labels.ndim == 2:
        return labels.astype(np.float32) if scale is None else scale.standardized(labels)
    if recipe.network.output == "signed":
        return (2.0 * labels.astype(np.float32) - 1.0)[:, np.newaxis]
    if wants_class_numbers(recipe.training.loss):
        return labels.astype(np.int32)
    one_hot: NDArray[np.float32] = np.eye(outputs, dtype=np.float32)[labels]
    return one_hot


def example_weights(recipe: Recipe, labels: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """How much each training example counts, 1 on average; None where all count alike."""
    each = None if weights is None else weights.astype(np.float64)
    if recipe.training.class_weights == "balanced":
        own = np.ones(len(labels)) if each is None else each
        by_class = np.bincount(labels, own)
        each = own / by_class[labels]
    return None if each is None else (each / each.mean()).astype(np.float32)
