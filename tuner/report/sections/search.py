"""The search: all trials, their progress over time, pruning, what mattered, the best trials."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from tuner.base.formatting import four_digits
from tuner.charts import VERMILION, Axis, Chart, Dots, Line, Mark, Point
from tuner.charts.content import Block, missing
from tuner.report.evidence import Evidence
from tuner.report.sections.differences import difference_table, mean_differences
from tuner.report.sections.fronts import front_charts
from tuner.report.sections.parallel import parallel_chart
from tuner.report.sections.parameters import clamped, dots_by_state, importance_chart, slice_charts, value_axis
from tuner.report.sections.trials import best_trials, last_value
from tuner.storage import TrialRecord

IDLE = 60.0
"""Seconds without any trial that count as a break between two calls."""


def search_blocks(evidence: Evidence) -> Iterator[Block]:
    """All charts of the search, and its best trials."""
    if not evidence.record.trials:
        yield missing("No trial has been started yet.")
        return
    yield from (*_history(evidence), *_progress(evidence))
    yield from best_trials(evidence)
    if evidence.importances:
        yield importance_chart(evidence.importances)
    differences = mean_differences(evidence)
    if differences:
        yield from difference_table(differences)
    elif not evidence.importances:
        yield missing("Too few trials have finished to say which parameters mattered.")
    names = [each.parameter for each in evidence.importances or differences]
    yield from parallel_chart(evidence, names)
    yield from slice_charts(evidence, names)
    yield from front_charts(evidence)


def _history(evidence: Evidence) -> Iterator[Chart]:
    """The value of each finished or pruned trial in order, and the best so far."""
    known = [
        (trial, value)
        for trial in evidence.record.trials
        if trial.state in ("complete", "pruned") and (value := last_value(evidence, trial)) is not None
    ]
    values = [value for _, value in known]
    axis, best = value_axis(evidence, values), _best_so_far(evidence, lambda trial: float(trial.number))
    dots = [(trial.state, (float(trial.number), value), _tip(trial, value)) for trial, value in known]
    marks: tuple[Mark, ...] = (
        *dots_by_state(dots, axis),
        Line("best so far", VERMILION, tuple((x, clamped(y, axis)) for x, y in best), step=True),
    )
    beyond = sum(clamped(value, axis) != value for value in values)
    note = f"{beyond} trials lie beyond the edge, where they are drawn." if beyond else ""
    if len(known) > 1:
        yield Chart("history", "Every trial", Axis("trial", integers=True), axis, marks, note)


def _tip(trial: TrialRecord, value: float) -> str:
    recipe = f" ({trial.recipe.summary})" if trial.recipe else ""
    return f"trial {trial.number}: {four_digits(value)}{recipe}"


def _progress(evidence: Evidence) -> Iterator[Chart]:
    """The best so far by minutes of searching, without the breaks between calls."""
    clock = _clock(evidence.record.trials)
    points = _best_so_far(evidence, lambda trial: clock(trial.ended or 0.0) / 60)
    improved = points[:1] + tuple(point for before, point in pairwise(points) if point[1] != before[1])
    marks = (Line("best so far", VERMILION, points, step=True), Dots("a new best", VERMILION, improved))
    if len(points) > 1:
        yield Chart("time", "Best so far against time", Axis("minutes of searching"), value_axis(evidence), marks)


def _best_so_far(evidence: Evidence, place: Callable[[TrialRecord], float]) -> tuple[Point, ...]:
    trials, direction = sorted(evidence.record.finished, key=place), evidence.record.direction
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
