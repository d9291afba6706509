"""Parallel coordinates: a line for each finished trial, over its parameters and its value."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.base.formatting import metric_label, number_text
from tuner.charts import GREY, VERMILION, Axis, Chart, Paths
from tuner.report.evidence import Evidence
from tuner.report.sections.parameters import short_name

PARAMETERS, TRIALS, FEWEST, BEST = 7, 200, 3, 0.25
"""At most so many parameters and trials are shown, and no fewer trials; a share of them is highlighted."""


def parallel_chart(evidence: Evidence, names: Sequence[str]) -> Iterator[Chart]:
    """The first parameters of these names, each from its lowest to its highest value, and the value of the trial."""
    sign, objective = -evidence.record.direction.sign, next(iter(evidence.record.objectives), "value")
    finite = (trial for trial in evidence.record.finished if math.isfinite(trial.values[0]))
    trials = sorted(finite, key=lambda trial: sign * trial.values[0])[:TRIALS]
    rows = [{**trial.params, objective: trial.values[0]} for trial in trials]
    heights = {name: _heights([row[name] for row in rows if name in row]) for name in (*names[:PARAMETERS], objective)}
    heights = {name: each for name, each in heights.items() if each}
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
        Paths("other finished trials", GREY, lines[best:], tips[best:]),
        Paths(f"the best {best}", VERMILION, lines[:best], tips[:best]),
    )
    labels = {name: metric_label(name) if name == objective else short_name(name) for name in heights}
    ends = (
        f"{labels[name]} {' to '.join(map(_text, (min(each, key=each.__getitem__), max(each, key=each.__getitem__))))}"
        for name, each in heights.items()
    )
    axes = Axis("", names=tuple(labels.values())), Axis("from lowest to highest", percent=True, low=0.0, high=1.0)
    yield Chart(
        "parallel", "Parallel coordinates of the finished trials", *axes, marks, f"{'; '.join(ends)}.", 1000, 420
    )


def _heights(values: Sequence[Any]) -> Mapping[Any, float]:
    """The height of each value on its axis; empty where there is only one. Positive numbers over two decades have a logarithmic
    axis; texts are in the order of the trials."""
    different = list(dict.fromkeys(values))
    if len(different) < 2:
        return {}
    if any(isinstance(value, str | bool) or value is None for value in different):
        return {value: place / (len(different) - 1) for place, value in enumerate(different)}
    low, high = min(different), max(different)
    inner = math.log if low > 0 and high / low >= 100 else float
    return {value: (inner(value) - inner(low)) / (inner(high) - inner(low)) for value in different}


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)
