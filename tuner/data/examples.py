"""What the rest of the program sees of a data set: the part to search with and its scaling, and the part that is out of reach."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.recipe.data import Scaling

Array = NDArray[Any]
Arrays = tuple[Array, Array, Array, Array]
"""Training inputs and labels, test inputs and labels."""


@dataclass(frozen=True)
class Examples:
    """Inputs (n, *shape) as stored, uint8 or float32, and their labels: class numbers (n,), several labels of 0 or 1 each, or numbers
    (n, targets). `weights` (n,) are those of the loss and the metrics; a split never divides one of the `groups` (n,). None
    where there are none."""

    inputs: Array
    labels: Array
    weights: Array | None = None
    groups: Array | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels):
            raise ValueError(f"inputs and labels must be as many, got {len(self.inputs)} and {len(self.labels)}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input; images have no channel axis."""
        return self.inputs.shape[1:]

    def take(self, indices: NDArray[np.int64]) -> "Examples":
        """The examples at these indices."""
        arrays = (None if each is None else each[indices] for each in (self.weights, self.groups))
        return Examples(self.inputs[indices], self.labels[indices], *arrays)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """All that a search may see. `identity` names the whole data set by its contents, `origin` describes where it was read,
    `value_range` is that of its inputs. Where it `is_ordered`, examples are in their order in time. What follows from the
    data may be stored in `folder`."""

    name: str
    examples: Examples
    classes: tuple[str, ...]
    value_range: tuple[float, float]
    identity: str
    origin: str
    folder: Path | None = None
    is_ordered: bool = False


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test part. A type of its own: nothing that a search trial calls takes or returns it. Only the confirmation of
    a winner and the replication of documents open it."""

    name: str
    examples: Examples
    classes: tuple[str, ...]
    identity: str


def scaling_constants(scaling: Scaling, data: TrainingSet, training: Array) -> tuple[Array, Array]:
    """`(offset, factor)`, float32, such that the network sees `(inputs - offset) * factor`; from the rows `training` only."""
    low, high = data.value_range
    match scaling:
        case "none":
            offset, factor = 0.0, 1.0
        case "unit":
            offset, factor = low, 1 / (high - low)
        case "symmetric":
            offset, factor = (low + high) / 2, 2 / (high - low)
        case "standard":
            return _standard(data.examples.inputs[training].astype(np.float64))
    return np.asarray(offset, np.float32), np.asarray(factor, np.float32)


def _standard(inputs: Array) -> tuple[Array, Array]:
    """Mean and standard deviation: one of each for images, one for each column otherwise. What never varies becomes 0."""
    axis = 0 if inputs.ndim == 2 else None
    deviation = np.asarray(inputs.std(axis=axis))
    factor = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return np.asarray(inputs.mean(axis=axis), np.float32), factor.astype(np.float32)
