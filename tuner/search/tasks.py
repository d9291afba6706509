"""The jobs themselves, run where TensorFlow is. Training gets a training set; only `test` opens the held-out part."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.load import Places, held_out, training_set
from tuner.data.parts import TrainingSet
from tuner.recipe import KFold, NoEarlyStopping, NoValidation, Recipe
from tuner.result import Result, Scores, Watch
from tuner.run import run, train_folds
from tuner.search.jobs import Replicate, Replicated, Test, Train
from tuner.training.compiling import targets
from tuner.training.evaluation import classes_of, confusion, predict
from tuner.training.loop import evaluate, part
from tuner.training.saving import load_model, measure, save_model
from tuner.training.train import Trained


def train(job: Train, places: Places, watch: Watch) -> Result:
    """Train the job's recipe; with `save`, also write the model that its protocol leaves."""
    data = _training_set(job.recipe.data.name, places)
    if job.save is None:
        return run(job.recipe, data, watch, checkpoint=job.checkpoint)
    trained: list[Trained] = []
    result = run(job.recipe, data, watch, visit=trained.append)
    if result.ended in ("finished", "stopped_early"):
        _save(job.recipe, data, trained[-1], job.save)
    return result


def replicate(job: Replicate, places: Places, watch: Watch) -> Replicated:
    """Train a document's recipe and measure each fold's network on the test part."""
    data, test_part = _training_set(job.recipe.data.name, places), held_out(job.recipe.data.name, places)
    scores: list[Scores] = []
    predicted: list[NDArray[np.int64]] = []

    def measure_on_test(trained: Trained) -> None:
        on_test = part(test_part.examples.inputs, targets(job.recipe, test_part.examples.labels, len(data.classes)))
        scores.append(evaluate(trained.model, trained.scale, on_test))
        predicted.append(classes_of(predict(trained.model, trained.scale, test_part.examples.inputs)))

    result = run(job.recipe, data, watch, held_out=test_part, visit=measure_on_test)
    matrix = confusion(test_part.examples.labels, predicted[-1], len(data.classes))
    return Replicated(result, tuple(scores), tuple(tuple(int(count) for count in row) for row in matrix))


def test(job: Test, places: Places) -> Scores:
    """Loss and accuracy of the saved model on the held-out test part."""
    data = held_out(job.recipe.data.name, places)
    return measure(load_model(job.model), job.recipe, data.examples, len(data.classes))


def _save(recipe: Recipe, data: TrainingSet, trained: Trained, path: Path) -> None:
    if isinstance(recipe.protocol, KFold):
        (trained,) = train_folds(on_everything(recipe), data)
    save_model(trained.model, recipe, trained.scale, data.examples.shape, len(data.classes), path)


def on_everything(recipe: Recipe) -> Recipe:
    """The same training on the whole training part: what remains of cross-validation once its figures are known."""
    training = replace(recipe.training, keep="last", early_stopping=NoEarlyStopping())
    return replace(recipe, protocol=NoValidation(), training=training)


@lru_cache(maxsize=4)
def _training_set(name: str, places: Places) -> TrainingSet:
    return training_set(name, places)
