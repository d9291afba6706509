"""`export --as code` of a function's network: the script makes it with the answers that were found, and trains it as the search did."""

import json
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import models
from tests.support.parcels import PARCELS, write_parcels
from tuner.data.ingest.ingest import ingest
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.code import export_code
from tuner.networks import Function
from tuner.networks.asker import facts
from tuner.networks.function import Call
from tuner.networks.parts import offered_shapes
from tuner.networks.sources import source_at
from tuner.recipe import Adam, AnyData, Data, FallingRate, Recipe, Sgd, Training, describe
from tuner.run import train_folds

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # networks are trained


@pytest.fixture(autouse=True)
def imports_of_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a script imports is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "net_network", raising=False)


COMPILED = """
import keras

def build(trial, inputs, outputs):
    kind = trial.suggest_categorical("activation", ["relu", "tanh"])
    layers = [keras.layers.Flatten(), keras.layers.Dense(trial.suggest_int("units", 2, 8), kind)]
    model = keras.Sequential([keras.Input(inputs), *layers, keras.layers.Dense(outputs, "softmax")])
    rate = trial.suggest_float("rate", 0.1, 0.5)
    model.compile(keras.optimizers.SGD(rate, momentum=0.5), "categorical_crossentropy", metrics=["acc"])
    return model
"""
BY_HP = """
import keras

def build(hp, inputs, outputs):
    layers = [keras.Input((8, 8, 1))]
    kind = hp.Choice("kind", ["dense", "convolution"])
    with hp.conditional_scope("kind", ["convolution"]):
        filters = hp.Int("size", 2, 4)
    units = hp.Int("size", 5, 9, parent_name="kind", parent_values="dense")
    assert (filters is None) == (units is not None) and hp.get("size") == hp["size"] and "size" in hp
    if filters:
        layers.append(keras.layers.Conv2D(filters, 3))
    layers.append(keras.layers.Flatten())
    with hp.name_scope("last"):
        rate = hp.Float("dropout", 0.0, 0.0) + hp.Fixed("nothing", 0.0)
    if hp.Boolean("drops"):
        layers.append(keras.layers.Dropout(rate))
    return keras.Sequential([*layers, keras.layers.Dense(outputs, name="last")])
"""
TWO_INPUTS = """
import keras

def build(trial, inputs, outputs):
    photo, table = (keras.Input(inputs[name], name=name) for name in ("photo", "table"))
    both = keras.layers.concatenate([keras.layers.Flatten()(photo), table])
    both = keras.layers.Dense(trial.suggest_int("units", 4, 8), activation="relu")(both)
    model = keras.Model({"table": table, "photo": photo}, keras.layers.Dense(outputs)(both))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(trial.suggest_float("rate", 0.01, 0.02)), loss)
    return model
"""


def function_in(source: str, folder: Path, data: AnyData, option: int = -1, weights: str = "") -> Function:
    """The network of a function of a file, which gets the last answer of each range, or another one of the two ends."""
    about, answers = describe(data), dict[str, Any]()
    named, sha256 = source_at(str(folder / source), folder)
    shapes = offered_shapes(about.inputs)
    call = Call(named, sha256, shapes, about.outputs, weights=weights)
    info = facts(call, lambda name, hole: answers.setdefault(name, hole.points(2)[option]))
    assert not info.problem, info.problem
    return Function(source=named, sha256=sha256, answers=answers, found=info, weights=weights)


def require_same_training(recipe: Recipe, folder: Path, places: Places) -> str:
    """Export a recipe; its script begins with the same weights, and trains them to the same ones. Returns the script."""
    (folder / "best.json").write_text(json.dumps(models.metadata_of(recipe)))
    files = export_code(folder / "best.keras", folder / "out" / "net.py", places)
    assert sorted(files) == sorted((folder / "out").iterdir())
    text = files[0].read_text(encoding="utf-8")
    assert "tuner" not in re.sub('""".*?"""|#[^\\n]*|serializable\\("exported"', "", text, flags=re.DOTALL)
    (ours,) = train_folds(recipe, training_set(recipe.data, places))
    model, history = runpy.run_path(str(files[0]))["train"]()
    for wanted, got in zip(ours.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)  # sums in another order
    losses = [epoch.validation.loss for epoch in ours.fold.epochs if epoch.validation]
    assert history.history["val_loss"] == pytest.approx(losses, rel=1e-3)
    return text


def test_what_a_function_compiled_stays_and_its_rate_follows_the_schedule(tmp_path: Path, places: Places) -> None:
    (tmp_path / "nets.py").write_text(COMPILED)
    data = Data(name="digits")
    training = Training(
        epochs=3, batch_size=100, shuffle=False, schedule=FallingRate(kind="cosine"), keep="best", keep_by="validation_accuracy"
    )  # fmt: skip
    recipe = Recipe(data=data, network=function_in("nets.py:build", tmp_path, data), training=training, seed=5)
    text = require_same_training(replace(recipe, training=replace(training, keep="last")), tmp_path, places)
    assert "'units': 8" in text.replace('"', "'")
    (tmp_path / "best.json").write_text(json.dumps(models.metadata_of(recipe)))
    script = export_code(tmp_path / "best.keras", tmp_path / "best.py", places)[0].read_text(encoding="utf-8")
    assert "Differs: validation_accuracy: val_loss is watched in its place." in script


@pytest.mark.parametrize("option", [0, -1], ids=["dense", "convolution"])
def test_conditions_of_hp_hold_in_the_script_and_the_recipe_compiles(
    option: int, tmp_path: Path, places: Places
) -> None:
    (tmp_path / "nets.py").write_text(BY_HP)
    data = Data(name="digits")
    training = Training(epochs=2, batch_size=100, shuffle=False, optimizer=Adam(learning_rate=0.01))
    network = function_in("nets.py:build", tmp_path, data, option)
    require_same_training(Recipe(data=data, network=network, training=training), tmp_path, places)


def test_a_function_on_a_picture_and_a_table(tmp_path: Path, places: Places) -> None:
    write_parcels(tmp_path)
    (tmp_path / "nets.py").write_text(TWO_INPUTS)
    data = ingest(PARCELS, tmp_path, places, lambda text: None)
    training = Training(epochs=3, batch_size=10, shuffle=False)
    network = function_in("nets.py:build", tmp_path, data)
    require_same_training(Recipe(data=data, network=network, training=training), tmp_path, places)


def test_a_trained_model_lies_beside_the_script(tmp_path: Path, places: Places) -> None:
    import keras

    layers = [keras.layers.Flatten(), keras.layers.Dense(6, "tanh"), keras.layers.Dense(3)]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(tmp_path / "base.keras")
    data = Data(name="digits")
    training = Training(epochs=2, batch_size=100, shuffle=False, optimizer=Sgd(learning_rate=0.1))
    recipe = Recipe(data=data, network=function_in("base.keras", tmp_path, data), training=training)
    require_same_training(recipe, tmp_path, places)


def test_a_file_of_weights_is_copied(tmp_path: Path, places: Places) -> None:
    import keras

    text = COMPILED.replace("outputs):", "outputs, weights):")
    text = text.replace("    return", "    model.load_weights(weights)\n    return")
    (tmp_path / "nets.py").write_text(text)
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, "tanh"), keras.layers.Dense(10, "softmax")]
    keras.Sequential([keras.Input((8, 8)), *layers]).save_weights(tmp_path / "low.weights.h5")
    data, weights = Data(name="digits"), str(tmp_path / "low.weights.h5")
    training = Training(epochs=1, batch_size=100, shuffle=False)
    network = function_in("nets.py:build", tmp_path, data, weights=weights)
    require_same_training(Recipe(data=data, network=network, training=training), tmp_path, places)
    assert (tmp_path / "out" / "net_low.weights.h5").is_file()
