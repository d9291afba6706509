"""The jobs themselves, run where TensorFlow is. Training gets a training set; only `test` opens the held-out part."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tuner.data.load import Places, held_out, training_set
from tuner.data.parts import TrainingSet
from tuner.recipe import KFold, NoEarlyStopping, NoValidation, Recipe
from tuner.result import Result, Scores, Watch
from tuner.run import run, train_folds
from tuner.search.jobs import Test, Train
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
