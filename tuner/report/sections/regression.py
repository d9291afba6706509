"""The errors of a final model that predicts numbers, target by target."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import four_digits, metric_label
from tuner.base.metrics import metrics_for
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Dots, Hexes, Line, Mark, Rule
from tuner.charts.content import Block, Cell, Table
from tuner.report.predictions import Predictions

WORST = 20
CHARTED = 6
"""At most this many targets have charts; the table has all."""

DOTS = 600
"""More points than these are counted in hexagons."""

ACROSS = 40
"""The number of hexagons in a row."""

ASPECT = 0.8
"""The height of a plot by its width."""

Numbers = NDArray[np.float64]


def regression_blocks(winner: Predictions) -> Iterator[Block]:
    """Charts of each target, a table of all targets, and the largest errors of each."""
    targets = [winner.of_target(place) for place in range(len(winner.names))]
    charted = {f"-{number}" if len(targets) > 1 else "": each for number, each in enumerate(targets[:CHARTED], start=1)}
    for suffix, target in charted.items():
        yield from _scatter_charts(suffix, target)
        yield _error_histogram(suffix, target)
    if len(targets) > 1:
        yield _table_of_targets(targets)
    yield from (_largest_errors(suffix, target) for suffix, target in charted.items())


def _numbers(target: Predictions) -> tuple[Numbers, Numbers]:
    """The true and the predicted values of one target (examples,)."""
    return target.true[:, 0].astype(np.float64), target.predicted[:, 0].astype(np.float64)


def _scatter_charts(suffix: str, target: Predictions) -> Iterator[Chart]:
    (name,), (true, predicted) = target.names, _numbers(target)

    def tip(index: int) -> str:
        values = f"true {four_digits(true[index])}, predicted {four_digits(predicted[index])}"
        return f"row {target.row_numbers[index]}: {values}"

    both = np.concatenate([true, predicted])
    margin = 0.04 * float(np.ptp(both)) or 1.0
    low, high = float(both.min()) - margin, float(both.max()) + margin
    yield Chart(
        f"winner-predicted{suffix}",
        f"{name}: predicted against true",
        Axis(f"true {name}", low=low, high=high),
        Axis(f"predicted {name}", low=low, high=high),
        (
            scatter_mark("test examples", true, predicted, tip),
            Line("as predicted", GREY, ((low, low), (high, high)), dashed=True),
        ),
        height=440,
    )
    yield Chart(
        f"winner-residuals{suffix}",
        f"{name}: residuals by predicted value",
        Axis(f"predicted {name}"),
        Axis("predicted minus true"),
        (scatter_mark("test examples", predicted, predicted - true, tip), Rule("exact", GREY, 0.0)),
        "A slope or a funnel shows what the model has not learned: a bent mean, a spread that grows.",
        height=440,
    )


def _error_histogram(suffix: str, target: Predictions) -> Chart:
    true, predicted = _numbers(target)
    residuals = predicted - true
    bins = max(5, min(40, round(2 * math.sqrt(len(residuals)))))
    counts, edges = np.histogram(residuals, bins)
    width = float(edges[1] - edges[0])
    pairs = list(zip(edges[:-1].tolist(), counts.tolist(), strict=True))
    points = tuple((edge + width / 2, float(count)) for edge, count in pairs)
    tips = tuple(f"{count} examples from {_range_text((edge, edge + width))}" for edge, count in pairs)
    low, first, middle, third, high = np.quantile(residuals, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    half, most = _range_text((first, third)), _range_text((low, high))
    return Chart(
        f"winner-errors{suffix}",
        f"{target.names[0]}: distribution of the residuals",
        Axis("predicted minus true"),
        Axis("test examples", low=0.0, integers=True),
        (
            Bars("test examples", BLUE, points, tips, width=0.94 * width),
            Rule("exact", GREY, 0.0, upright=True),
            Rule("median", VERMILION, middle, upright=True),
        ),
        f"Half of the residuals are from {half}, nine in ten from {most}.",
    )


def _range_text(ends: tuple[float, float]) -> str:
    return " to ".join(map(four_digits, ends))


def _table_of_targets(targets: Sequence[Predictions]) -> Table:
    rows = []
    for each in targets:
        cells: list[tuple[Cell, Cell]] = [
            (value, str(each.interval(name) or "")) for name, value in each.metrics.items()
        ]
        rows.append((each.names[0], *chain.from_iterable(cells)))
    names = ((metric_label(each), "95 % interval") for each in metrics_for("regression"))
    return Table("winner-targets", "Target by target", ("target", *chain.from_iterable(names)), tuple(rows))


def _largest_errors(suffix: str, target: Predictions) -> Table:
    true, predicted = _numbers(target)
    worst = np.argsort(-np.abs(predicted - true), kind="stable")[:WORST]
    values = (each[worst].tolist() for each in (true, predicted, predicted - true))
    cells = zip(map(str, target.row_numbers[worst]), *values, strict=True)
    rows = tuple((*each, *inputs) for each, inputs in zip(cells, target.values(worst), strict=True))
    note = f"{len(worst)} of {len(true)} test examples; rows of {target.row_source}, counted from 1."
    columns = ("row", "true", "predicted", "predicted minus true", *(column.name for column in target.columns))
    return Table(f"winner-worst{suffix}", f"{target.names[0]}: the largest residuals", columns, rows, note, long=True)


def scatter_mark(name: str, x: Numbers, y: Numbers, tip: Callable[[int], str]) -> Mark:
    """Points as dots, or their density as hexagons if there are many."""
    if len(x) > DOTS:
        return _hexagons(name, x, y)
    points = tuple(zip(x.tolist(), y.tolist(), strict=True))
    opacity = 0.75 if len(points) <= 100 else 0.45
    return Dots(name, BLUE, points, tuple(map(tip, range(len(points)))), size=3.5, opacity=opacity)


def _hexagons(name: str, x: Numbers, y: Numbers) -> Hexes:
    """Points counted in a hexagonal lattice: each belongs to the nearest centre of two rectangular lattices."""
    width = (float(np.ptp(x)) or 1.0) / ACROSS
    apart = (float(np.ptp(y)) or 1.0) / (ACROSS * ASPECT) * math.sqrt(3) / 2
    u, v = x / width, y / apart
    one, other = ((np.round(u - shift) + shift, 2 * np.round(v / 2 - shift) + 2 * shift) for shift in (0.0, 0.5))
    far, farther = ((u - column) ** 2 + 0.75 * (v - row) ** 2 for column, row in (one, other))
    centres = np.where(far <= farther, np.stack(one), np.stack(other))
    places, counts = np.unique(centres, axis=1, return_counts=True)
    points = tuple(zip((places[0] * width).tolist(), (places[1] * apart).tolist(), strict=True))
    return Hexes(name, BLUE, points, tuple(map(float, counts)), width, apart)
