"""Single points."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from tuner.charts.colors import LIGHT
from tuner.charts.mark import Frame, PlotlyParts, X, Y
from tuner.charts.plotly import scatter
from tuner.charts.shapes import Point, Shape, dot, path, tip

SYMBOLS = {
    "dot": "circle",
    "ring": "circle-open",
    "diamond": "diamond-open",
    "square": "square",
    "cross": "x-thin-open",
}
"""The shapes as plotly calls them."""


@dataclass(frozen=True)
class Dots:
    """`tips` say in words what each one is; `errors` are (low, high) along the value axis, which is x where `sideways`.
    Many are told apart where they can be seen through (`opacity`)."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    shape: Shape = "dot"
    size: float = 4.0
    errors: tuple[tuple[float, float], ...] = ()
    sideways: bool = False
    opacity: float = 1.0

    figures: ClassVar[tuple[str, ...]] = ("points", "errors")

    def along(self, axis: int) -> Iterator[float]:
        yield from (point[axis] for point in self.points)
        if axis == self._value_axis:
            yield from (bound for error in self.errors for bound in error)

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        parts, color = [], f"var(--{self.color})"
        seen_through = f' opacity="{self.opacity:g}"' if self.opacity < 1 else ""
        for index, point in enumerate(self.points):
            if not frame.shows(point):
                continue
            if self.errors:
                parts.append(self._error(point, self.errors[index], frame))
            said = self.tips[index] if self.tips else frame.says(self.name, point)
            parts.append(dot(self.shape, *frame.place(point), self.size, color, tip(said) + seen_through))
        return "".join(parts)

    def sample(self, x: float, y: float) -> str:
        return dot(self.shape, x + 11, y, 4.5, f"var(--{self.color})")

    def plotly(self) -> PlotlyParts:
        color = LIGHT[self.color]
        marker = {
            "color": color,
            "symbol": SYMBOLS[self.shape],
            "size": 2 * self.size,
            "opacity": self.opacity,
            "line": {"width": 2, "color": color},
        }
        trace = scatter(self.name, self.points, "markers", marker=marker, text=list(self.tips))
        if self.errors:
            trace["error_x" if self.sideways else "error_y"] = self._plotly_errors()
        return {"data": [trace]}

    @property
    def _value_axis(self) -> int:
        return X if self.sideways else Y

    def _error(self, point: Point, error: tuple[float, float], frame: Frame) -> str:
        ends = [(bound, point[Y]) if self.sideways else (point[X], bound) for bound in error]
        if not all(frame.shows(end) for end in ends):
            return ""
        return f'<path d="{path([frame.place(end) for end in ends])}" stroke="var(--{self.color})" stroke-width="2"/>'

    def _plotly_errors(self) -> dict[str, Any]:
        pairs = [(point[self._value_axis], error) for point, error in zip(self.points, self.errors, strict=True)]
        return {
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, (_, high) in pairs],
            "arrayminus": [value - low for value, (low, _) in pairs],
        }
