"""Importances of parameters, and the value of trials against each important one."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

from tuner.base.formatting import four_digits
from tuner.base.metrics import Direction
from tuner.charts import BLUE, GREY, PURPLE, Axis, Bars, Chart, Dots, Point, Rule, Shape, metric_axis
from tuner.report.evidence import Evidence
from tuner.report.importance import METHOD, Importance

SHOWN = 12
SLICES = 6
NAME = 29
"""The longest name of a parameter next to a chart."""

STATES: tuple[tuple[str, str, str, Shape], ...] = (
    ("complete", "finished", BLUE, "dot"),
    ("pruned", "pruned, where it was stopped", GREY, "cross"),
)


def importance_chart(weights: Sequence[Importance]) -> Chart:
    """Importances with their intervals, in units of what chance reaches."""
    leading = weights[:SHOWN]
    points = tuple((each.times_chance(each.value), float(index)) for index, each in enumerate(leading))
    tips = tuple(
        f"{each.parameter}: {each.value:.4f} (90 % interval {each.low:.4f} to {each.high:.4f}, chance {each.noise:.4f})"
        for each in leading
    )
    errors = tuple((each.times_chance(each.low), each.times_chance(each.high)) for each in leading)
    return Chart(
        "importance",
        "Importance of parameters",
        Axis("times what chance reaches in 5 %", low=0.0),
        Axis("", names=tuple(short_name(each.parameter) for each in leading)),
        (
            Bars("importance", PURPLE, points, tips, sideways=True),
            Dots("90 % of resampled trials", PURPLE, points, tips, size=3, errors=errors, sideways=True),
            Rule("chance", GREY, 1.0, upright=True),
        ),
        note=f"{METHOD}. Bars left of the dashed line may be chance: with shuffled values 5 % of studies reach it.",
        height=110 + 26 * len(leading),
    )


def short_name(parameter: str) -> str:
    """The end of the name, which distinguishes it from others.

    >>> short_name("training.optimizer.adam.learning_rate")
    'optimizer.adam.learning_rate'
    >>> short_name("network.kind")
    'network.kind'
    """
    name = parameter if len(parameter) <= NAME else parameter.partition(".")[2]
    return name if len(name) <= NAME else "…" + name[1 - NAME :]


def slice_charts(evidence: Evidence, names: Sequence[str]) -> Iterator[Chart]:
    """The value against each of the first parameters of these names."""
    known = [trial for trial in evidence.trials if trial.values and math.isfinite(trial.values[0])]
    values = value_axis(evidence, [trial.values[0] for trial in known])
    for name in names[:SLICES]:
        with_parameter = [trial for trial in known if name in trial.params]
        if len({str(trial.params[name]) for trial in with_parameter}) > 1:
            yield _slice_chart(name, with_parameter, values)


def _slice_chart(name: str, trials: Sequence[FrozenTrial], values: Axis) -> Chart:
    axis, places = _parameter_axis(name, trials)
    dots = [
        (
            trial.state.name.lower(),
            (place, trial.values[0]),
            f"trial {trial.number}: {trial.params[name]}, {four_digits(trial.values[0])}",
        )
        for place, trial in zip(places, trials, strict=True)
    ]
    return Chart(f"slice-{name}", name, axis, values, tuple(dots_by_state(dots, values)), height=280)


def dots_by_state(dots: Sequence[tuple[str, Point, str]], values: Axis) -> Iterator[Dots]:
    """Finished and pruned trials, each with its state, its point and its tip. Values beyond the axis are drawn at its end."""
    for state, name, color, shape in STATES:
        own = [(point, tip) for each, point, tip in dots if each == state]
        points = tuple((x, clamped(y, values)) for (x, y), _ in own)
        yield Dots(name if own else "", color, points, tuple(tip for _, tip in own), shape)


def _parameter_axis(name: str, trials: Sequence[FrozenTrial]) -> tuple[Axis, list[float]]:
    values = [trial.params[name] for trial in trials]
    if any(isinstance(value, str | bool) or value is None for value in values):
        names = tuple(dict.fromkeys(map(str, values)))
        return Axis(name, names=names), [float(names.index(str(value))) for value in values]
    numbers, distribution = [float(value) for value in values], trials[0].distributions[name]
    is_choice = isinstance(distribution, CategoricalDistribution)
    log = getattr(distribution, "log", False) or (is_choice and min(numbers) > 0 and max(numbers) / min(numbers) >= 100)
    integers = all(isinstance(value, int) for value in values)
    return Axis(name, scale="log" if log else "linear", integers=integers), numbers


def value_axis(evidence: Evidence, values: Sequence[float] = ()) -> Axis:
    """The axis of the first objective. It ends on the bad side at three times the distance of the median from the best
    value, if there are at least eight values and some lie beyond."""
    direction = evidence.record.direction
    axis = metric_axis(next(iter(evidence.record.objectives), "value"))
    known = sorted(direction.sign * value for value in values if math.isfinite(value))
    if len(values) < 8 or not known:
        return axis
    edge = known[-1] - 3 * (known[-1] - known[len(known) // 2])
    if edge <= known[0]:
        return axis
    return replace(axis, low=edge) if direction is Direction.MAXIMIZE else replace(axis, high=-edge)


def clamped(value: float, axis: Axis) -> float:
    """The value, or the end of its axis that it lies beyond."""
    low = -math.inf if axis.low is None else axis.low
    return min(max(value, low), math.inf if axis.high is None else axis.high)
