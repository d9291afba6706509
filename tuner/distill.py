"""One network that learns what an average of several says (Hinton et al. 2015, https://arxiv.org/abs/1503.02531)."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tuner.errors import StudyError
from tuner.recipe import CategoricalCrossentropy, Recipe
from tuner.result import Result, Scores
from tuner.storage.confirmed import Confirmed, interval
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure, Test, Train

NAME = "distilled"
T = TypeVar("T")


@dataclass(frozen=True)
class Distilled:
    """A network that was trained on what a confirmed model says, with figures beside the model's own."""

    recipe: Recipe
    validation_accuracy: float
    test_accuracy: float
    test_interval: tuple[float, float]
    parameters: int
    model: Path


def distill(confirmed: Confirmed, executor: Executor, folder: Folder) -> Distilled:
    """Train the best of the confirmed recipes again, on another seed and on what the model says of the training examples, and
    write `distilled.keras`. It is tested once.

    Raises `StudyError` where the model is one network as it is, or where the training fails.
    """
    if not confirmed.is_ensemble:
        raise StudyError(f"the model {confirmed.model} is one network already: there is nothing to distill")
    training = replace(confirmed.recipe.training, loss=CategoricalCrossentropy())
    recipe = replace(confirmed.recipe, seed=(max(confirmed.seeds) + 1) % 2**32, training=training)
    result = _demanded(perform_all(executor, [Train(recipe, save=NAME, teacher="best")])[0], Result)
    scores = _demanded(perform_all(executor, [Test(recipe, saved=NAME)])[0], Scores)
    folder.leave_no_answers(NAME)
    return Distilled(
        recipe=recipe,
        validation_accuracy=result.validation.accuracy if result.validation else 0.0,
        test_accuracy=scores.accuracy,
        test_interval=interval(scores.accuracy, confirmed.test_examples),
        parameters=result.parameters,
        model=folder.model(NAME),
    )


def _demanded(answer: Answer, kind: type[T]) -> T:
    if isinstance(answer, kind):
        return answer
    raise StudyError(f"the model could not be distilled: {answer.reason if isinstance(answer, Failure) else answer}")
