"""What every kind of mark can do, and what it is told for that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Literal, Protocol

from tuner.charts.scale import Scale, spoken
from tuner.charts.shapes import Point

X, Y = 0, 1
"""The axes, as places in a point."""

PlotlyParts = Mapping[Literal["data", "shapes"], Sequence[Mapping[str, Any]]]
"""A part of a plotly figure: traces, and shapes of its layout."""


@dataclass(frozen=True)
class Frame:
    """Where the plot stands in the chart, and its scales."""

    x: Scale
    y: Scale
    top: float
    bottom: float
    left: float
    right: float

    def shows(self, point: Point) -> bool:
        """Whether a point has a place."""
        return self.x.shows(point[X]) and self.y.shows(point[Y])

    def place(self, point: Point) -> Point:
        """Where a point stands, in pixels."""
        return self.x(point[X]), self.y(point[Y])

    def says(self, name: str, point: Point) -> str:
        """What a point of a series is, in words."""
        x, y = spoken(self.x.axis, point[X]), spoken(self.y.axis, point[Y])
        return f"{name}: {x}: {y}" if self.x.axis.names else f"{name}: {y} at {self.x.axis.label} {x}"


class Mark(Protocol):
    """A frozen dataclass whose `name` stands in the chart's legend, unless it is empty."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    figures: ClassVar[tuple[str, ...]]
    """Its fields that are figures; the others say how it looks."""

    @property
    def name(self) -> str: ...

    @property
    def color(self) -> str: ...

    def along(self, axis: int) -> Iterable[float]:
        """Everything that must find a place along an axis."""
        ...

    def from_zero(self, axis: int) -> bool:
        """Whether an axis must begin at zero."""
        ...

    def drawn(self, frame: Frame) -> str:
        """The mark as SVG; what a pointer is shown stands in `data-tip`."""
        ...

    def sample(self, x: float, y: float) -> str:
        """What stands beside its name in the legend, 22 pixels from `x` on."""
        ...

    def plotly(self) -> PlotlyParts:
        """The same for plotly, as plain data."""
        ...
