"""What mattered in a search, and which networks are small for what they reach."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from tuner.base.formatting import capitalized, four_digits, metric_label, metric_text
from tuner.base.metric_functions import wilson_interval
from tuner.base.metrics import METRICS, Direction, standard_error
from tuner.charts import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    Axis,
    Bars,
    Chart,
    Dots,
    Line,
    Mark,
    Point,
    Rule,
    Shape,
    metric_axis,
)
from tuner.data.splits import validated_on
from tuner.documents.deviations import NORMAL
from tuner.networks import layer_table
from tuner.recipe import describe
from tuner.report.evidence import Evidence
from tuner.report.importance import METHOD, Importance
from tuner.storage import TrialRecord

SLICES = 6
NAME = 29
"""Letters of a parameter's name that have room beside a chart."""


def importance(weights: Sequence[Importance]) -> Chart:
    """Importances with their intervals and the noise line."""
    shown = weights[:12]
    places = [(each.times_chance(each.value), float(index)) for index, each in enumerate(shown)]
    tips = tuple(
        f"{each.parameter}: {each.value:.4f} (90 % interval {each.low:.4f} to {each.high:.4f}, chance {each.noise:.4f})"
        for each in shown
    )
    errors = tuple((each.times_chance(each.low), each.times_chance(each.high)) for each in shown)
    return Chart(
        "importance",
        "What mattered",
        Axis("times what chance reaches in 5 %"),
        Axis("", names=tuple(_short(each.parameter) for each in shown)),
        (
            Bars("importance", PURPLE, tuple(places), tips, sideways=True),
            Dots("90 % of resampled trials", PURPLE, tuple(places), tips, size=3, errors=errors, sideways=True),
            Rule("chance", GREY, 1.0, upright=True),
        ),
        note=f"{METHOD}. Bars left of the dashed line could be chance: values dealt out anew to the trials reach it once in twenty times.",
        height=110 + 26 * len(shown),
    )


def _short(parameter: str) -> str:
    """Its end, which tells it from others.

    >>> _short("training.optimizer.adam.learning_rate")
    'optimizer.adam.learning_rate'
    >>> _short("network.kind")
    'network.kind'
    """
    name = parameter if len(parameter) <= NAME else parameter.partition(".")[2]
    return name if len(name) <= NAME else "…" + name[1 - NAME :]


def slices(evidence: Evidence, trials: Sequence[FrozenTrial], weights: Sequence[Importance]) -> Iterator[Chart]:
    """The value against each of the most important parameters."""
    known = [trial for trial in trials if trial.values and math.isfinite(trial.values[0])]
    value = value_axis(evidence, [trial.values[0] for trial in known])
    for each in weights[:SLICES]:
        having = [trial for trial in known if each.parameter in trial.params]
        if len({str(trial.params[each.parameter]) for trial in having}) < 2:
            continue
        axis, places = _parameter_axis(each.parameter, having)
        marks = (
            _slice("finished", BLUE, "dot", TrialState.COMPLETE, each.parameter, having, places, value),
            _slice(
                "pruned, where they were stopped",
                GREY,
                "cross",
                TrialState.PRUNED,
                each.parameter,
                having,
                places,
                value,
            ),
        )
        yield Chart(f"slice-{each.parameter}", each.parameter, axis, value, marks, height=280)


def _slice(
    name: str,
    color: str,
    shape: Shape,
    state: TrialState,
    parameter: str,
    trials: Sequence[FrozenTrial],
    places: Sequence[float],
    axis: Axis,
) -> Dots:
    pairs = [(place, trial) for place, trial in zip(places, trials, strict=True) if trial.state == state]
    tips = tuple(
        f"trial {trial.number}: {trial.params[parameter]}, {four_digits(trial.values[0])}" for _, trial in pairs
    )
    points = tuple((place, clamped(trial.values[0], axis)) for place, trial in pairs)
    return Dots(name if pairs else "", color, points, tips, shape)


def searched_measure(evidence: Evidence) -> str | None:
    """The figure of merit that the study optimizes; None where that is another number, such as the loss."""
    name = next(iter(evidence.record.objectives), "").removeprefix("validation_")
    return name if name in METRICS else None


def fronts(evidence: Evidence) -> Iterator[Chart]:
    """The figure of merit against size and against work: the networks that nothing beats in both."""
    known = [each for each in evidence.record.finished if each.result and each.result.validation and each.recipe]
    if len(known) < 2:
        return
    measure = searched_measure(evidence) or _first_measure(known[0])
    yield from _front_chart("front-parameters", "size", "parameters", measure, known, _parameters)
    yield from _front_chart("front-work", "work", "multiply-adds for one example", measure, known, _work)
    timed = [each for each in known if each.recipe and each.recipe.key in evidence.latencies]
    label = "milliseconds for one example"
    yield from _front_chart(
        "front-latency", "latency", label, measure, timed, lambda trial: evidence.latencies[_key(trial)]
    )


def _front_chart(
    id_: str,
    against: str,
    label: str,
    measure: str,
    trials: Sequence[TrialRecord],
    size: Callable[[TrialRecord], float],
) -> Iterator[Chart]:
    if len(trials) < 2:
        return
    sign = METRICS[measure].direction.sign
    points = tuple((size(trial), _figure(trial, measure)) for trial in trials)
    tips = tuple(
        f"trial {trial.number}: {metric_text(measure, y)}, {x:,.4g} {label}"
        for trial, (x, y) in zip(trials, points, strict=True)
    )
    best = max(trials, key=lambda trial: sign * _figure(trial, measure))
    marks: tuple[Mark, ...] = (
        *sampling_error(best, measure),
        Dots("finished trials", BLUE, points, tips),
        Line("nothing smaller is better", ORANGE, tuple(_front(points, sign)), step=True),
    )
    title = f"{capitalized(metric_label(measure))} against {against}"
    yield Chart(id_, title, Axis(label, scale="log"), metric_axis(f"validation_{measure}"), marks)


def sampling_error(trial: TrialRecord, measure: str) -> Iterator[Rule]:
    """A trial's validation figure with what other examples would make of it: exactly for shares, by a rule of thumb for
    others."""
    if trial.recipe is None or trial.result is None or trial.result.validation is None:
        return
    figure = _figure(trial, measure)
    count = validated_on(trial.recipe.protocol, describe(trial.recipe.data))
    if METRICS[measure].is_share:
        yield Rule("the best, with 95 % interval", GREY, figure, band=wilson_interval(figure, count))
    elif math.isfinite(figure):
        half = NORMAL * standard_error(measure, figure, count)
        yield Rule("the best, give or take about 95 %", GREY, figure, band=(figure - half, figure + half))


def _first_measure(trial: TrialRecord) -> str:
    assert trial.result is not None
    assert trial.result.validation is not None
    return next(iter(trial.result.validation.figures))


def _figure(trial: TrialRecord, measure: str) -> float:
    assert trial.result is not None
    assert trial.result.validation is not None
    return trial.result.validation.figures.get(measure, math.nan)


def _parameters(trial: TrialRecord) -> float:
    assert trial.result is not None
    return float(trial.result.parameters)


def _key(trial: TrialRecord) -> str:
    assert trial.recipe is not None
    return trial.recipe.key


def value_axis(evidence: Evidence, values: Sequence[float] = ()) -> Axis:
    """The axis of the first objective. Values far on the bad side of the others do not stretch it: they stand at its edge."""
    axis = metric_axis(next(iter(evidence.record.objectives), "value"))
    edge = bad_edge(values, evidence.record.direction) if len(values) >= 8 else None
    return replace(axis, low=edge) if evidence.record.direction is Direction.MAXIMIZE else replace(axis, high=edge)


def bad_edge(values: Iterable[float], direction: Direction) -> float | None:
    """Where an axis ends on the bad side: three times as far from the best value as the middle one. None where no value
    lies beyond."""
    sign = direction.sign
    known = sorted(sign * value for value in values if math.isfinite(value))
    if not known:
        return None
    edge = known[-1] - 3 * (known[-1] - known[len(known) // 2])
    return sign * edge if edge > known[0] else None


def clamped(value: float, axis: Axis) -> float:
    """The value, or the edge of its axis that it lies beyond."""
    low = -math.inf if axis.low is None else axis.low
    return min(max(value, low), math.inf if axis.high is None else axis.high)


def _parameter_axis(name: str, trials: Sequence[FrozenTrial]) -> tuple[Axis, list[float]]:
    values = [trial.params[name] for trial in trials]
    distribution = trials[0].distributions[name]
    if any(isinstance(value, str | bool) or value is None for value in values):
        names = tuple(dict.fromkeys(map(str, values)))
        return Axis(name, names=names), [float(names.index(str(value))) for value in values]
    numbers = [float(value) for value in values]
    chosen = isinstance(distribution, CategoricalDistribution)
    log = getattr(distribution, "log", False) or (chosen and min(numbers) > 0 and max(numbers) / min(numbers) >= 100)
    whole = all(isinstance(value, int) for value in values)
    return Axis(name, scale="log" if log else "linear", whole=whole), numbers


def _work(trial: TrialRecord) -> float:
    assert trial.recipe is not None
    data = describe(trial.recipe.data)
    return float(sum(layer.multiply_adds for layer in layer_table(trial.recipe.network, data.inputs, data.outputs)))


def _front(points: Sequence[Point], sign: int) -> Iterator[Point]:
    """From small to large, each point that is better than all smaller ones; `sign` is -1 where less is better."""
    best = -math.inf
    for size, value in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if sign * value > best:
            best = sign * value
            yield size, value
