"""Portfolios: which recipes complement each other, and that a new study takes them as near as its space has them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tuner.networks import Dense
from tuner.portfolio import chosen
from tuner.recipe import Adam, Data, Recipe, Sgd, Training
from tuner.space import like, parse
from tuner.study.portfolio import portfolio

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


def test_recipes_are_chosen_that_complement_each_other() -> None:
    tried = [("a", recipe(8)), ("b", recipe(9)), ("c", recipe(10)), ("d", recipe(11))]
    errors = {
        0: {"one": 0.10, "two": 0.30},
        1: {"one": 0.20, "two": 0.20},
        2: {"one": 0.30, "two": 0.10},
        3: {"one": 0.05},  # failed on the other
    }
    found = list(chosen(tried, errors, most=3))
    assert [each.origin for each in found] == ["a", "c"], "the first alone, and what brings the other down"
    assert [each.regret for each in found] == pytest.approx([2.5, 1.5])
    assert set(found[0].plain) == {"origin", "errors", "network", "training"}


def test_the_file_is_for_data_that_had_no_part_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studies").mkdir()
    recipes = [{"origin": "one", "errors": {"one": 0.1, "two": 0.2}, "network": {}, "training": {}}]
    (tmp_path / "studies" / "portfolio.json").write_text(json.dumps({"recipes": recipes}))
    monkeypatch.chdir(tmp_path)
    assert portfolio(["three"]) == tuple(recipes)
    assert portfolio(["two"]) == ()


def test_what_brings_nothing_more_is_left_out() -> None:
    tried = [("a", recipe(8)), ("b", recipe(9))]
    assert len(list(chosen(tried, {0: {"one": 0.1}, 1: {"one": 0.1}}, most=2))) == 1


def test_a_recipe_becomes_an_assignment_of_a_space() -> None:
    found = like(SPACE, recipe(16, 99, optimizer=Sgd(momentum=0.5), batch_size=32).to_dict())
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
    found = like(SPACE, recipe(16, optimizer=Adam(kind="nadam"), batch_size=7).to_dict())
    assert found is not None
    assert found["training.batch_size"] == 16
    assert found["training.optimizer.kind"] == "adam"


def test_another_family_or_depth_is_nothing_alike() -> None:
    plain = recipe(16).to_dict()
    assert like(SPACE, {**plain, "network": {"kind": "convolutional"}}) is None
    assert like(SPACE, recipe(8, 8, 8).to_dict()) is None
