"""Forecasts that repeat values: of which row they are, and that they are reference models."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.demand import DEMAND, write_demand
from tuner.data.ingest.ingest import ingest
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.recipe import KFold, Recipe, Table, Training
from tuner.recipe.losses import PlainLoss
from tuner.references import model_names
from tuner.references.fit import fit_reference_models
from tuner.references.record import naive_forecasts


@pytest.fixture
def table(tmp_path: Path, places: Places) -> Table:
    write_demand(tmp_path)
    return ingest(DEMAND, tmp_path, places, lambda text: None)


@pytest.fixture
def recipe(table: Table) -> Recipe:
    return Recipe(
        data=table,
        protocol=KFold(folds=2, pick="last"),
        network=Dense(widths=(), output="linear"),
        training=Training(loss=PlainLoss(kind="mean_squared_error")),
    )


def test_a_season_ago_is_the_newest_known_value_of_the_same_day(table: Table) -> None:
    assert naive_forecasts(table) == {"last value": (13, 13, 13), "season ago": (7, 8, 9)}
    longer = replace(table, horizon=9)
    assert naive_forecasts(longer)["season ago"] == (7, 8, 9, 10, 11, 12, 13, 7, 8)
    assert list(naive_forecasts(replace(table, season=15))) == ["last value"]
    assert naive_forecasts(replace(table, horizon=0, target="label")) == {}


def test_repeated_values_are_reference_models(recipe: Recipe, places: Places) -> None:
    data = training_set(recipe.data, places)
    assert model_names("regression", recipe.data)[:2] == ("last value", "season ago")
    found = fit_reference_models(recipe, data, "rmse", seconds=60, names=("last value", "season ago"))
    by_name = {each.name: each for each in found}
    assert 2 < by_name["season ago"].figures["rmse"] < 5  # the noise of two days: √2 times its deviation of 2.3
    assert by_name["last value"].figures["rmse"] > 15  # the season is 10 a day
    assert np.isfinite(by_name["last value"].error)
    assert by_name["season ago"].sentence == "repeating the value of a season ago is"
