"""What a training after cross-validation saves: the network on everything, or its average with those of the folds."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from scipy.special import softmax

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.recipe import Adam, Data, KFold, Recipe, Training
from tuner.recipe.losses import PlainLoss
from tuner.result import Result
from tuner.run import train_folds
from tuner.training.evaluation import predict
from tuner.training.saving import load_model
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Combine, Train
from tuner.worker.tasks import on_everything

RECIPE = Recipe(
    data=Data(name="xor"),
    network=Dense(widths=(8,)),
    training=Training(optimizer=Adam(learning_rate=0.05), epochs=2, batch_size=20),
    protocol=KFold(folds=4, trained=2),
)


@pytest.mark.parametrize("output", ["softmax", "signed"])
def test_the_networks_of_the_folds_are_averaged_with_the_one_on_everything(
    output: Literal["softmax", "signed"], places: Places, tmp_path: Path
) -> None:
    """Of probabilities their logarithms are, so that the average is as confident as one network."""
    loss = RECIPE.training.loss if output == "softmax" else PlainLoss(kind="mean_squared_error")
    training = replace(RECIPE.training, loss=loss)
    recipe = replace(RECIPE, network=Dense(widths=(8,), output=output), training=training)
    executor, folder = InProcess(Setup(places, folder=Folder(tmp_path))), Folder(tmp_path)
    executor.submit(0, Train(recipe, save="all", averages_folds=True), lambda _: True)
    ((_, result),) = executor.answers(1.0)
    assert isinstance(result, Result)
    data = training_set(recipe.data, places)
    inputs = data.examples.inputs
    recipes = recipe, on_everything(recipe)
    alone = [predict(each.model, each.scale, inputs) for one in recipes for each in train_folds(one, data)]
    mean = softmax(np.mean(np.log(alone), axis=0), axis=1) if output == "softmax" else np.mean(alone, axis=0)
    model = load_model(folder.model("all"))
    np.testing.assert_allclose(model(inputs), mean, rtol=1e-4, atol=1e-5)
    assert (len(alone), model.count_params()) == (3, 3 * result.parameters)
    for job in (Train(recipe, save="one"), Combine(("all",), "picked", with_folds=False)):
        executor.submit(0, job, lambda _: True)
        list(executor.answers(1.0))
    for name in ("one", "picked"):
        np.testing.assert_allclose(load_model(folder.model(name))(inputs), alone[-1], rtol=1e-4, atol=1e-5)
