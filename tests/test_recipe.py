"""Recipes: round trips and stable keys."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from tests.strategies import recipes
from tuner.recipe import Data, Dense, Hidden, Recipe, Training

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
