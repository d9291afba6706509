"""Recipes whose networks functions in files make."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks.asker import facts
from tuner.networks.function import Call, Function
from tuner.networks.sources import source_at
from tuner.recipe import Data, Recipe, Training
from tuner.run import train_folds
from tuner.training.train import Trained


@pytest.fixture
def recipe_of(tmp_path: Path) -> Callable[..., Recipe]:
    """A recipe whose network a function in a file makes."""

    def made(text: str, **training: Any) -> Recipe:
        (tmp_path / "my_nets.py").write_text(text)
        source, sha256 = source_at(f"{tmp_path / 'my_nets.py'}:build", tmp_path)
        info = facts(Call(source, sha256, (2,), 2), lambda _, hole: hole.points(2)[0])
        assert not info.problem
        network = Function(source=source, sha256=sha256, found=info)
        return Recipe(
            data=Data(name="xor"), network=network, training=Training(**{"batch_size": 50, "epochs": 2, **training})
        )

    return made


@pytest.fixture
def trained(places: Places) -> Callable[[Recipe], Trained]:
    """The network of a recipe, trained."""
    return lambda recipe: next(train_folds(recipe, training_set(recipe.data, places)))
