"""Bars from zero."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tuner.charts.colors import LIGHT
from tuner.charts.mark import Frame, PlotlyParts, X, Y
from tuner.charts.shapes import Point, area_sample, rectangle, tip


@dataclass(frozen=True)
class Bars:
    """At category or number `x`, `width` wide in units of the axis; `sideways` ones lie, at `y`."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    width: float = 0.7
    sideways: bool = False

    figures: ClassVar[tuple[str, ...]] = ("points",)

    def along(self, axis: int) -> Iterator[float]:
        half = 0.0 if self.from_zero(axis) else self.width / 2
        return (point[axis] + side for point in self.points for side in (-half, half))

    def from_zero(self, axis: int) -> bool:
        return axis == (X if self.sideways else Y)

    def drawn(self, frame: Frame) -> str:
        return "".join(
            self._bar(point, self.tips[index] if self.tips else frame.says(self.name, point), frame)
            for index, point in enumerate(self.points)
            if frame.shows(point)
        )

    def _bar(self, point: Point, said: str, frame: Frame) -> str:
        across, along = (frame.y, frame.x) if self.sideways else (frame.x, frame.y)
        place, value = reversed(point) if self.sideways else point
        edges = (max(place - self.width / 2, across.low), min(place + self.width / 2, across.high))
        first, last = sorted(map(across, edges))
        low, high = sorted((along(max(0.0, along.low)), along(value)))
        box = (low, first, high - low, last - first) if self.sideways else (first, low, last - first, high - low)
        return rectangle(*box, f'fill="var(--{self.color})" opacity="0.75"{tip(said)}')

    def sample(self, x: float, y: float) -> str:
        return area_sample(x, y, self.color)

    def plotly(self) -> PlotlyParts:
        x, y = ([point[axis] for point in self.points] for axis in (X, Y))
        lying = {"orientation": "h"} if self.sideways else {}
        look = {"marker": {"color": LIGHT[self.color]}, "text": list(self.tips), **lying}
        return {"data": [{"type": "bar", "name": self.name, "x": x, "y": y, **look}]}
