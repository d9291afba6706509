"""Targets of any shape: several outputs with losses and metrics of their own, maps, own test steps, compiled metrics as objective."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from tuner.base.errors import DataError, Invalid, StudyError
from tuner.base.metrics import METRICS, Direction
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.predictor import Predictor
from tuner.networks.build import build
from tuner.python.examples import examples_of
from tuner.python.search import load_study, optimize
from tuner.python.study import Changes, network_of, study_on
from tuner.recipe import Cut, Recipe, describe
from tuner.result import OBJECTIVES
from tuner.run import run
from tuner.study import StudyFile

HEAD = "import keras\n\ndef build(trial, inputs, outputs):\n"
BODY = HEAD + (
    "    start = keras.Input(inputs)\n"
    "    inside = keras.layers.Dense(trial.suggest_int('units', 8, 16), 'relu')(keras.layers.Flatten()(start))\n"
    "    digit, ink = keras.layers.Dense(10, 'softmax', name='digit')(inside), keras.layers.Dense(2, name='ink')(inside)\n"
)
NAMED = BODY + (
    "    assert outputs == {'digit': (), 'ink': (2,)}\n"
    "    model = keras.Model(start, {'ink': ink, 'digit': digit})\n"
    "    model.compile('sgd', {'digit': 'sparse_categorical_crossentropy', 'ink': 'mse'}, loss_weights={'digit': 1.0, 'ink': 0.5},\n"
    "                  metrics={'digit': 'accuracy', 'ink': 'mae'})\n"
    "    return model\n"
)
LISTED = BODY + (
    "    model = keras.Model(start, [digit, ink])\n"
    "    model.compile('sgd', ['sparse_categorical_crossentropy', 'mse'], metrics=[['accuracy'], ['mae']])\n"
    "    return model\n"
)
CODER = HEAD + (
    "    assert inputs == outputs == (8, 8)\n"
    "    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, padding='same', activation='relu'),\n"
    "        keras.layers.Conv2D(1, 3, padding='same', activation='sigmoid'), keras.layers.Reshape((8, 8))])\n"
    "    model.compile('adam', 'binary_crossentropy', metrics=['mae'])\n"
    "    return model\n"
)
OWN_TEST = """
import keras

class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.digit, self.ink = keras.layers.Dense(10, "softmax"), keras.layers.Dense(2)

    def call(self, inputs):
        flat = keras.ops.reshape(inputs, (-1, 64))
        return {"digit": self.digit(flat), "ink": self.ink(flat)}

    def test_step(self, data):
        x, y = data
        return {"loss": keras.ops.mean(keras.ops.abs(self(x, training=False)["ink"] - y["ink"])) + 7.0}

    def get_config(self):
        return {}

def build(trial, inputs, outputs):
    model = Own()
    model.compile("sgd", {"digit": "sparse_categorical_crossentropy", "ink": "mse"})
    return model
"""
IMAGES, CLASSES = load_digits(return_X_y=True)
X, Y = (IMAGES[:240] / 16).astype(np.float32).reshape(-1, 8, 8), CLASSES[:240]
INK = np.stack([X.mean((1, 2)), X.max((1, 2))], axis=1)
TARGETS = {"digit": Y, "ink": INK}
PARTS = (slice(180), slice(180, None))
TRAINING = {"epochs": 2, "batch_size": 32, "shuffle": False}


def study_of(text: str, folder: Path, places: Places, y: Any = TARGETS, **changes: Any) -> StudyFile:
    """The study that `optimize` makes for the digits and a function."""
    (folder / "my_nets.py").write_text(text)
    network = network_of(f"{folder / 'my_nets.py'}:build", None)
    own = Changes(network=network, training=TRAINING, test=Cut(share=0.0), **changes)
    return study_on(None, examples_of(X, y, for_function=True), own, places)


def on_holdout(file: StudyFile) -> Recipe:
    """The first recipe of a study, validated on the last 60 examples."""
    plain = file.corners[0][1].to_dict()
    return Recipe.from_dict({**plain, "protocol": {"kind": "holdout", "validation": 60, "pick": "last"}})


@pytest.mark.parametrize("text", [NAMED, LISTED])
def test_several_outputs_are_trained_as_by_keras(text: str, tmp_path: Path, places: Places) -> None:
    recipe = on_holdout(study_of(text, tmp_path, places))
    (fold,) = run(recipe, training_set(recipe.data, places)).folds
    about = describe(recipe.data)
    theirs = build(recipe.network, about.inputs, about.outputs, recipe.seed)
    truth = TARGETS if text == NAMED else [Y.astype(np.float32), INK]
    first, last = (keras.tree.map_structure(lambda each, part=part: each[part], truth) for part in PARTS)
    settings = {
        "validation_batch_size": 60,
        "shuffle": False,
        "verbose": 0,
    }  # Keras does not weigh batches by their size
    history = theirs.fit(X[:180], first, 32, 2, validation_data=(X[180:], last), **settings).history
    for place, epoch in enumerate(fold.epochs):
        assert epoch.validation is not None
        ours = {f"val_{name}": value for name, value in epoch.validation.figures.items()} | dict(epoch.training.figures)
        assert {**ours, "loss": epoch.training.loss, "val_loss": epoch.validation.loss} == pytest.approx(
            {name: values[place] for name, values in history.items()}, rel=1e-4
        )


def test_a_test_step_of_its_own_is_the_validation(tmp_path: Path, places: Places) -> None:
    recipe = on_holdout(study_of(OWN_TEST, tmp_path, places))
    (fold,) = run(recipe, training_set(recipe.data, places)).folds
    assert all(epoch.validation and 7 < epoch.validation.loss < 9 > epoch.training.loss for epoch in fold.epochs)


def test_a_model_of_several_outputs_is_searched_tested_and_predicts(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(NAMED)
    source, runs = f"{tmp_path / 'my_nets.py'}:build", tmp_path / "runs"
    search: dict[str, Any] = {
        "network": source,
        "objective": "validation_digit_accuracy",
        "training": TRAINING,
        "runs": runs,
    }
    tuned = optimize("outputs", X, TARGETS, **search, trials=1, minutes=1, workers=1, verbose=0)
    confirmed = tuned.confirmed
    assert confirmed is not None
    assert confirmed.measure == "digit_accuracy"
    assert set(confirmed.test_figures) == {"digit_accuracy", "digit_loss", "ink_loss", "ink_mae"}
    assert confirmed.test == confirmed.test_figures["digit_accuracy"]
    low, high = confirmed.intervals["ink_mae"].low, confirmed.intervals["ink_mae"].high
    assert low < confirmed.test_figures["ink_mae"] < high
    predicted = tuned.predict(X[:5])
    assert {name: each.shape for name, each in predicted.items()} == {"digit": (5, 10), "ink": (5, 2)}
    direct = keras.models.load_model(tuned.model, compile=False)(X[:5])
    assert predicted["ink"] == pytest.approx(np.asarray(direct["ink"]), abs=1e-5)
    assert list(Predictor.load(tuned.model).predict(X[:1]).frame())[-2:] == ["prediction_ink[0]", "prediction_ink[1]"]
    with pytest.raises(StudyError, match="has targets of your own, whose metrics its function computes"):
        tuned.score(X, Y)
    assert load_study("outputs", runs).record.best is not None


def test_a_map_is_a_target(tmp_path: Path, places: Places) -> None:
    file = study_of(CODER, tmp_path, places, y=X)
    assert file.objectives == ("validation_loss",)
    recipe = on_holdout(file)
    (fold,) = run(recipe, training_set(recipe.data, places)).folds
    assert fold.epochs[-1].validation is not None
    assert list(fold.epochs[-1].validation.figures) == ["mae"]


@pytest.mark.parametrize(
    ("text", "y", "message"),
    [
        (
            NAMED.replace("'ink': ink", "'other': ink"),
            TARGETS,
            "the outputs of its model are other, digit, and the targets",
        ),
        (
            LISTED.replace("[digit, ink]", "[digit]"),
            TARGETS,
            "the outputs of its model are one array, and the targets",
        ),
        (
            CODER.replace("    model.compile", "    0 and model.compile"),
            X,
            "build must compile its model, since targets of",
        ),
        (CODER.replace("Reshape((8, 8))", "Flatten()"), X, "its loss does not fit targets of the shape \\(64,\\)"),
        (NAMED, Y, "its model has 2 outputs, and the data have one target; for several outputs pass y as a dictionary"),
    ],
)
def test_outputs_that_are_not_the_targets_are_told(
    text: str, y: Any, message: str, tmp_path: Path, places: Places
) -> None:
    with pytest.raises(Invalid, match=message):
        study_of(text.replace("    assert outputs == {'digit': (), 'ink': (2,)}\n", ""), tmp_path, places, y=y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ({"digit": Y.astype(str), "ink": INK}, r"y\['digit'\]: must be numbers \(of classes: 0, 1, 2"),
        ({"digit": Y, "ink": INK[:9]}, r"y\['ink'\]: must have as many entries as the other targets, got 9"),
        (np.full((240, 2, 2), np.nan), "y: must be finite numbers, got nan"),
    ],
)
def test_targets_that_are_no_numbers_are_told(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        examples_of(X, y, for_function=True)


def test_an_unknown_metric_is_told_before_the_first_trial(tmp_path: Path, places: Places) -> None:
    with pytest.raises(Invalid, match=r"objective: must be one of validation_digit_accuracy, .*, got 'validation_auc'"):
        study_of(NAMED, tmp_path, places, objective="validation_auc")
    with pytest.raises(Invalid, match=r"unknown metric 'validation_area'; .* needs a name that ends as Keras's do"):
        study_of(NAMED, tmp_path, places, objective="validation_area")


def test_the_name_of_a_metric_tells_which_values_are_better() -> None:
    assert METRICS["digit_auc_2"].direction is Direction.MAXIMIZE
    assert OBJECTIVES["validation_ink_mae"].direction is Direction.MINIMIZE
    for unknown in ("area", "accuracy_gap", "validation_"):
        with pytest.raises(KeyError):
            METRICS[unknown]
