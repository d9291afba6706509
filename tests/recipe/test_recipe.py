"""Recipes: round trips and stable keys."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.strategies import recipes
from tuner.base.errors import Invalid
from tuner.networks import Dense, Hidden
from tuner.networks.columns import Column
from tuner.recipe import Data, Recipe, Table, Training, describe
from tuner.space import override

PLAIN = Recipe(data=Data(name="digits"), network=Dense(widths=(8,)))


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(recipes())
def test_any_recipe_survives_json_with_its_key(recipe: Recipe) -> None:
    again = Recipe.from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe
    assert again.key == recipe.key


def test_the_key_of_a_recipe_never_changes() -> None:
    """Studies in people's storages are found again by these: a change here orphans them."""
    assert PLAIN.key == "7dfdbca3db546e83"


def test_the_key_of_a_table_is_that_of_earlier_versions_unless_a_column_has_a_format() -> None:
    columns = Column(name="a", kind="number"), Column(name="d", kind="date")
    data = Table(path="t.csv", target="y", columns=columns)
    recipe = Recipe(data=data, network=Dense(widths=(3,)))
    assert recipe.key == "89c3d83bbe663566"
    ordered = replace(data, columns=(columns[0], replace(columns[1], format="%d/%m/%Y")))
    assert replace(recipe, data=ordered).key != recipe.key
    assert replace(recipe, data=replace(data, missing=("?",))).key != recipe.key


KEYS: dict[str, dict[str, Any]] = {
    "37959c9fbe6e8276": {
        "data": {"name": "fashion-mnist", "scaling": "standard"},
        "protocol": {"kind": "holdout", "validation": 10_000, "pick": "last"},
        "network": {
            "kind": "convolutional",
            "filters": [32, 64],
            "pool_every": 2,
            "widths": [128],
            "hidden": {"activation": "leaky_relu", "dropout": [0.5], "batch_normalization": "after"},
        },
        "training": {"optimizer": {"kind": "adamw", "learning_rate": 0.002}, "schedule": "cosine", "keep": "best"},
        "seed": 3,
    },
    "37cc0411dd393b7f": {
        "data": {"name": "usps"},
        "protocol": {"kind": "k_fold", "folds": 10},
        "network": {
            "kind": "locally_connected",
            "filters": [16, 8],
            "dimensions": 2,
            "hidden": {"initializer": "he_normal", "kernel_l2": 0.01},
        },
        "training": {
            "loss": {"kind": "categorical_crossentropy", "label_smoothing": 0.1},
            "optimizer": {"kind": "nadam", "beta_1": 0.8},
        },
    },
    "067f918980b080c2": {
        "data": {"name": "xor"},
        "protocol": "on_test",
        "network": {
            "kind": "dense",
            "widths": [3],
            "input_dropout": 0.1,
            "output": "signed",
            "hidden": {"activation": "tanh", "precision": "bfloat16"},
        },
        "training": {
            "loss": "half_squared_error",
            "optimizer": {"kind": "sgd", "momentum": 0.9},
            "early_stopping": "patience",
        },
    },
    "818bfb7805561c6f": {
        "data": {"name": "mnist"},
        "protocol": "none",
        "network": {"kind": "dense", "widths": []},
        "training": {
            "loss": "mean_squared_error",
            "optimizer": "rmsprop",
            "schedule": {"kind": "steps", "every": 3},
        },
    },
}


@pytest.mark.parametrize("key", KEYS)
def test_what_was_written_before_decodes_to_the_same_key(key: str) -> None:
    recipe = Recipe.from_dict(KEYS[key])
    assert recipe.key == key
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))).key == key


def test_a_default_written_out_does_not_change_the_key() -> None:
    written = Recipe(data=Data(name="digits", scaling="unit"), network=Dense(widths=(8,), hidden=Hidden(dropout=0.0)))
    assert written.key == PLAIN.key


def test_every_difference_changes_the_key() -> None:
    others = [
        replace(PLAIN, seed=1),
        replace(PLAIN, data=Data(name="usps")),
        replace(PLAIN, network=Dense(widths=(9,))),
        replace(PLAIN, training=Training(epochs=11)),
    ]
    assert len({PLAIN.key, *(other.key for other in others)}) == 5


def table_recipe(**more: Any) -> Recipe:
    """A recipe for a table of one number."""
    data = {"kind": "table", "path": "a.csv", "target": "y", "columns": [{"name": "x", "kind": "number"}]}
    plain: dict[str, Any] = {"data": data, "network": {"kind": "dense", "widths": [4]}}
    for address, value in more.items():
        plain = override(plain, address.replace("__", "."), value)
    return Recipe.from_dict(plain)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"data__task": "regression"},
            "training.loss: must be one of mean_squared_error, mean_absolute_error, huber for regression, got "
            "'sparse_categorical_crossentropy'",
        ),
        (
            {"data__task": "regression", "training__loss": "huber"},
            "network.output: must be 'linear' for regression, got 'softmax'",
        ),
        (
            {
                "data__task": "regression",
                "training__loss": "huber",
                "network__output": "linear",
                "training__keep": "best",
            },
            "training.keep_by: must be one of validation_loss, validation_r2, validation_rmse, validation_mae for "
            "regression, got 'validation_accuracy'",
        ),
        (
            {
                "data__task": "regression",
                "training__loss": "huber",
                "network__output": "linear",
                "training__class_weights": "balanced",
            },
            "training.class_weights: must be 'none' for regression, which has no classes",
        ),
        (
            {"training__augmentation__mixup": 0.2, "training__loss": "categorical_crossentropy"},
            "training.augmentation: must be left out for a table, whose rows contain codes besides numbers, got {'shift': 0, 'flip': False, 'rotate': 0.0, 'zoom': 0.0, 'elastic': 0.0, 'erase': 0.0, 'mixup': 0.2}",
        ),
        (
            {"training__adversarial": 0.1},
            "training.adversarial: must be 0 for a table, whose rows contain codes besides numbers, got 0.1",
        ),
        ({"data__target": "x"}, "data.target: must not be one of the network's columns, got 'x'"),
        ({"data__task": "multi_label"}, "data.target: must be several labels, got 'y'"),
        ({"data__group": "g", "data__time": "t"}, "data.time: must be empty where there are groups, got 't'"),
    ],
)
def test_a_recipe_that_does_not_fit_its_task_or_table_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Invalid) as raised:
        table_recipe(**changes)
    assert str(raised.value) == complaint


def test_a_recipe_for_own_data_is_read_back_and_needs_its_facts() -> None:
    recipe = table_recipe()
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    with pytest.raises(Invalid, match="the data has not been read"):
        describe(recipe.data)


def test_the_facts_of_the_data_are_part_of_a_recipe() -> None:
    """Equal recipes have equal data."""
    found = {"identity": "a" * 16, "training_examples": 8, "test_examples": 2, "classes": ["u", "v"], "rarest": 4}
    one = table_recipe(data__found=found)
    other = table_recipe(data__found={**found, "identity": "b" * 16})
    assert len({one.key, other.key, table_recipe().key}) == 3
    assert (describe(one.data).outputs, describe(one.data).training_examples) == (2, 8)
