"""The checkpoint of a training: continued from it, a training gives the result that it would have given without a stop."""

import json
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import decode, encode
from tuner.base.writing import atomic_path, is_full
from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult

Arrays = tuple[NDArray[Any], ...]
WRITE_SECONDS = 20.0
"""The interval between two checkpoints: a kill loses no more than this."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """The position of a training: the finished folds, the finished epochs of the current fold, the number of the best of them
    (0: none), the finished steps of the current epoch with their seconds, and what the user's callbacks know, as JSON."""

    done: tuple[FoldResult, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    best_epoch: int = 0
    steps: int = 0
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    callbacks: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """A position, the state of the network (empty between two folds), the best weights so far, and the arrays of callbacks."""

    position: Position = Position()
    state: Arrays = ()
    best_weights: Arrays = ()
    callback_arrays: Arrays = ()


class Checkpoint:
    """The checkpoint file of a recipe, or none if `path` is None. A damaged file or that of another recipe counts as absent."""

    def __init__(self, path: Path | None, recipe: Recipe) -> None:
        self.path = path
        self.key = recipe.key
        self.written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is older than `WRITE_SECONDS`."""
        return self.path is not None and time.monotonic() - self.written > WRITE_SECONDS

    def read(self) -> Progress:
        """The stored progress, or the start of a training if the file is absent."""
        if self.path is None:
            return Progress()
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                if about["key"] != self.key:
                    return Progress()
                position = decode(Position, about["position"])
                arrays = {
                    name: tuple(file[f"{name}-{index}"] for index in range(about.get(name, 0))) for name in ARRAYS
                }
        except Exception:  # NumPy raises any exception for a damaged file
            return Progress()  # absent, truncated, or written by another version
        return Progress(position=position, **arrays)

    def write(self, progress: Progress) -> None:
        """Replace the file. On a full disk the one before stays: the training goes on, and would continue from there."""
        if self.path is None:
            return
        arrays = {name: getattr(progress, name) for name in ARRAYS}
        counts = {name: len(each) for name, each in arrays.items()}
        about = {"key": self.key, "position": encode(progress.position), **counts}
        named = {f"{name}-{index}": array for name, each in arrays.items() for index, array in enumerate(each)}
        try:
            with atomic_path(self.path) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **named)
        except OSError as error:
            if not is_full(error):
                raise
        self.written = time.monotonic()


ARRAYS = tuple(each.name for each in fields(Progress) if each.name != "position")
