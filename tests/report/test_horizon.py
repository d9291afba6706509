"""The errors of a forecast by step, beside those of repeated values."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tuner.recipe
from tests.support.demand import DEMAND, write_demand
from tuner.charts.content import Table
from tuner.data.ingest.ingest import ingest
from tuner.data.load import held_out
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.recipe import Recipe, Training
from tuner.recipe.losses import PlainLoss
from tuner.report.predictions import Predictions
from tuner.report.sections.horizon import step_blocks


@pytest.fixture
def recipe(tmp_path: Path, places: Places) -> Recipe:
    write_demand(tmp_path)
    data = ingest(DEMAND, tmp_path, places, lambda text: None)
    training = Training(loss=PlainLoss(kind="mean_squared_error"))
    return Recipe(data=data, network=Dense(widths=(), output="linear"), training=training)


def predictions(recipe: Recipe, places: Places) -> Predictions:
    """Those of a model that is 1, 2 and 3 too high one, two and three steps ahead."""
    examples = held_out(recipe.data, places).examples
    outputs = (examples.labels + np.array([1, 2, 3], np.float32))[np.newaxis]
    rows = np.arange(len(examples))
    return Predictions("regression", ("sales+1", "sales+2", "sales+3"), outputs, 0, examples, rows, "demand.csv")


def test_each_step_has_its_errors_beside_repeated_values(recipe: Recipe, places: Places) -> None:
    table, chart = step_blocks(recipe, predictions(recipe, places))
    assert isinstance(table, Table)
    assert table.columns[:4] == ("step", "RMSE, the model", "RMSE, last value", "RMSE, season ago")
    assert [row[0] for row in table.rows] == [1, 2, 3]
    assert [row[1] for row in table.rows] == pytest.approx([1, 2, 3], rel=1e-4)
    assert [row[4] for row in table.rows] == pytest.approx([1, 2, 3], rel=1e-4)  # MAE
    assert all(row[2] > row[3] > 2 for row in table.rows)  # type: ignore[operator]
    assert [mark.name for mark in chart.marks] == ["the model", "last value", "season ago"]  # type: ignore[union-attr]


def test_no_horizon_has_no_steps(recipe: Recipe, places: Places) -> None:
    assert isinstance(recipe.data, tuner.recipe.Table)
    data = replace(recipe.data, horizon=0, target="label")
    assert not list(step_blocks(replace(recipe, data=data), predictions(recipe, places)))
