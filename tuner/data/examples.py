"""A data set in memory: its training part with the scaling, and its held-out part."""

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
    """Inputs (n, *shape), uint8 or float32, and labels: class numbers (n,), or labels of 0 or 1 or numbers (n, targets). `weights`
    (n,) are those of loss and metrics; a split never divides one of the `groups` (n,). `spans` (n, 2) are the first and the last moment
    that labels in a time series are about: a split by time trains on those that end before the others begin."""

    inputs: Array
    labels: Array
    weights: Array | None = None
    groups: Array | None = None
    spans: Array | None = None

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
        arrays = (None if each is None else each[indices] for each in (self.weights, self.groups, self.spans))
        return Examples(self.inputs[indices], self.labels[indices], *arrays)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """All that a search may use. `identity` names the whole data set by its contents, `origin` is where it was read. Examples are in
    order of time where it `is_ordered`. `folder` stores what follows from the data."""

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
    """The test part, for confirmation and replication only: nothing that a search trial calls takes or returns it."""

    name: str
    examples: Examples
    classes: tuple[str, ...]
    identity: str


def scaling_constants(scaling: Scaling, data: TrainingSet, training: Array) -> tuple[Array, Array]:
    """`(offset, factor)`, float32, such that the network sees `(inputs - offset) * factor`; from the rows `training` only."""
    low, high = data.value_range
    offset: float | Array
    factor: float | Array
    match scaling:
        case "none":
            offset, factor = 0.0, 1.0
        case "unit":
            offset, factor = low, 1 / (high - low)
        case "symmetric":
            offset, factor = (low + high) / 2, 2 / (high - low)
        case "standard":
            inputs = data.examples.inputs[training].astype(np.float64)
            axis = 0 if inputs.ndim == 2 else None  # a constant for each column of rows, one for images
            offset, deviation = inputs.mean(axis=axis), np.asarray(inputs.std(axis=axis))
            factor = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return np.asarray(offset, np.float32), np.asarray(factor, np.float32)
