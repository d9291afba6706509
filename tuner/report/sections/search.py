"""The search: all trials, their progress over time, pruning, important parameters, the best trials."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from tuner.base.formatting import duration_text, four_digits, metric_label
from tuner.charts import GREY, VERMILION, Axis, Bars, Chart, Dots, Line, Mark, Point
from tuner.charts.content import Block, Table, missing
from tuner.report.evidence import Evidence
from tuner.report.importance import FEWEST
from tuner.report.sections.fronts import front_charts, optimized_metric, sampling_error
from tuner.report.sections.parameters import clamped, dots_by_state, importance_chart, slice_charts, value_axis
from tuner.result import OBJECTIVES
from tuner.storage import TrialRecord

SHOWN = 10
IDLE = 60.0
"""Seconds without any trial that count as a break between two calls."""


def search_blocks(evidence: Evidence) -> Iterator[Block]:
    """All charts of the search, and its best trials."""
    if not evidence.record.trials:
        yield missing("No trial has been started yet.")
        return
    yield from (_history(evidence), _progress(evidence), _pruning(evidence))
    if evidence.importances:
        yield importance_chart(evidence.importances)
        yield from slice_charts(evidence)
    else:
        count = evidence.record.count("complete", "pruned")
        yield missing(f"Importances need {FEWEST} finished or pruned trials; there are {count}.")
    yield from front_charts(evidence)
    yield _best_trials(evidence)


def _history(evidence: Evidence) -> Chart:
    """The value of each finished or pruned trial in order, and the best so far."""
    known = [
        (trial, value)
        for trial in evidence.record.trials
        if trial.state in ("complete", "pruned") and (value := _last_value(evidence, trial)) is not None
    ]
    values = [value for _, value in known]
    axis, metric, best = value_axis(evidence, values), optimized_metric(evidence), evidence.record.best
    dots = [(trial.state, (float(trial.number), value), _tip(trial, value)) for trial, value in known]
    marks: tuple[Mark, ...] = (
        *(sampling_error(best, metric) if best and metric else ()),
        *dots_by_state(dots, axis),
        Line("best so far", VERMILION, _best_so_far(evidence, lambda trial: float(trial.number)), step=True),
    )
    beyond = sum(clamped(value, axis) != value for value in values)
    note = f"{beyond} trials lie beyond the edge, where they are drawn." if beyond else ""
    return Chart("history", "Every trial", Axis("trial", integers=True), axis, marks, note)


def _tip(trial: TrialRecord, value: float) -> str:
    recipe = f" ({trial.recipe.summary})" if trial.recipe else ""
    return f"trial {trial.number}: {four_digits(value)}{recipe}"


def _last_value(evidence: Evidence, trial: TrialRecord) -> float | None:
    """A finished trial's value, or a pruned one's value when it was stopped."""
    if trial.values:
        return trial.values[0]
    objective = OBJECTIVES[evidence.record.objectives[0]] if evidence.record.objectives else None
    if objective is None or objective.of_epoch is None or trial.result is None or not trial.result.folds:
        return None
    epochs = [epoch for epoch in trial.result.folds[0].epochs if epoch.is_finite]
    return objective.of_epoch(epochs[-1]) if epochs else None


def _progress(evidence: Evidence) -> Chart:
    """The best so far by minutes of searching, without the breaks between calls."""
    clock = _clock(evidence.record.trials)
    points = _best_so_far(evidence, lambda trial: clock(trial.ended or 0.0) / 60)
    improved = points[:1] + tuple(point for before, point in pairwise(points) if point[1] != before[1])
    marks = (Line("best so far", VERMILION, points, step=True), Dots("a new best", VERMILION, improved))
    return Chart("time", "Best so far against time", Axis("minutes of searching"), value_axis(evidence), marks)


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


def _pruning(evidence: Evidence) -> Block:
    """The number of trials that were pruned after each epoch."""
    pruned = (trial.result for trial in evidence.record.trials if trial.state == "pruned")
    counts = sorted(Counter(result.epochs for result in pruned if result and result.epochs).items())
    if not counts:
        return missing("No trial was pruned.")
    tips = tuple(f"{count} trials were stopped after epoch {epoch}" for epoch, count in counts)
    points = tuple((float(epoch), float(count)) for epoch, count in counts)
    axes = Axis("after epoch", integers=True), Axis("trials", low=0.0, integers=True)
    return Chart("pruned", "When trials were pruned", *axes, (Bars("", GREY, points, tips),))


def _best_trials(evidence: Evidence) -> Table:
    sign = -evidence.record.direction.sign
    best = sorted(evidence.record.finished, key=lambda trial: (sign * trial.values[0], trial.number))[:SHOWN]
    values = len(best[0].values) if best else 0
    names = tuple(map(metric_label, evidence.record.objectives)) or ("value",) * values  # of a study that others made
    rows = tuple(
        (
            trial.number,
            *trial.values,
            trial.recipe.summary if trial.recipe else "",
            trial.result.parameters if trial.result else None,
            trial.result.epochs if trial.result else None,
            duration_text(trial.result.seconds) if trial.result else "",
        )
        for trial in best
    )
    columns = ("trial", *names, "network and training", "parameters", "epochs", "time")
    return Table("best-trials", "The best trials", columns, rows, "By validation; all trials are in trials.csv.")
