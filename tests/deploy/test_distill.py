"""Distillation: one network learns the predictions of an average."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner.base.errors import StudyError
from tuner.data.ingest.tables import read_table
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.distill import distill
from tuner.deploy.predictor import Predictor
from tuner.networks import Dense
from tuner.recipe import Adam, CategoricalCrossentropy, Data, KFold, Recipe, Training
from tuner.recipe.losses import PlainLoss
from tuner.run import run
from tuner.storage.confirmed import Confirmed
from tuner.training.evaluation import classes_of, predict
from tuner.training.saving import UNSCALED, load_model, save_average
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Train

RECIPE = Recipe(
    data=Data(name="circle", scaling="none"),
    network=Dense(widths=(12,)),
    training=Training(optimizer=Adam(learning_rate=0.05), epochs=60, batch_size=20),
)


SIGNED = replace(
    RECIPE,
    network=Dense(widths=(12,), output="signed"),
    training=replace(RECIPE.training, loss=PlainLoss(kind="mean_squared_error")),
)


def confirmed(model: Path, members: tuple[int, ...], recipe: Recipe = RECIPE) -> Confirmed:
    """A confirmation whose model is the average of so many."""
    return Confirmed(
        trial=0,
        recipe=recipe,
        seeds=(1000, 1001),
        validation=(0.9, 0.9),
        test=0.9,
        test_loss=0.3,
        test_interval=(0.8, 0.95),
        test_examples=250,
        model=model,
        members=members,
        networks=len(members),
    )


@pytest.mark.slow
def test_one_network_learns_the_predictions_of_an_average(places: Places, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    executor = InProcess(Setup(places, folder=folder))
    for name in ("one", "other"):
        executor.submit(0, Train(SIGNED, save=name), lambda _: True)
        list(executor.answers(0.1))
    save_average([folder.model("one"), folder.model("other")], folder.model("best"))
    found = distill(confirmed(folder.model("best"), (0, 1), SIGNED), executor, folder)
    assert found.recipe.seed == 1002
    assert found.test is not None
    assert found.test_interval is not None
    assert found.test > 0.8
    assert found.test_interval[0] < found.test <= found.test_interval[1]
    assert found.parameters == 2 * 12 + 12 + 12 * 2 + 2
    inputs = training_set("circle", places).examples.inputs
    taught, teacher = (predict(load_model(path), UNSCALED, inputs) for path in (found.model, folder.model("best")))
    assert (classes_of(taught) == classes_of(teacher)).mean() > 0.9
    assert sorted(each.name for each in tmp_path.glob("distilled*")) == ["distilled.json", "distilled.keras"]


@pytest.mark.slow
def test_a_table_model_is_distilled_also_after_cross_validation(
    iris_model: Path, places: Places, tmp_path: Path
) -> None:
    teacher = load_model(iris_model)
    *others, kernel, bias = teacher.get_weights()
    teacher.set_weights([*others, 0 * kernel, np.array([8, 0, 0], bias.dtype)])  # it always answers setosa
    teacher.save(tmp_path / "best.keras")
    recipe = Recipe.from_dict(json.loads(iris_model.with_suffix(".json").read_text())["recipe"])
    recipe = replace(recipe, protocol=KFold(folds=2), training=Training(epochs=30, batch_size=16))
    executor = InProcess(Setup(places, folder=Folder(tmp_path)))
    found = distill(confirmed(tmp_path / "best.keras", (0, 1), recipe), executor, Folder(tmp_path))
    assert found.test == pytest.approx(1 / 3)
    predictor = Predictor.load(found.model)
    assert predictor.recipe == found.recipe
    assert set(predictor.predict(read_table("sklearn:iris")).classes) == {"setosa"}


def test_a_single_network_is_not_distilled(tmp_path: Path, places: Places) -> None:
    with pytest.raises(StudyError, match=r"is one network already: there is nothing to distill"):
        distill(confirmed(tmp_path / "best.keras", (0,)), InProcess(Setup(places)), Folder(tmp_path))


@pytest.mark.slow
def test_a_teacher_takes_the_place_of_the_labels(places: Places) -> None:
    data = training_set("circle", places)

    def contrary(inputs: np.ndarray) -> np.ndarray:
        """Always the first class."""
        return np.tile(np.array([[1.0, 0.0]], np.float32), (len(inputs), 1))

    recipe = replace(RECIPE, training=replace(RECIPE.training, loss=CategoricalCrossentropy(), epochs=20))
    taught = run(recipe, data, teach=contrary)
    alone = run(recipe, data)
    assert taught.training is not None
    assert taught.validation is not None
    assert taught.training.accuracy > 0.9, "it agrees with its teacher"
    assert taught.validation.accuracy == pytest.approx(0.5, abs=0.1), "and not with what is true"
    assert alone.folds != taught.folds, "a traced network forgets its teacher"
