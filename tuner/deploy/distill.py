"""One network that learns the predictions of an ensemble (Hinton et al. 2015, https://arxiv.org/abs/1503.02531)."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.base.errors import StudyError
from tuner.base.metric_functions import Interval
from tuner.recipe import CategoricalCrossentropy, Recipe
from tuner.result import Result
from tuner.storage.confirmed import Confirmed
from tuner.worker import require_answers
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Measured, Test, Train

NAME = "distilled"


@dataclass(frozen=True)
class Distilled:
    """A network that was trained on the predictions of a final model, with its validation and test metric."""

    recipe: Recipe
    validation: float
    test: float
    test_interval: Interval
    parameters: int
    model: Path


def distill(confirmed: Confirmed, executor: Executor, folder: Folder) -> Distilled:
    """Train the first refitted recipe on another seed and on the ensemble's predictions for the training examples, test it once,
    and write `distilled.keras`.

    Raises `StudyError` where the final model is a single network or no classifier, or where the training fails.
    """
    if not confirmed.is_ensemble:
        raise StudyError(f"the model {confirmed.model} is one network already: there is nothing to distill")
    if confirmed.recipe.data.task != "classification":
        raise StudyError(f"the model {confirmed.model} does not predict classes: only classifiers can be distilled")
    training = replace(confirmed.recipe.training, loss=CategoricalCrossentropy())
    recipe = replace(confirmed.recipe, seed=(max(confirmed.seeds) + 1) % 2**32, training=training)
    train, test = (
        Train(recipe, save=NAME, teacher="best"),
        Test(recipe, saved=NAME, measure=confirmed.measure, is_final=True),
    )
    (result,) = require_answers(executor, [train], Result, "the model could not be distilled")
    (tested,) = require_answers(executor, [test], Measured, "the model could not be distilled")
    folder.remove_outputs(NAME)
    return Distilled(
        recipe=recipe,
        validation=result.validation.figures[confirmed.measure] if result.validation else math.nan,
        test=tested.scores.figures[confirmed.measure],
        test_interval=tested.intervals[confirmed.measure],
        parameters=result.parameters,
        model=folder.model(NAME),
    )
