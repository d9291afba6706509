"""Marks for single points, and for the density of many."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.charts.chart import Frame, X, Y
from tuner.charts.shapes import Point, Shape, dot, path, tip

CORNERS = ((0.0, 2 / 3), (0.5, 1 / 3), (0.5, -1 / 3), (0.0, -2 / 3), (-0.5, -1 / 3), (-0.5, 1 / 3))
"""Of a hexagon that stands on a tip, in units of its width and of the distance of two rows."""


@dataclass(frozen=True)
class Dots:
    """Single points with their `tips`. `errors` are (low, high) along the value axis, which is x where `sideways`."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    shape: Shape = "dot"
    size: float = 4.0
    errors: tuple[tuple[float, float], ...] = ()
    sideways: bool = False
    opacity: float = 1.0

    def extent(self, axis: int) -> Iterator[float]:
        yield from (point[axis] for point in self.points)
        if axis == (X if self.sideways else Y):
            yield from (bound for error in self.errors for bound in error)

    def svg(self, frame: Frame) -> str:
        parts = []
        opacity = f' opacity="{self.opacity:g}"' if self.opacity < 1 else ""
        for index, point in enumerate(self.points):
            if not frame.contains(point):
                continue
            if self.errors:
                parts.append(self._error(point, self.errors[index], frame))
            text = tip(self.tips[index] if self.tips else frame.text(self.name, point))
            parts.append(dot(self.shape, *frame.pixels(point), self.size, f"var(--{self.color})", text + opacity))
        return "".join(parts)

    def _error(self, point: Point, error: tuple[float, float], frame: Frame) -> str:
        ends = [(bound, point[Y]) if self.sideways else (point[X], bound) for bound in error]
        if not all(frame.contains(end) for end in ends):
            return ""
        return f'<path d="{path([frame.pixels(end) for end in ends])}" stroke="var(--{self.color})" stroke-width="2"/>'


@dataclass(frozen=True)
class Hexes:
    """`counts` of points in hexagons around `points`. These are `width` wide, in rows `apart`, both in units of the axes.

    Shades grow with the root of the count.
    """

    name: str
    color: str
    points: tuple[Point, ...]
    counts: tuple[float, ...]
    width: float
    apart: float

    def extent(self, axis: int) -> Iterator[float]:
        half = self.width / 2 if axis == X else self.apart * 2 / 3
        return (point[axis] + side for point in self.points for side in (-half, half))

    def svg(self, frame: Frame) -> str:
        return "".join(
            self._hexagon(point, count, frame) for point, count in zip(self.points, self.counts, strict=True)
        )

    def _hexagon(self, point: Point, count: float, frame: Frame) -> str:
        corners = [(point[X] + x * self.width, point[Y] + y * self.apart) for x, y in CORNERS]
        if not all(frame.contains(corner) for corner in corners):
            return ""
        shade = 0.12 + 0.88 * math.sqrt(count / max(self.counts))
        text = tip(f"{count:g} around {frame.text(self.name, point)}")
        corners = [frame.pixels(corner) for corner in corners]
        return f'<path d="{path(corners)}Z" fill="var(--{self.color})" fill-opacity="{shade:.3f}"{text}/>'
