"""What a training process is asked to do and what it answers: plain values that travel between processes."""

from dataclasses import dataclass

from tuner.recipe import Recipe
from tuner.references import ReferenceModel
from tuner.result import Result, Scores
from tuner.worker.replication import Replicate, Replicated


@dataclass(frozen=True)
class Train:
    """Train one recipe by its protocol. With `save`, the model of its last fold is written under that name, and beside it
    what it gives for each validation example (and for its mirror image, where the training mirrored images); with `save_stopped` also where the training was stopped. With `teacher` it
    learns what the model saved under that name says of the training examples. With `checkpoint`, a training that is stopped or killed leaves a file of that name, and one that finds it goes on from
    there. Names are the executor's to place: the process may be on another machine."""

    recipe: Recipe
    save: str | None = None
    checkpoint: str | None = None
    save_stopped: bool = False
    teacher: str | None = None


@dataclass(frozen=True)
class Combine:
    """Save the average of the models that were saved under these names as one model of that name; with `is_mirrored` over
    each image and its mirror image. With the recipe of a model on a `table` what codes its rows stands in front."""

    names: tuple[str, ...]
    save: str
    is_mirrored: bool = False
    table: Recipe | None = None


@dataclass(frozen=True)
class Test:
    """Measure the model that was saved under this name on the held-out test part, which nothing but a confirmed winner may
    see. What it gives for each test example is written beside it."""

    recipe: Recipe
    saved: str
    measure: str = "accuracy"


@dataclass(frozen=True)
class Measured:
    """A saved model's scores on the test part, with the 95 % interval of the measure that was asked for."""

    scores: Scores
    interval: tuple[float, float]


@dataclass(frozen=True)
class Latency:
    """Measure how long a recipe's network takes to answer for one example."""

    recipe: Recipe


@dataclass(frozen=True)
class EpochTime:
    """Measure how long an epoch of a recipe's training takes here."""

    recipe: Recipe


@dataclass(frozen=True)
class ReferenceModels:
    """Fit the reference models of these `names` on a confirmed winner's folds and test them, all within so many seconds."""

    recipe: Recipe
    measure: str
    seconds: float
    names: tuple[str, ...]


Job = ReferenceModels | Train | Replicate | Test | Latency | EpochTime | Combine


@dataclass(frozen=True)
class Failure:
    """Why a job came to nothing: an exception in it, not enough memory, or the death of its process."""

    kind: str
    reason: str
    traceback: str = ""


Answer = tuple[ReferenceModel, ...] | Result | Replicated | Measured | float | int | Failure
"""Of `Train`: a result; of `Replicate`: that; of `Test`: that; of `Latency`: milliseconds; of `EpochTime`: seconds; of `Combine`: its
parameters; of `ReferenceModels`: those; of any: a failure."""


def reason_of(answer: Answer) -> str:
    """Why a job did not give what was asked for."""
    return answer.reason if isinstance(answer, Failure | Result) else str(answer)
