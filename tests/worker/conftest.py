"""What tests of executors share: a training on a table of the user's."""

from pathlib import Path

import pytest

from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.study import load, setting


@pytest.fixture
def own_recipe(places: Places, tmp_path: Path) -> Recipe:
    """A short training on a small table, which has been read into the cache of the test session."""
    table, study = tmp_path / "points.csv", tmp_path / "own.toml"
    table.write_text("left,right,side\n" + "".join(f"{x},{-x},{'ab'[x % 2]}\n" for x in range(40)))
    columns = '[{ name = "left", kind = "number" }, { name = "right", kind = "number" }]'
    data = f'[recipe.data]\nkind = "table"\npath = "{table}"\ntarget = "side"\ncolumns = {columns}\n'
    study.write_text(data + '[recipe.network]\nkind = "dense"\nwidths = [2]\n')
    return load(study, "own", [setting("training.epochs=5")], places).corners[0][1]
