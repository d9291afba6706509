"""Phases as a part of a recipe: what they may name, and which recipes have them."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.base.errors import Invalid
from tuner.networks import Dense
from tuner.networks.function import Function, LayerInfo, NetworkInfo
from tuner.recipe import Data, Phase, Recipe, Training
from tuner.recipe.phases import learning, shares, step_cost

LAYERS = tuple(LayerInfo(name=name, multiply_adds=100) for name in ("block_1", "block_2", "block_3", "head"))
NETWORK = Function(source="nets.py:build", found=NetworkInfo(layers=LAYERS))
PHASES = [{"share": 0.25, "trainable": 1}, {"trainable": ["head", "block_[23]"], "learning_rate_factor": 0.1}]


def recipe_with(*phases: Any, network: Any = NETWORK) -> Recipe:
    """A recipe with these phases."""
    plain = Recipe(data=Data(name="xor"), network=network).to_dict()
    return Recipe.from_dict({**plain, "training": {**plain["training"], "phases": phases}})


def test_phases_are_a_part_of_the_recipe() -> None:
    recipe = recipe_with(*PHASES)
    assert shares(recipe.training.phases) == [0.25, 0.75]
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.key != recipe_with().key == replace(recipe, training=Training()).key
    assert recipe.summary.endswith("batch 32, last 1 at 1×, head block_[23] at 0.1×")


def test_the_layers_of_a_function_are_no_part_of_its_recipes_key() -> None:
    assert recipe_with().key == recipe_with(network=Function(source="nets.py:build", found=NetworkInfo())).key


def test_layers_are_named_by_patterns_or_counted_from_the_last() -> None:
    assert learning("*", LAYERS) == (True,) * 4
    assert learning(1, LAYERS) == (False, False, False, True)
    assert learning(("head", "block_[23]"), LAYERS) == (False, True, True, True)
    assert [step_cost(each, LAYERS) for each in ("*", 1, "block_3")] == pytest.approx([1, 6 / 12, 7 / 12])


@pytest.mark.parametrize(
    ("phases", "network", "problem"),
    [
        ([{"trainable": "heat"}], NETWORK, r"training.phases\[0\].trainable: no layer with weights is called 'heat'; did you"),
        ([{"trainable": 5}], NETWORK, "must be at most the 4 layers with weights, got 5"),
        ([{"trainable": 0}], NETWORK, "must be a pattern of names such as"),
        ([{"trainable": 1}, {}], NETWORK, r"training.phases\[0\].share: must be above 0 in all phases but the last"),
        ([{"share": 0.5}, {"share": 0.5}, {}], NETWORK, "must leave a share of the steps for the last one"),
        ([{"share": 0.5}, {"share": 0.4}], NETWORK, r"phases\[1\].share: must be what the other phases leave, 0.5"),
        ([{}], Dense(widths=(4,)), r"training.phases: must be left out for a network of kind 'dense'"),
    ],
)  # fmt: skip
def test_phases_that_cannot_be(phases: Any, network: Any, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        recipe_with(*phases, network=network)


def test_one_phase_for_all_is_an_ordinary_training() -> None:
    assert shares((Phase(),)) == shares(()) == [1.0]
