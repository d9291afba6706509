"""Marks that are lines: curves, the band between two curves, and rules across the chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.charts.chart import Frame, X, Y
from tuner.charts.colors import BLUE, VERMILION
from tuner.charts.scale import tick_text
from tuner.charts.shapes import Point, dot, path, rectangle, stairs, tip

TIPS = 60
"""About how many points of a line have a text for the pointer."""

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
class Band:
    """The region between two values at each x; `points` are (x, low, high)."""

    name: str
    color: str
    points: tuple[tuple[float, float, float], ...]

    def extent(self, axis: int) -> Iterator[float]:
        return (value for x, low, high in self.points for value in ((x,) if axis == X else (low, high)))

    def svg(self, frame: Frame) -> str:
        points = [each for each in self.points if frame.contains(each[:2]) and frame.contains((each[0], each[2]))]
        upper = [frame.pixels((x, high)) for x, _, high in points]
        lower = [frame.pixels((x, low)) for x, low, _ in reversed(points)]
        return f'<path d="{path(upper + lower)}Z" fill="var(--{self.color})" opacity="0.18"/>' if points else ""


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
        scale = frame.x if self.upright else frame.y
        if not all(map(scale.axis.contains, (self.at, *(self.band or ())))):
            return ""
        at = scale(self.at)
        upright, level = (
            f"M{at:.1f} {frame.top:.1f}V{frame.bottom:.1f}",
            f"M{frame.left:.1f} {at:.1f}H{frame.right:.1f}",
        )
        style = f'stroke="var(--{self.color})" stroke-width="1.6" stroke-dasharray="6 4"'
        text = tip(f"{self.name}: {tick_text(self.at)}")
        return f'{self._shade(frame)}<path d="{upright if self.upright else level}" {style}{text}/>'

    def _shade(self, frame: Frame) -> str:
        if self.band is None:
            return ""
        low, high = sorted(map(frame.x if self.upright else frame.y, self.band))
        upright = (low, frame.top, high - low, frame.bottom - frame.top)
        level = (frame.left, low, frame.right - frame.left, high - low)
        return rectangle(*(upright if self.upright else level), f'fill="var(--{self.color})" opacity="0.14"')


def learning_lines(training: Sequence[Curve], validation: Sequence[Curve], *, dots: bool = False) -> Iterator[Line]:
    """A line for each fold or seed: training dashed, validation solid."""
    for part, color, curves in (("training", BLUE, training), ("validation", VERMILION, validation)):
        for index, curve in enumerate(curves):
            yield Line(part if index == 0 else "", color, curve, dashed=part == "training", dots=dots)
