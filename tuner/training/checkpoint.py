"""A training that was stopped, as a file from which it goes on as if it had not been."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.decode import decode, encode
from tuner.errors import Invalid
from tuner.recipe import Recipe
from tuner.result import FoldResult

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a training has come: the folds that are done, the curve of the one under way, the epoch whose weights
    `keep = "best"` would keep so far (0: none), and the seconds spent."""

    done: tuple[FoldResult, ...] = ()
    under_way: FoldResult = FoldResult(epochs=(), kept=0)
    best_epoch: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Saved:
    """A training's standing, with the state of its network (empty between two folds) and the best weights so far."""

    standing: Standing = Standing()
    state: Arrays = ()
    best_weights: Arrays = ()


class Checkpoint:
    """One file. It belongs to one recipe: under another it counts as absent, and so does a damaged one."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self.key = recipe.key

    def read(self) -> Saved:
        """What was saved; a training that has not begun where there is no checkpoint."""
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                if about["key"] != self.key:
                    return Saved()
                standing = decode(Standing, about["standing"])
                state, best = (tuple(file[f"{name}-{index}"] for index in range(about[name])) for name in NAMES)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, Invalid):
            return Saved()  # absent, cut off, or written by another version
        return Saved(standing=standing, state=state, best_weights=best)

    def write(self, saved: Saved) -> None:
        """Keep it; aside first, so that no half-written file is ever there."""
        about = {
            "key": self.key,
            "standing": encode(saved.standing),
            "state": len(saved.state),
            "best": len(saved.best_weights),
        }
        arrays = {**_named("state", saved.state), **_named("best", saved.best_weights)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f".{self.path.name}-{os.getpid()}")
        try:
            with aside.open("wb") as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)


NAMES = ("state", "best")


def _named(name: str, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}-{index}": array for index, array in enumerate(arrays)}
