"""Marks of charts: lines, rules, dots, hexagons and bars."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

from tuner.charts.chart import Frame, X, Y
from tuner.charts.colors import BLUE, VERMILION
from tuner.charts.scale import tick_text
from tuner.charts.shapes import Point, Shape, dot, path, rectangle, stairs, tip

TIPS = 60
"""About how many points of a line have a text for the pointer."""

CORNERS = ((0.0, 2 / 3), (0.5, 1 / 3), (0.5, -1 / 3), (0.0, -2 / 3), (-0.5, -1 / 3), (-0.5, 1 / 3))
"""The corners of an upright hexagon, in units of its width and of the distance of two rows."""

Curve = tuple[Point, ...]
"""Epochs, which count from 1, each with its metric."""


@dataclass(frozen=True)
class Line:
    """Points joined by a line. `step` holds a value until the next point; `dots` shows each point."""

    name: str
    color: str
    points: tuple[Point, ...]
    dashed: bool = False
    step: bool = False
    dots: bool = False

    def extent(self, axis: int) -> Iterator[float]:
        return (point[axis] for point in self.points)

    def svg(self, frame: Frame) -> str:
        points = [point for point in self.points if frame.contains(point)]
        if not points:
            return ""
        places = [frame.pixels(point) for point in points]
        every = 1 if self.dots else max(1, len(places) // TIPS)
        size, fill = ("2", f"var(--{self.color})") if self.dots else ("7", "transparent")
        return self._stroke(places) + "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{fill}"{tip(frame.text(self.name, point))}/>'
            for (x, y), point in list(zip(places, points, strict=True))[::every]
        )

    def _stroke(self, places: list[Point]) -> str:
        if len(places) > 1:
            dashes = ' stroke-dasharray="5 4"' if self.dashed else ""
            corners = path(stairs(places) if self.step else places)
            return f'<path d="{corners}" fill="none" stroke="var(--{self.color})" stroke-width="2"{dashes}/>'
        # A run that diverged in its first epoch: a path of one point is invisible.
        return "" if self.dots else dot("dot", *places[0], 3.5, f"var(--{self.color})")


@dataclass(frozen=True)
class Paths:
    """Lines of one kind, each with its `tips`, the text at the pointer. A path jumps over points that have no place."""

    name: str
    color: str
    lines: tuple[tuple[Point, ...], ...]
    tips: tuple[str, ...] = ()
    opacity: float = 0.7

    def extent(self, axis: int) -> Iterator[float]:
        return (point[axis] for line in self.lines for point in line)

    def svg(self, frame: Frame) -> str:
        style, parts = f'fill="none" stroke="var(--{self.color})" stroke-width="1.6" opacity="{self.opacity:g}"', []
        for index, line in enumerate(self.lines):
            if places := [frame.pixels(point) for point in line if frame.contains(point)]:
                text = tip(self.tips[index]) if self.tips else ""
                parts.append(f'<path d="{path(places)}" {style}{text}/>')
        return "".join(parts)


@dataclass(frozen=True)
class Rule:
    """A line across the whole chart at a value of y, or of x if it is `upright`. `band` is the shaded (low, high)."""

    name: str
    color: str
    at: float
    upright: bool = False
    band: tuple[float, float] | None = None

    def extent(self, axis: int) -> Iterator[float]:
        if axis == (X if self.upright else Y):
            yield from (self.at, *(self.band or ()))

    def svg(self, frame: Frame) -> str:
        scale, start, end = (
            (frame.x, frame.top, frame.bottom) if self.upright else (frame.y, frame.x.start, frame.x.end)
        )
        values, shade = (self.at, *(self.band or ())), ""
        if not all(map(scale.axis.contains, values)):
            return ""
        at, *band = map(scale, values)
        if band:
            low, high = sorted(band)
            box = (low, start, high - low, end - start) if self.upright else (start, low, end - start, high - low)
            shade = rectangle(*box, f'fill="var(--{self.color})" opacity="0.14"')
        line = f"M{at:.1f} {start:.1f}V{end:.1f}" if self.upright else f"M{start:.1f} {at:.1f}H{end:.1f}"
        style = f'stroke="var(--{self.color})" stroke-width="1.6" stroke-dasharray="6 4"'
        return f'{shade}<path d="{line}" {style}{tip(f"{self.name}: {tick_text(self.at)}")}/>'


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
            if frame.contains(point):
                parts += [self._error(point, self.errors[index], frame)] if self.errors else []
                more = _tip(self, index, frame) + opacity
                parts.append(dot(self.shape, *frame.pixels(point), self.size, f"var(--{self.color})", more))
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
        return "".join(map(self._hexagon, self.points, self.counts, repeat(frame)))

    def _hexagon(self, point: Point, count: float, frame: Frame) -> str:
        corners = [(point[X] + x * self.width, point[Y] + y * self.apart) for x, y in CORNERS]
        if not all(frame.contains(corner) for corner in corners):
            return ""
        shade = 0.12 + 0.88 * math.sqrt(count / max(self.counts))
        text = tip(f"{count:g} around {frame.text(self.name, point)}")
        corners = [frame.pixels(corner) for corner in corners]
        return f'<path d="{path(corners)}Z" fill="var(--{self.color})" fill-opacity="{shade:.3f}"{text}/>'


@dataclass(frozen=True)
class Bars:
    """Bars at category or number `x`, `width` wide in units of the axis; `sideways` ones lie at `y`."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    width: float = 0.7
    sideways: bool = False

    def extent(self, axis: int) -> Iterator[float]:
        if axis == (X if self.sideways else Y):
            return (value for point in self.points for value in (0.0, point[axis]))
        return (point[axis] + side for point in self.points for side in (-self.width / 2, self.width / 2))

    def svg(self, frame: Frame) -> str:
        places = (index for index, point in enumerate(self.points) if frame.contains(point))
        return "".join(self._bar(index, frame) for index in places)

    def _bar(self, index: int, frame: Frame) -> str:
        point, text = self.points[index], _tip(self, index, frame)
        across, along = (frame.y, frame.x) if self.sideways else (frame.x, frame.y)
        place, value = reversed(point) if self.sideways else point
        first, last = sorted((across(place - self.width / 2), across(place + self.width / 2)))
        low, high = sorted((along(0.0), along(value)))
        box = (low, first, high - low, last - first) if self.sideways else (first, low, last - first, high - low)
        return rectangle(*box, f'fill="var(--{self.color})" opacity="0.75"{text}')


def _tip(mark: Dots | Bars, index: int, frame: Frame) -> str:
    return tip(mark.tips[index] if mark.tips else frame.text(mark.name, mark.points[index]))


def learning_lines(training: Sequence[Curve], validation: Sequence[Curve], *, dots: bool = False) -> Iterator[Line]:
    """A line for each fold or seed: training dashed, validation solid."""
    for part, color, curves in (("training", BLUE, training), ("validation", VERMILION, validation)):
        for index, curve in enumerate(curves):
            yield Line(part if index == 0 else "", color, curve, dashed=part == "training", dots=dots)


def numbered(values: Iterable[float | str]) -> Curve:
    """The curve of values by epoch; texts are numbers that JSON does not have."""
    return tuple((float(number), float(value)) for number, value in enumerate(values, start=1))
