"""One network that learns what an average of several says (Hinton et al. 2015, https://arxiv.org/abs/1503.02531)."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tuner.base.errors import StudyError
from tuner.recipe import CategoricalCrossentropy, Recipe, task_of
from tuner.result import Result
from tuner.storage.confirmed import Confirmed
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure, Measured, Test, Train

NAME = "distilled"
T = TypeVar("T")


@dataclass(frozen=True)
class Distilled:
    """A network that was trained on what a confirmed model says, with figures beside the model's own."""

    recipe: Recipe
    validation: float
    test: float
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
    if task_of(confirmed.recipe.data) != "classification":
        raise StudyError(f"the model {confirmed.model} does not tell classes: only what does can be distilled")
    training = replace(confirmed.recipe.training, loss=CategoricalCrossentropy())
    recipe = replace(confirmed.recipe, seed=(max(confirmed.seeds) + 1) % 2**32, training=training)
    result = _demanded(perform_all(executor, [Train(recipe, save=NAME, teacher="best")])[0], Result)
    tested = _demanded(perform_all(executor, [Test(recipe, saved=NAME, measure=confirmed.measure)])[0], Measured)
    folder.leave_no_answers(NAME)
    return Distilled(
        recipe=recipe,
        validation=result.validation.figures[confirmed.measure] if result.validation else math.nan,
        test=tested.scores.figures[confirmed.measure],
        test_interval=tested.interval,
        parameters=result.parameters,
        model=folder.model(NAME),
    )


def _demanded(answer: Answer, kind: type[T]) -> T:
    if isinstance(answer, kind):
        return answer
    raise StudyError(f"the model could not be distilled: {answer.reason if isinstance(answer, Failure) else answer}")
