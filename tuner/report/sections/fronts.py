"""The metric of finished trials against their size, work and latency, with the Pareto front."""

import math
from collections.abc import Iterator, Sequence

from tuner.base.formatting import capitalized, metric_label, metric_text
from tuner.base.metrics import METRICS
from tuner.charts import BLUE, ORANGE, Axis, Chart, Dots, Line, Mark, Point, metric_axis
from tuner.networks import layer_table
from tuner.recipe import Recipe, describe
from tuner.report.evidence import Evidence
from tuner.storage import TrialRecord


def metric_of(trial: TrialRecord, metric: str) -> float:
    """A validation metric of a trial; NaN if it is not known."""
    scores = trial.result.validation if trial.result else None
    return scores.figures.get(metric, math.nan) if scores else math.nan


def optimized_metric(evidence: Evidence) -> str | None:
    """The metric that the study optimizes; None if that is another number, such as the loss."""
    name = next(iter(evidence.record.objectives), "").removeprefix("validation_")
    return name if name in METRICS else None


def front_charts(evidence: Evidence) -> Iterator[Chart]:
    """The metric against parameters, multiply-adds and, where it was measured, latency."""
    known = [(trial, trial.recipe, trial.result) for trial in evidence.record.finished if trial.recipe and trial.result]
    scored = next((result.validation for *_, result in known if result.validation), None)
    if scored is None:
        return
    metric, latencies = optimized_metric(evidence) or next(iter(scored.figures)), evidence.latencies
    for id_, against, label, costs in (
        ("parameters", "size", "parameters", [result.parameters for *_, result in known]),
        ("work", "work", "multiply-adds for one example", [_multiply_adds(recipe) for _, recipe, _ in known]),
        ("latency", "latency", "milliseconds for one example", [latencies.get(recipe.key) for _, recipe, _ in known]),
    ):
        points = [(trial, float(cost)) for (trial, *_), cost in zip(known, costs, strict=True) if cost is not None]
        title = f"{capitalized(metric_label(metric))} against {against}"
        if len({cost for _, cost in points}) > 1:
            axes = Axis(label, scale="log"), metric_axis(f"validation_{metric}")
            yield Chart(f"front-{id_}", title, *axes, tuple(_front_marks(label, metric, points)))


def _front_marks(label: str, metric: str, costs: Sequence[tuple[TrialRecord, float]]) -> Iterator[Mark]:
    """The trials with their costs, and the Pareto front."""
    sign = METRICS[metric].direction.sign
    points = tuple((cost, metric_of(trial, metric)) for trial, cost in costs)
    tips = tuple(
        f"trial {trial.number}: {metric_text(metric, y)}, {x:,.4g} {label}"
        for (trial, _), (x, y) in zip(costs, points, strict=True)
    )
    yield Dots("finished trials", BLUE, points, tips)
    yield Line("nothing smaller is better", ORANGE, tuple(_front(points, sign)), step=True)


def _multiply_adds(recipe: Recipe) -> int:
    data = describe(recipe.data)
    return sum(layer.multiply_adds for layer in layer_table(recipe.network, data.inputs, data.outputs))


def _front(points: Sequence[Point], sign: int) -> Iterator[Point]:
    """Each point that is better than all smaller ones, by size; `sign` is -1 if less is better."""
    best = -math.inf
    for size, value in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if sign * value > best:
            best = sign * value
            yield size, value
