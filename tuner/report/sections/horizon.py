"""The errors of a forecast, step by step, beside forecasts that only repeat values."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import metric_label
from tuner.base.metric_functions import compute_metrics
from tuner.charts import BLUE, GREY, VERMILION, Axis, Chart, Line
from tuner.charts.content import Block, Table
from tuner.recipe import Recipe
from tuner.recipe import Table as TableData
from tuner.references.record import naive_forecasts
from tuner.report.predictions import Predictions

MODEL = "the model"
Errors = Mapping[str, list[Mapping[str, float]]]
"""For each forecast the metrics of each step."""


def step_blocks(recipe: Recipe, winner: Predictions) -> Iterator[Block]:
    """For each target a table of RMSE and MAE by step on the test part, and a chart. Nothing where nothing is forecast."""
    data, naive = recipe.data, naive_forecasts(recipe.data)
    if not isinstance(data, TableData) or not naive:
        return
    forecasts = {MODEL: winner.predicted} | {name: winner.examples.inputs[:, list(at)] for name, at in naive.items()}
    for number, target in enumerate(data.targets):
        steps = range(number * data.horizon, (number + 1) * data.horizon)
        errors = {name: [_errors(winner, values, step) for step in steps] for name, values in forecasts.items()}
        suffix = f"-{number + 1}" if len(data.targets) > 1 else ""
        yield from (_table(suffix, target, errors), _chart(suffix, target, errors))


def _errors(winner: Predictions, values: NDArray[np.float32], step: int) -> Mapping[str, float]:
    return compute_metrics("regression", values[:, [step]], winner.true[:, [step]], winner.examples.weights)


def _table(suffix: str, target: str, errors: Errors) -> Table:
    """A row for each step; RMSE and MAE of each forecast."""
    columns = [(metric, name) for metric in ("rmse", "mae") for name in errors]
    rows = [(step + 1, *(errors[name][step][metric] for metric, name in columns)) for step in range(len(errors[MODEL]))]
    labels = tuple(f"{metric_label(metric)}, {name}" for metric, name in columns)
    title, note = f"{target}: errors by step", "Test part; a step is a row ahead."
    return Table(f"winner-steps{suffix}", title, ("step", *labels), tuple(rows), note)


def _chart(suffix: str, target: str, errors: Errors) -> Chart:
    pairs = zip(errors.items(), (BLUE, GREY, VERMILION), strict=False)
    points = {
        name: tuple((float(step), each["rmse"]) for step, each in enumerate(steps, 1)) for name, steps in errors.items()
    }
    marks = tuple(Line(name, color, points[name], dashed=name != MODEL) for (name, _), color in pairs)
    axes = Axis("step", integers=True), Axis(metric_label("rmse"), low=0.0)
    return Chart(f"winner-steps-chart{suffix}", f"{target}: RMSE by step", *axes, marks)
