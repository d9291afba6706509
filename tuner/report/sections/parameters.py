"""What mattered: importances of parameters, means of trials by parameter, and the trials over their parameters."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from tuner.base.formatting import four_digits, metric_label, number_text
from tuner.base.metrics import Direction
from tuner.charts import BLUE, GREY, PURPLE, VERMILION, Axis, Bars, Chart, Dots, Paths, Point, Rule, Shape, metric_axis
from tuner.charts.content import Table
from tuner.charts.scale import Scale
from tuner.report.evidence import Evidence
from tuner.report.importance import METHOD, Importance
from tuner.storage import StudyRecord, TrialRecord

SHOWN = 12
SLICES = 6
NAME = 29
"""The longest name of a parameter next to a chart."""

LEAST = 2
"""The fewest finished trials on each side of a comparison."""

PARAMETERS, TRIALS, FEWEST, BEST = 7, 200, 3, 0.25
"""Parallel coordinates have at most so many parameters and trials, and no fewer trials; a share of them is highlighted."""

KINDS: tuple[tuple[str, str, str, Shape], ...] = (
    ("complete", "finished", BLUE, "dot"),
    ("pruned", "pruned, where it was stopped", GREY, "cross"),
    ("longer", "looked at again, longer", BLUE, "dot"),
    ("short", "one short look", GREY, "dot"),
)
"""The dots of trials by `kind_of`: the name in the legend, the colour and the shape."""


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


@dataclass(frozen=True)
class MeanDifference:
    """The mean value of trials with some values of a parameter less that of the others, and its standard error. Both sides are in
    words, the better one first, with the mean and the number of trials."""

    parameter: str
    better: str
    worse: str
    value: float
    error: float


def mean_differences(evidence: Evidence) -> tuple[MeanDifference, ...]:
    """Finished trials compared by each parameter: numbers by their median, of a choice its best option with the others. The
    clearest difference comes first."""
    trials, sign, known = _with_finite_value(evidence.record.compared), evidence.record.direction.sign, []
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        some = [trial for trial in trials if name in trial.params]
        values = pd.Series([trial.values[0] for trial in some])
        column = pd.Series([trial.params[name] for trial in some], dtype=object)
        if _are_numbers(column.tolist()):
            numbers = column.astype(float)
            middle = min(numbers.median(), numbers[numbers < numbers.max()].max())
            sides = {f"at most {middle:.4g}": numbers <= middle, f"above {middle:.4g}": numbers > middle}
        else:
            option = (sign * values.groupby(column.astype(str)).mean()).idxmax()
            sides = {str(option): column.astype(str) == option, "others": column.astype(str) != option}
        parts = sorted(((text, values[rows]) for text, rows in sides.items()), key=lambda part: -sign * part[1].mean())
        (_, one), (_, two) = parts
        if min(len(one), len(two)) >= LEAST and one.mean() != two.mean():
            better, worse = (f"{text}: {part.mean():.4g} ({len(part)} trials)" for text, part in parts)
            error = float((one.var() / len(one) + two.var() / len(two)) ** 0.5)
            known.append(MeanDifference(name, better, worse, float(one.mean() - two.mean()), error))
    return tuple(sorted(known, key=lambda each: (-abs(each.value) / max(each.error, 1e-12), each.parameter)))


def basis(record: StudyRecord) -> str:
    """The trials of equal cost that are compared, in words."""
    return "first looks" if record.has_looks else "finished trials"


def difference_table(evidence: Evidence, differences: Sequence[MeanDifference]) -> Iterator[Table]:
    """The clearest differences."""
    rows = tuple((each.parameter, each.better, each.worse, each.value, each.error) for each in differences[:SHOWN])
    note = f"Weak evidence: the parameters were not varied one at a time, and the best cut of {len(differences)} parameters was sought. A difference of less than two or three standard errors may be chance."
    columns = ("parameter", "better: mean value", "worse: mean value", "difference", "standard error")
    yield Table("differences", f"What mattered: means of the {basis(evidence.record)}", columns, rows, note)


def parallel_chart(evidence: Evidence, names: Sequence[str]) -> Iterator[Chart]:
    """Parallel coordinates: a line for each finished trial, over the first parameters of these names and its value, each from its
    lowest to its highest."""
    sign, objective = -evidence.record.direction.sign, next(iter(evidence.record.objectives), "value")
    trials = sorted(_with_finite_value(evidence.record.compared), key=lambda trial: sign * trial.values[0])[:TRIALS]
    rows, heights = [{**trial.params, objective: trial.values[0]} for trial in trials], dict[str, dict[Any, float]]()
    for name in (*names[:PARAMETERS], objective):
        values = [row[name] for row in rows if name in row]
        if len(set(values)) > 1:
            axis, places = _parameter_axis(name, values, evidence.distributions.get(name))
            scale = Scale(axis, min(places), max(places), 0.0, 1.0)
            heights[name] = dict(zip(values, map(scale, places), strict=True))
    if len(rows) < FEWEST or len(heights) < 3 or objective not in heights:
        return
    lines = tuple(
        tuple((float(x), heights[name][row[name]]) for x, name in enumerate(heights) if name in row) for row in rows
    )
    tips = tuple(
        f"trial {trial.number}: {', '.join(f'{name} {_text(row[name])}' for name in heights if name in row)}"
        for trial, row in zip(trials, rows, strict=True)
    )
    best = math.ceil(BEST * len(rows))
    marks = (
        Paths(f"other {basis(evidence.record)}", GREY, lines[best:], tips[best:]),
        Paths(f"the best {best}", VERMILION, lines[:best], tips[:best]),
    )
    labels = {name: metric_label(name) if name == objective else short_name(name) for name in heights}
    ends = (
        f"{labels[name]} {' to '.join(map(_text, (min(each, key=each.__getitem__), max(each, key=each.__getitem__))))}"
        for name, each in heights.items()
    )
    axes = Axis("", names=tuple(labels.values())), Axis("from lowest to highest", percent=True, low=0.0, high=1.0)
    yield Chart(
        "parallel",
        f"Parallel coordinates of the {basis(evidence.record)}",
        *axes,
        marks,
        f"{'; '.join(ends)}.",
        1000,
        420,
    )


def slice_charts(evidence: Evidence, names: Sequence[str]) -> Iterator[Chart]:
    """The value against each of the first parameters of these names."""
    record = evidence.record
    known = _with_finite_value(record.compared if record.has_looks else record.trials)
    y = value_axis(evidence.record, [trial.values[0] for trial in known])
    for name in names[:SLICES]:
        trials = [trial for trial in known if name in trial.params]
        values = [trial.params[name] for trial in trials]
        if len(set(map(str, values))) > 1:
            x, places = _parameter_axis(name, values, evidence.distributions.get(name))
            dots = [
                (trial, (place, trial.values[0]), f"{trial.params[name]}, {four_digits(trial.values[0])}")
                for place, trial in zip(places, trials, strict=True)
            ]
            note = "Values of first looks, which cost the same." if record.has_looks else ""
            yield Chart(f"slice-{name}", name, x, y, tuple(dots_by_kind(dots)), note, height=280)


def kind_of(trial: TrialRecord) -> str:
    """The state of a trial; where trials are looks, whether there has been a longer one."""
    return ("longer" if len(trial.looks) > 1 else "short") if trial.looks else trial.state


def dots_by_kind(dots: Sequence[tuple[TrialRecord, Point, str]]) -> Iterator[Dots]:
    """A mark for each kind of trial; each trial has its point, and a text for the pointer."""
    for kind, name, color, shape in KINDS:
        own = [(point, f"trial {trial.number}: {text}") for trial, point, text in dots if kind_of(trial) == kind]
        points, tips = tuple(point for point, _ in own), tuple(tip for _, tip in own)
        yield Dots(name if own else "", color, points, tips, shape)


def value_axis(record: StudyRecord, values: Sequence[float] = ()) -> Axis:
    """The axis of the first objective. It ends on the bad side at three times the distance of the median from the best
    value, if there are at least eight values and some lie beyond."""
    direction = record.direction
    axis = metric_axis(next(iter(record.objectives), "value"))
    known = sorted(direction.sign * value for value in values if math.isfinite(value))
    if len(values) < 8 or not known:
        return axis
    edge = known[-1] - 3 * (known[-1] - known[len(known) // 2])
    if edge <= known[0]:
        return axis
    return replace(axis, low=edge) if direction is Direction.MAXIMIZE else replace(axis, high=-edge)


def _parameter_axis(
    name: str, values: Sequence[Any], distribution: BaseDistribution | None
) -> tuple[Axis, list[float]]:
    """The axis of a parameter, and the place of each value on it. Chosen numbers over two decades have a logarithmic axis, sampled
    ones where the distribution is logarithmic."""
    if not _are_numbers(values):
        names = tuple(dict.fromkeys(map(str, values)))
        return Axis(name, names=names), [float(names.index(str(value))) for value in values]
    numbers = [float(value) for value in values]
    if isinstance(distribution, FloatDistribution | IntDistribution):
        log = distribution.log
    else:
        log = min(numbers) > 0 and max(numbers) / min(numbers) >= 100
    integers = all(isinstance(value, int) for value in values)
    return Axis(name, scale="log" if log else "linear", integers=integers), numbers


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _with_finite_value(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.values and math.isfinite(trial.values[0])]


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)
