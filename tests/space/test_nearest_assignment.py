"""A recipe as an assignment of a space that does not have all of it."""

from typing import Any

from tuner.networks import Dense
from tuner.recipe import Adam, Data, Recipe, Sgd, Training
from tuner.space import nearest_assignment, parse

SPACE = parse(
    {
        "training": {
            "batch_size": {"choice": [16, 32]},
            "optimizer": {"one_of": ["adam", {"kind": "sgd", "momentum": {"low": 0.0, "high": 0.9}}]},
        },
        "network": {
            "one_of": [
                {"kind": "dense", "widths": {"repeat": {"low": 1, "high": 2}, "each": {"low": 8, "high": 64}}},
                "x",
            ]
        },
    }
)


def recipe(*widths: int, **training: Any) -> Recipe:
    """A dense recipe."""
    return Recipe(data=Data(name="xor"), network=Dense(widths=widths), training=Training(**training))


def test_a_recipe_becomes_an_assignment_of_a_space() -> None:
    found = nearest_assignment(SPACE, recipe(16, 99, optimizer=Sgd(momentum=0.5), batch_size=32).to_dict())
    assert found == {
        "training.batch_size": 32,
        "training.optimizer.kind": "sgd",
        "training.optimizer.sgd.momentum": 0.5,
        "network.kind": "dense",
        "network.dense.widths.count": 2,
        "network.dense.widths[0]": 16,
        "network.dense.widths[1]": 64,
    }


def test_what_a_space_does_not_have_is_taken_from_its_beginning() -> None:
    found = nearest_assignment(SPACE, recipe(16, optimizer=Adam(kind="nadam"), batch_size=7).to_dict())
    assert found is not None
    assert found["training.batch_size"] == 16
    assert found["training.optimizer.kind"] == "adam"


def test_another_family_or_depth_is_nothing_alike() -> None:
    plain = recipe(16).to_dict()
    assert nearest_assignment(SPACE, {**plain, "network": {"kind": "convolutional"}}) is None
    assert nearest_assignment(SPACE, recipe(8, 8, 8).to_dict()) is None
