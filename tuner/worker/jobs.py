"""Jobs of training processes and their answers: values that are sent between processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuner.base.metric_functions import Interval
from tuner.recipe import AnyData, Recipe, Views
from tuner.references import ReferenceModel
from tuner.result import Result, Scores
from tuner.worker.calls import Call, Returned
from tuner.worker.calls import Failure as Failure
from tuner.worker.replication import Replicate, Replicated


@dataclass(frozen=True)
class Train:
    """Train one recipe by its protocol. With `save`, write the model of its last fold under that name, and its outputs for the
    validation examples, and for the views of them that the training had; with `save_stopped` also if the training was stopped.
    After cross-validation that model is trained on everything; with `averages_folds` it is the average with those of the folds.
    With `teacher`, learn the predictions of the model saved under that name. With `checkpoint`, a stopped or killed training leaves
    a file of that name, and the next one continues from it. The executor's folder resolves names, since the process may be on
    another machine."""

    recipe: Recipe
    save: str | None = None
    checkpoint: str | None = None
    save_stopped: bool = False
    averages_folds: bool = False
    teacher: str | None = None


@dataclass(frozen=True)
class Combine:
    """Save the average of saved models over the `views` of each image as one model, its probabilities at a `temperature`; of each model
    the network on everything alone, or `with_folds`. With the recipe of a `table`'s model, the coding of rows is put in front."""

    names: tuple[str, ...]
    save: str
    views: Views = Views()
    temperature: float = 1.0
    table: Recipe | None = None
    with_folds: bool = True


@dataclass(frozen=True)
class Test:
    """Test a saved model on the held-out part, and write its outputs for the test examples. Only for confirmed winners.
    `is_final` asks for the intervals of its metrics."""

    recipe: Recipe
    saved: str
    measure: str = "accuracy"
    is_final: bool = False


@dataclass(frozen=True)
class Measured:
    """A saved model's scores on the test part, and of a final model the intervals by metric."""

    scores: Scores
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Latency:
    """Measure the latency of a recipe's network for one example."""

    recipe: Recipe


@dataclass(frozen=True)
class EpochTime:
    """Measure the epoch time of a recipe here."""

    recipe: Recipe


@dataclass(frozen=True)
class ReferenceModels:
    """Fit the reference models of these `names` on a confirmed winner's folds and test them, all within so many seconds."""

    recipe: Recipe
    measure: str
    seconds: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class ColumnImportances:
    """Measure how a metric of the final model of a table changes on the validation part where one column is shuffled."""

    recipe: Recipe
    model: Path
    measure: str


Job = ColumnImportances | ReferenceModels | Train | Replicate | Test | Latency | EpochTime | Combine | Call


Answer = (
    dict[str, tuple[float, float]]
    | tuple[ReferenceModel, ...]
    | Result
    | Replicated
    | Measured
    | Returned
    | float
    | int
    | Failure
)
"""`Train` gives a `Result`, `Replicate` a `Replicated`, `Test` a `Measured`, `Latency` milliseconds, `EpochTime` seconds, `Combine`
the number of parameters, `Call` a `Returned`, `ReferenceModels` a tuple of `ReferenceModel`, `ColumnImportances` mean and deviation by column, and each of them a `Failure`."""


def data_of(job: Job) -> AnyData | None:
    """The data that a job reads; None where it reads none."""
    recipe = job.table if isinstance(job, Combine) else getattr(job, "recipe", None)
    return recipe.data if isinstance(recipe, Recipe) else None


def reason_of(answer: Answer) -> str:
    """Why a job failed or its training was stopped."""
    return answer.reason if isinstance(answer, Failure | Result) else str(answer)
