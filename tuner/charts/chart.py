"""A chart as a value: axes and marks with numbers in the units of the data. `tuner.charts.svg` draws it."""

from collections.abc import Iterable
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol

from tuner.charts.scale import Axis, Scale, value_text
from tuner.charts.shapes import Point

X, Y = 0, 1
"""The axes, as indices into a point."""

DATA_FIELDS = ("name", "points", "lines", "counts", "errors", "values", "texts", "at", "band")
"""The fields of marks that are data; the others are style."""


@dataclass(frozen=True)
class Frame:
    """The plotting area in pixels, and its scales."""

    x: Scale
    y: Scale
    top: float
    bottom: float

    def contains(self, point: Point) -> bool:
        """Whether both scales have a place for the point."""
        return self.x.axis.contains(point[X]) and self.y.axis.contains(point[Y])

    def pixels(self, point: Point) -> Point:
        """The place of a point, in pixels."""
        return self.x(point[X]), self.y(point[Y])

    def text(self, name: str, point: Point) -> str:
        """The tip of a point of a series: the text at the pointer."""
        x, y = value_text(self.x.axis, point[X]), value_text(self.y.axis, point[Y])
        place = f"{x}: {y}" if self.x.axis.names else f"{y} at {self.x.axis.label} {x}"
        return f"{name}: {place}" if name else place


class Mark(Protocol):
    """A frozen dataclass. Its `name` stands in the chart's legend unless it is empty."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str: ...

    @property
    def color(self) -> str: ...

    def extent(self, axis: int) -> Iterable[float]:
        """All values that the scale of an axis must include."""
        ...

    def svg(self, frame: Frame) -> str:
        """The mark as SVG. The text for a pointer is the attribute `data-tip`."""
        ...


@dataclass(frozen=True)
class Chart:
    """A title, a `note` in words, two axes and marks. `height` and `width` are in pixels; a page scales them."""

    id: str
    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    note: str = ""
    width: int = 560
    height: int = 340


def chart_data(chart: Chart) -> dict[str, Any]:
    """The data of a chart without its style, as plain values for JSON."""
    series = [
        {"kind": type(mark).__name__.lower()}
        | {name: value for name in DATA_FIELDS if (value := getattr(mark, name, ())) not in ("", ())}
        for mark in chart.marks
    ]
    axes = {name: {"label": axis.label, "names": axis.names} for name, axis in (("x", chart.x), ("y", chart.y))}
    return {"title": chart.title, **axes, "series": series}
