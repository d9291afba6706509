"""What a training process is asked to do and what it answers: plain values that travel between processes."""

from dataclasses import dataclass
from pathlib import Path

from tuner.recipe import Recipe
from tuner.result import Result, Scores


@dataclass(frozen=True)
class Train:
    """Train one recipe by its protocol. With `save`, the model of its last fold is written there. With `checkpoint`, a
    training that is stopped leaves that file, and one that finds it goes on from there."""

    recipe: Recipe
    save: Path | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Test:
    """Measure a saved model on the held-out test part, which nothing but a confirmed winner may see."""

    recipe: Recipe
    model: Path


Job = Train | Test


@dataclass(frozen=True)
class Failure:
    """Why a job came to nothing: an exception in it, not enough memory, or the death of its process."""

    kind: str
    reason: str
    traceback: str = ""


Answer = Result | Scores | Failure
"""Of `Train`: a result; of `Test`: scores; of either: a failure."""
