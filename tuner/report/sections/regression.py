"""The errors of a final model that predicts numbers, target by target."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits, metric_label
from tuner.base.metric_functions import bootstrap_interval, compute_metrics
from tuner.base.metrics import metrics_for
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Dots, Hexes, Line, Mark, Rule
from tuner.charts.content import Block, Paragraph, Table
from tuner.report.predictions import Predictions

WORST = 20
CHARTED = 6
"""At most this many targets have charts; the table has all."""

RESAMPLED = 30_000
"""At most this many test examples have bootstrap intervals: those of more are narrow, and slow to compute."""

DOTS = 600
"""More points than these are counted in hexagons."""

ACROSS = 40
"""The number of hexagons in a row."""

Numbers = NDArray[np.float64]


def regression_blocks(winner: Predictions) -> Iterator[Block]:
    """Charts and the largest errors of each target, and a table of all targets."""
    several = len(winner.names) > 1
    tables = []
    for place, name in enumerate(winner.names[:CHARTED]):
        suffix = f"-{place + 1}" if several else ""
        true, predicted = winner.true[:, place].astype(np.float64), winner.predicted[:, place].astype(np.float64)
        if several:
            metrics = compute_metrics("regression", predicted[:, None], true[:, None], winner.examples.weights)
            yield Paragraph(
                f"{name}: {', '.join(f'{metric_label(each)} {four_digits(metrics[each])}' for each in metrics)}."
            )
        yield from _charts(suffix, name, true, predicted, winner)
        yield _error_histogram(suffix, name, predicted - true)
        tables.append(_largest_errors(suffix, name, true, predicted, winner))
    if several:
        yield _table_of_targets(winner)
    yield from tables


def _charts(suffix: str, name: str, true: Numbers, predicted: Numbers, winner: Predictions) -> Iterator[Chart]:
    def tip(index: int) -> str:
        return f"row {winner.rows.numbers[index]}: true {four_digits(true[index])}, predicted {four_digits(predicted[index])}"

    both = np.concatenate([true, predicted])
    margin = 0.04 * float(np.ptp(both)) or 1.0
    low, high = float(both.min()) - margin, float(both.max()) + margin
    yield Chart(
        f"winner-predicted{suffix}",
        f"{name}: predicted against true",
        Axis(f"true {name}", low=low, high=high),
        Axis(f"predicted {name}", low=low, high=high),
        (
            scatter_mark("test examples", true, predicted, tip, aspect=0.8),
            Line("as predicted", GREY, ((low, low), (high, high)), dashed=True),
        ),
        height=440,
    )
    yield Chart(
        f"winner-residuals{suffix}",
        f"{name}: residuals by predicted value",
        Axis(f"predicted {name}"),
        Axis("predicted minus true"),
        (
            scatter_mark("test examples", predicted, predicted - true, tip, aspect=0.8),
            Rule("exact", GREY, 0.0),
        ),
        "A slope or a funnel shows what the model has not learned: a bent mean, a spread that grows.",
        height=440,
    )


def _error_histogram(suffix: str, name: str, residuals: Numbers) -> Chart:
    bins = max(5, min(40, round(2 * math.sqrt(len(residuals)))))
    counts, edges = np.histogram(residuals, bins)
    width = float(edges[1] - edges[0])
    pairs = list(zip(edges[:-1].tolist(), counts.tolist(), strict=True))
    points = tuple((edge + width / 2, float(count)) for edge, count in pairs)
    tips = tuple(f"{count} examples from {four_digits(edge)} to {four_digits(edge + width)}" for edge, count in pairs)
    low, first, middle, third, high = np.quantile(residuals, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return Chart(
        f"winner-errors{suffix}",
        f"{name}: distribution of the residuals",
        Axis("predicted minus true"),
        Axis("test examples", low=0.0, whole=True),
        (
            Bars("test examples", BLUE, points, tips, width=0.94 * width),
            Rule("exact", GREY, 0.0, upright=True),
            Rule("median", VERMILION, middle, upright=True),
        ),
        f"Half of the residuals are from {four_digits(first)} to {four_digits(third)}, nine in ten from {four_digits(low)} to {four_digits(high)}.",
    )


def _table_of_targets(winner: Predictions) -> Table:
    rows = []
    for place, name in enumerate(winner.names):
        predicted, true = winner.predicted[:, [place]], winner.true[:, [place]]
        metrics = compute_metrics("regression", predicted, true, winner.examples.weights)
        cells = ((value, _interval(winner, metric, predicted, true)) for metric, value in metrics.items())
        rows.append((name, *(cell for pair in cells for cell in pair)))
    names = (column for each in metrics_for("regression") for column in (metric_label(each), "95 % interval"))
    return Table("winner-targets", "Target by target", ("target", *names), tuple(rows))


def _interval(winner: Predictions, metric: str, predicted: NDArray[Any], true: NDArray[Any]) -> str | None:
    if len(true) > RESAMPLED:
        return None
    low, high = bootstrap_interval(metric, predicted, true, winner.examples.weights, winner.examples.groups)
    return f"{four_digits(low)} to {four_digits(high)}"


def _largest_errors(suffix: str, name: str, true: Numbers, predicted: Numbers, winner: Predictions) -> Table:
    worst = np.argsort(-np.abs(predicted - true), kind="stable")[:WORST].tolist()
    rows = tuple(
        (str(winner.rows.numbers[each]), float(true[each]), float(predicted[each]), float(predicted[each] - true[each]))
        for each in worst
    )
    note = f"{len(worst)} of {len(true)} test examples; rows of {winner.rows.of}, counted from 1."
    columns = ("row", "true", "predicted", "predicted minus true")
    return Table(f"winner-worst{suffix}", f"{name}: the largest residuals", columns, rows, note, long=True)


def scatter_mark(
    name: str, x: NDArray[Any], y: NDArray[Any], tip: Callable[[int], str], *, aspect: float = 0.6
) -> Mark:
    """Points as dots, or their density as hexagons if there are many; `aspect` is the plot's height by its width."""
    if len(x) > DOTS:
        return _hexagons(name, np.asarray(x, np.float64), np.asarray(y, np.float64), aspect)
    points = tuple(zip(np.asarray(x, float).tolist(), np.asarray(y, float).tolist(), strict=True))
    opacity = 0.75 if len(points) <= 100 else 0.45
    return Dots(name, BLUE, points, tuple(map(tip, range(len(points)))), size=3.5, opacity=opacity)


def _hexagons(name: str, x: Numbers, y: Numbers, aspect: float) -> Hexes:
    """Points counted in a hexagonal lattice: each belongs to the nearest centre of two rectangular lattices."""
    width = (float(np.ptp(x)) or 1.0) / ACROSS
    apart = (float(np.ptp(y)) or 1.0) / (ACROSS * aspect) * math.sqrt(3) / 2
    u, v = x / width, y / apart
    one, other = ((np.round(u - shift) + shift, 2 * np.round(v / 2 - shift) + 2 * shift) for shift in (0.0, 0.5))
    far, farther = ((u - column) ** 2 + 0.75 * (v - row) ** 2 for column, row in (one, other))
    centres = np.where(far <= farther, np.stack(one), np.stack(other))
    places, counts = np.unique(centres, axis=1, return_counts=True)
    points = tuple(zip((places[0] * width).tolist(), (places[1] * apart).tolist(), strict=True))
    return Hexes(name, BLUE, points, tuple(map(float, counts)), width, apart)
