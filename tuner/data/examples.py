"""What the rest of the program sees of a data set: the part to search with, and the part that is out of reach."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Inputs (n, *shape) as stored, uint8 or float32, and what is true of them: class numbers (n,); of several labels 0 or 1
    each, or numbers (n, targets). `weights` (n,) say how much each counts, of `groups` (n,) none may stand on both sides of
    a split; None where all count alike, or there are none."""

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
    """All that a search may see. `identity` names the whole data set by its contents, `origin` says in a few words
    where it was found, `value_range` is what its inputs can be. Where it `is_ordered`, examples lie in their order in time.
    What follows from the data may be kept in `folder`."""

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
