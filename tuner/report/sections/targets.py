"""How far the numbers that the winner tells are from the true ones."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.formatting import metric_label
from tuner.base.metric_functions import bootstrap_interval, compute_metrics
from tuner.base.metrics import metrics_for
from tuner.charts import BLUE, GREY, VERMILION, Axis, Bars, Chart, Line, Rule
from tuner.charts.content import Block, Paragraph, Table
from tuner.report.density import cloud
from tuner.report.predictions import Predictions
from tuner.report.words import number

WORST = 20
DRAWN = 6
"""So many targets have charts; of more there is the table."""

SMALL = 30_000
"""Intervals are drawn of so many test examples at most: of more they are narrow, and take long."""

Numbers = NDArray[np.float64]


def told_of_targets(winner: Predictions) -> Iterator[Block]:
    """All of it, target by target."""
    for place, name in enumerate(winner.names[:DRAWN]):
        true, said = winner.true[:, place].astype(np.float64), winner.said[:, place].astype(np.float64)
        id_ = "" if len(winner.names) == 1 else f"-{place + 1}"
        if len(winner.names) > 1:
            figures = compute_metrics("regression", said[:, None], true[:, None], winner.examples.weights)
            yield Paragraph(
                f"{name}: {', '.join(f'{metric_label(each)} {number(figure)}' for each, figure in figures.items())}."
            )
        yield _against_true(id_, name, true, said, winner)
        yield _residuals(id_, name, true, said, winner)
        yield _distribution(id_, name, said - true)
    if len(winner.names) > 1:
        yield _target_by_target(winner)
    for place, name in enumerate(winner.names[:DRAWN]):
        yield _worst(place, name, winner)


def _against_true(id_: str, name: str, true: Numbers, said: Numbers, winner: Predictions) -> Chart:
    low, high = _ends(np.concatenate([true, said]))
    return Chart(
        f"winner-predicted{id_}",
        f"{name}: predicted against true",
        Axis(f"true {name}", low=low, high=high),
        Axis(f"predicted {name}", low=low, high=high),
        (
            cloud("test examples", true, said, lambda index: _tip(winner, index, true, said), aspect=0.8),
            Line("as predicted", GREY, ((low, low), (high, high)), dashed=True),
        ),
        height=440,
    )


def _residuals(id_: str, name: str, true: Numbers, said: Numbers, winner: Predictions) -> Chart:
    return Chart(
        f"winner-residuals{id_}",
        f"{name}: how far off, by what is predicted",
        Axis(f"predicted {name}"),
        Axis("predicted minus true"),
        (
            cloud("test examples", said, said - true, lambda index: _tip(winner, index, true, said), aspect=0.8),
            Rule("exact", GREY, 0.0),
        ),
        "A slope or a funnel says what is not learned yet: means that bend, spreads that grow.",
        height=440,
    )


def _distribution(id_: str, name: str, residuals: Numbers) -> Chart:
    edges = np.histogram_bin_edges(residuals, bins=_bins(residuals))
    counts, width = np.histogram(residuals, edges)[0], float(edges[1] - edges[0])
    points = tuple((float(edge + width / 2), float(count)) for edge, count in zip(edges[:-1], counts, strict=True))
    tips = tuple(
        f"{count} examples from {number(edge)} to {number(edge + width)}"
        for edge, count in zip(edges[:-1].tolist(), counts.tolist(), strict=True)
    )
    low, first, middle, third, high = np.quantile(residuals, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return Chart(
        f"winner-errors{id_}",
        f"{name}: how far off, how often",
        Axis("predicted minus true"),
        Axis("test examples", whole=True),
        (
            Bars("test examples", BLUE, points, tips, width=0.94 * width),
            Rule("exact", GREY, 0.0, upright=True),
            Rule("median", VERMILION, middle, upright=True),
        ),
        f"Half of the examples are off by {number(first)} to {number(third)}, nine in ten by {number(low)} to {number(high)}.",
    )


def _bins(residuals: Numbers) -> int:
    return max(5, min(40, round(2 * math.sqrt(len(residuals)))))


def _target_by_target(winner: Predictions) -> Table:
    weights, rows = winner.examples.weights, []
    for place, name in enumerate(winner.names):
        said, true = winner.said[:, [place]], winner.true[:, [place]]
        figures = compute_metrics("regression", said, true, weights)
        around = [_interval(winner, measure, place) for measure in figures]
        rows.append((name, *(cell for pair in zip(figures.values(), around, strict=True) for cell in pair)))
    columns = (
        "target",
        *(column for each in metrics_for("regression") for column in (metric_label(each), "95 % interval")),
    )
    return Table("winner-targets", "Target by target", columns, tuple(rows))


def _interval(winner: Predictions, measure: str, place: int) -> str | None:
    if len(winner.true) > SMALL:
        return None
    among = winner.examples.weights, winner.examples.groups
    low, high = bootstrap_interval(measure, winner.said[:, [place]], winner.true[:, [place]], *among)
    return f"{number(low)} to {number(high)}"


def _worst(place: int, name: str, winner: Predictions) -> Table:
    true, said = winner.true[:, place].astype(np.float64), winner.said[:, place].astype(np.float64)
    worst = np.argsort(-np.abs(said - true), kind="stable")[:WORST].tolist()
    rows = tuple(
        (str(winner.rows.numbers[each]), float(true[each]), float(said[each]), float(said[each] - true[each]))
        for each in worst
    )
    id_ = "" if len(winner.names) == 1 else f"-{place + 1}"
    title = f"{name}: the farthest off"
    note = f"{len(worst)} of {len(true)} test examples; rows of {winner.rows.of}, counted from 1."
    return Table(f"winner-worst{id_}", title, ("row", "true", "predicted", "predicted minus true"), rows, note, True)


def _tip(winner: Predictions, index: int, true: Numbers, said: Numbers) -> str:
    return f"row {winner.rows.numbers[index]}: true {number(true[index])}, predicted {number(said[index])}"


def _ends(values: Numbers) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air
