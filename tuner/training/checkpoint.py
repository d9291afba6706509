"""How far a training has come, and the file from which it goes on as if it had never stopped."""

import json
import time
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid
from tuner.base.writing import atomic_path
from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult

Arrays = tuple[NDArray[Any], ...]
WRITE_SECONDS = 20.0
"""A training under way is written down about so often: a kill loses no more."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a training stands: the folds that are done; of the fold under way the epochs that are done and which of them
    `keep = "best"` would keep (0: none); of the epoch under way the steps that are done and what they took."""

    done: tuple[FoldResult, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    best_epoch: int = 0
    steps: int = 0
    epoch_seconds: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """A position with the state of the network there (empty between two folds) and the best weights so far."""

    position: Position = Position()
    state: Arrays = ()
    best_weights: Arrays = ()


class Checkpoint:
    """One file, or none at all where `path` is None. It belongs to one recipe: under another it counts as absent, and so
    does a damaged one."""

    def __init__(self, path: Path | None, recipe: Recipe) -> None:
        self.path = path
        self.key = recipe.key
        self.written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether it is time to write again."""
        return self.path is not None and time.monotonic() - self.written > WRITE_SECONDS

    def read(self) -> Progress:
        """What was written; a training that has not begun where nothing was."""
        if self.path is None:
            return Progress()
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                if about["key"] != self.key:
                    return Progress()
                position = decode(Position, about["position"])
                arrays = {name: tuple(file[f"{name}-{index}"] for index in range(about[name])) for name in ARRAYS}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, Invalid):
            return Progress()  # absent, cut off, or written by another version
        return Progress(position=position, **arrays)

    def write(self, progress: Progress) -> None:
        """Keep it; aside first, so that no half-written file is ever there."""
        if self.path is None:
            return
        arrays = {name: getattr(progress, name) for name in ARRAYS}
        counts = {name: len(each) for name, each in arrays.items()}
        about = {"key": self.key, "position": encode(progress.position), **counts}
        named = {f"{name}-{index}": array for name, each in arrays.items() for index, array in enumerate(each)}
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **named)
        self.written = time.monotonic()


ARRAYS = tuple(each.name for each in fields(Progress) if each.name != "position")
