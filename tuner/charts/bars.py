"""Marks that are boxes: bars from zero, and the cells of a matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from tuner.charts.chart import Frame, X, Y
from tuner.charts.shapes import Point, rectangle, tip

FONT = 11


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
        return "".join(
            self._bar(point, tip(self.tips[index] if self.tips else frame.text(self.name, point)), frame)
            for index, point in enumerate(self.points)
            if frame.contains(point)
        )

    def _bar(self, point: Point, text: str, frame: Frame) -> str:
        across, along = (frame.y, frame.x) if self.sideways else (frame.x, frame.y)
        place, value = reversed(point) if self.sideways else point
        edges = (max(place - self.width / 2, across.low), min(place + self.width / 2, across.high))
        first, last = sorted(map(across, edges))
        low, high = sorted((along(max(0.0, along.low)), along(value)))
        box = (low, first, high - low, last - first) if self.sideways else (first, low, last - first, high - low)
        return rectangle(*box, f'fill="var(--{self.color})" opacity="0.75"{text}')


@dataclass(frozen=True)
class Cells:
    """A matrix of shaded cells: `values[row][column]` between 0 and 1, with a text in each. Both axes have names."""

    name: str
    color: str
    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    tips: tuple[tuple[str, ...], ...] = ()

    def extent(self, axis: int) -> Iterator[float]:
        return iter(())

    def svg(self, frame: Frame) -> str:
        return "".join(
            self._cell(row, column, frame) for row, values in enumerate(self.values) for column in range(len(values))
        )

    def _cell(self, row: int, column: int, frame: Frame) -> str:
        value, text = self.values[row][column], escape(self.texts[row][column])
        left, top = frame.pixels((column - 0.5, row - 0.5))
        right, bottom = frame.pixels((column + 0.5, row + 0.5))
        attribute = tip(self.tips[row][column]) if self.tips else ""
        style = f'fill="var(--{self.color})" fill-opacity="{value:.3f}"{attribute}'
        ink = "var(--paper)" if value > 0.6 else "var(--ink)"
        place = f'x="{(left + right) / 2:.1f}" y="{(top + bottom) / 2 + 4:.1f}" text-anchor="middle"'
        label = f'<text {place} font-size="{FONT}" fill="{ink}" pointer-events="none">{text}</text>'
        return rectangle(left, top, right - left, bottom - top, style) + label
