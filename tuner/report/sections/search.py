"""The search: all trials, their progress over time, pruning, what mattered, the best trials, the Pareto fronts."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from tuner.base.formatting import capitalized, four_digits, metric_label, metric_text
from tuner.base.metrics import METRICS
from tuner.charts import BLUE, ORANGE, VERMILION, Axis, Chart, Dots, Line, Mark, Point, metric_axis
from tuner.charts.content import Block, missing
from tuner.networks import layer_table
from tuner.recipe import Recipe, describe
from tuner.report.evidence import Evidence
from tuner.report.sections.parameters import (
    basis,
    difference_table,
    dots_by_kind,
    importance_chart,
    mean_differences,
    parallel_chart,
    slice_charts,
    value_axis,
)
from tuner.report.sections.trials import best_trials, last_value, looks_table
from tuner.storage import StudyRecord, TrialRecord

IDLE = 60.0
"""Seconds without any trial that count as a break between two calls."""

FRONTS = (
    ("parameters", "size", "parameters"),
    ("work", "work", "multiply-adds for one example"),
    ("latency", "latency", "milliseconds for one example"),
)
"""What a network costs: the end of the chart's id, of its title, and the label of the axis."""


def search_blocks(evidence: Evidence) -> Iterator[Block]:
    """All charts of the search, and its best trials."""
    if not evidence.record.trials:
        yield missing("No trial has been started yet.")
        return
    yield from (*history_charts(evidence.record), *_progress(evidence))
    yield from best_trials(evidence)
    yield from looks_table(evidence)
    if evidence.importances:
        yield importance_chart(evidence.importances)
    differences = mean_differences(evidence)
    if differences:
        yield from difference_table(evidence, differences)
    elif not evidence.importances:
        yield missing("Too few trials have finished to say which parameters mattered.")
    names = [each.parameter for each in evidence.importances or differences]
    yield from parallel_chart(evidence, names)
    yield from slice_charts(evidence, names)
    yield from _front_charts(evidence)


def history_charts(record: StudyRecord) -> Iterator[Chart]:
    """The value of each finished or pruned trial in order, and the best so far; none where fewer than two have a value."""
    known = [
        (trial, value)
        for trial in record.trials
        if trial.state in ("complete", "pruned") and (value := last_value(record, trial)) is not None
    ]
    values = [value for _, value in known]
    axis, best = value_axis(record, values), _best_so_far(record, lambda trial: float(trial.number))
    dots = [(trial, (float(trial.number), value), _tip(trial, value)) for trial, value in known]
    marks: tuple[Mark, ...] = (
        *dots_by_kind(dots),
        Line("best so far", VERMILION, best, step=True),
    )
    beyond = sum(not axis.is_within(value) for value in values)
    note = f"{beyond} trials lie beyond the edge, where they are drawn." if beyond else ""
    if len(known) > 1:
        yield Chart("history", "Every trial", Axis("trial", integers=True), axis, marks, note)


def _tip(trial: TrialRecord, value: float) -> str:
    recipe = f" ({trial.recipe.summary})" if trial.recipe else ""
    return f"{four_digits(value)}{recipe}"


def _progress(evidence: Evidence) -> Iterator[Chart]:
    """The best so far by minutes of searching, without the breaks between calls."""
    clock = _clock(evidence.record.trials)
    points = _best_so_far(evidence.record, lambda trial: clock(trial.ended or 0.0) / 60)
    improved = points[:1] + tuple(point for before, point in pairwise(points) if point[1] != before[1])
    marks = (Line("best so far", VERMILION, points, step=True), Dots("a new best", VERMILION, improved))
    if len(points) > 1:
        yield Chart(
            "time", "Best so far against time", Axis("minutes of searching"), value_axis(evidence.record), marks
        )


def _best_so_far(record: StudyRecord, place: Callable[[TrialRecord], float]) -> tuple[Point, ...]:
    trials = [trial for trial in record.trials if trial.values] if record.has_looks else record.finished
    trials, direction = sorted(trials, key=place), record.direction
    best = accumulate((trial.values[0] for trial in trials), lambda *values: direction.best(values))
    return tuple(zip(map(place, trials), best, strict=True))


def _clock(trials: Sequence[TrialRecord]) -> Callable[[float], float]:
    """Seconds of searching until a moment, without the breaks in which no trial ran."""
    spans = sorted((trial.started, trial.ended) for trial in trials if trial.started and trial.ended)
    first = end = spans[0][0] if spans else 0.0
    breaks = []
    for start, stop in spans:
        if start > end + IDLE:
            breaks.append((end, start))
        end = max(end, stop)
    return lambda moment: moment - first - math.fsum(stop - start for start, stop in breaks if stop <= moment)


def _front_charts(evidence: Evidence) -> Iterator[Chart]:
    """The metric of finished trials against parameters, multiply-adds and, where it was measured, latency; with the Pareto front.
    It is the optimized metric, or the first one where the study optimizes another number."""
    finished = [
        (trial.number, trial.recipe, trial.result, trial.result.validation.figures)
        for trial in evidence.record.compared
        if trial.recipe and trial.result and trial.result.validation
    ]
    optimized = next(iter(evidence.record.objectives), "").removeprefix("validation_")
    metric = next((name for *_, figures in finished for name in (optimized, *figures) if name in METRICS), optimized)
    known = [
        (number, figures[metric], (result.parameters, _multiply_adds(recipe), evidence.latencies.get(recipe.key)))
        for number, recipe, result, figures in finished
        if metric in figures
    ]
    for place, (id_, against, label) in enumerate(FRONTS):
        pairs = [(number, (float(x), y)) for number, y, costs in known if (x := costs[place]) is not None]
        if len({x for _, (x, _) in pairs}) > 1:
            points = tuple(point for _, point in pairs)
            tips = tuple(f"trial {each}: {metric_text(metric, y)}, {x:,.4g} {label}" for each, (x, y) in pairs)
            front = tuple(_front(points, METRICS[metric].direction.sign))
            marks = (
                Dots(basis(evidence.record), BLUE, points, tips),
                Line("nothing smaller is better", ORANGE, front, step=True),
            )
            axes = Axis(label, scale="log"), metric_axis(f"validation_{metric}")
            yield Chart(f"front-{id_}", f"{capitalized(metric_label(metric))} against {against}", *axes, marks)


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
