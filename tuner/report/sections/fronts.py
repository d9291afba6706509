"""The metric of finished trials against their size, work and latency, with the Pareto front."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tuner.base.formatting import capitalized, metric_label, metric_text
from tuner.base.metric_functions import wilson_interval
from tuner.base.metrics import METRICS, standard_error
from tuner.charts import BLUE, GREY, ORANGE, Axis, Chart, Dots, Line, Mark, Point, Rule, metric_axis
from tuner.data.splits import validated_on
from tuner.documents.figures import NORMAL
from tuner.networks import layer_table
from tuner.recipe import Recipe, describe
from tuner.report.evidence import Evidence
from tuner.result import Result, Scores
from tuner.storage import TrialRecord


@dataclass(frozen=True)
class ValidatedTrial:
    """A trial with a recipe, a result and validation scores."""

    number: int
    recipe: Recipe
    result: Result
    validation: Scores

    def metric(self, name: str) -> float:
        """A validation metric; NaN if it is not known."""
        return self.validation.figures.get(name, math.nan)


def validated_trials(trials: Sequence[TrialRecord]) -> list[ValidatedTrial]:
    """The trials that have validation scores."""
    return [
        ValidatedTrial(trial.number, trial.recipe, trial.result, trial.result.validation)
        for trial in trials
        if trial.recipe and trial.result and trial.result.validation
    ]


def optimized_metric(evidence: Evidence) -> str | None:
    """The metric that the study optimizes; None if that is another number, such as the loss."""
    name = next(iter(evidence.record.objectives), "").removeprefix("validation_")
    return name if name in METRICS else None


def front_charts(evidence: Evidence) -> Iterator[Chart]:
    """The metric against parameters, multiply-adds and, where it was measured, latency."""
    trials = validated_trials(evidence.record.finished)
    if not trials:
        return
    metric = optimized_metric(evidence) or next(iter(trials[0].validation.figures))
    yield from _chart("size", "parameters", "parameters", metric, trials, lambda trial: trial.result.parameters)
    yield from _chart("work", "work", "multiply-adds for one example", metric, trials, _multiply_adds)
    timed = [each for each in trials if each.recipe.key in evidence.latencies]
    label = "milliseconds for one example"
    yield from _chart("latency", "latency", label, metric, timed, lambda trial: evidence.latencies[trial.recipe.key])


def _chart(
    against: str,
    id_: str,
    label: str,
    metric: str,
    trials: Sequence[ValidatedTrial],
    cost: Callable[[ValidatedTrial], float],
) -> Iterator[Chart]:
    if len(trials) < 2:
        return
    sign = METRICS[metric].direction.sign
    points = tuple((float(cost(trial)), trial.metric(metric)) for trial in trials)
    tips = tuple(
        f"trial {trial.number}: {metric_text(metric, y)}, {x:,.4g} {label}"
        for trial, (x, y) in zip(trials, points, strict=True)
    )
    marks: tuple[Mark, ...] = (
        *sampling_error(max(trials, key=lambda trial: sign * trial.metric(metric)), metric),
        Dots("finished trials", BLUE, points, tips),
        Line("nothing smaller is better", ORANGE, tuple(_front(points, sign)), step=True),
    )
    title = f"{capitalized(metric_label(metric))} against {against}"
    yield Chart(f"front-{id_}", title, Axis(label, scale="log"), metric_axis(f"validation_{metric}"), marks)


def sampling_error(trial: ValidatedTrial, metric: str) -> Iterator[Rule]:
    """A trial's validation metric with an interval for other validation examples: exact for shares, approximate for other
    metrics."""
    value = trial.metric(metric)
    count = validated_on(trial.recipe.protocol, describe(trial.recipe.data))
    if METRICS[metric].is_share:
        yield Rule("the best, with 95 % interval", GREY, value, band=wilson_interval(value, count))
    elif math.isfinite(value):
        half = NORMAL * standard_error(metric, value, count)
        yield Rule("the best, with approximate 95 % interval", GREY, value, band=(value - half, value + half))


def _multiply_adds(trial: ValidatedTrial) -> float:
    data = describe(trial.recipe.data)
    return sum(layer.multiply_adds for layer in layer_table(trial.recipe.network, data.inputs, data.outputs))


def _front(points: Sequence[Point], sign: int) -> Iterator[Point]:
    """Each point that is better than all smaller ones, by size; `sign` is -1 if less is better."""
    best = -math.inf
    for size, value in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if sign * value > best:
            best = sign * value
            yield size, value
