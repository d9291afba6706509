"""A chart as a value: axes and marks with numbers in the units of the data. `svg` draws it."""

from dataclasses import dataclass
from typing import Any

from tuner.charts.mark import Mark
from tuner.charts.scale import Axis


@dataclass(frozen=True)
class Chart:
    """A chart: what it shows in a title and in words (`note`), its axes and marks. `height` and `width` in pixels of its
    own; a page scales it."""

    id: str
    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    note: str = ""
    width: int = 560
    height: int = 340
    legend: bool = True


def figures(chart: Chart) -> dict[str, Any]:
    """What is drawn, without how, as plain data."""
    series = [
        {"kind": type(mark).__name__.lower()}
        | {name: value for name in ("name", *mark.figures) if (value := getattr(mark, name)) not in ("", ())}
        for mark in chart.marks
    ]
    axes = {name: {"label": axis.label, "names": axis.names} for name, axis in (("x", chart.x), ("y", chart.y))}
    return {"title": chart.title, **axes, "series": series}
