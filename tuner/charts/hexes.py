"""How densely points lie, as shaded hexagons."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tuner.charts.colors import LIGHT
from tuner.charts.mark import Frame, PlotlyParts, X
from tuner.charts.plotly import scatter
from tuner.charts.shapes import Point, area_sample, path, tip

CORNERS = ((0.0, 2 / 3), (0.5, 1 / 3), (0.5, -1 / 3), (0.0, -2 / 3), (-0.5, -1 / 3), (-0.5, 1 / 3))
"""Of a hexagon that stands on a tip, in its width and in the distance of two rows."""


@dataclass(frozen=True)
class Hexes:
    """`counts` of points in the hexagons around `points`, which are `width` wide and stand in rows `apart`, both in units of the
    axes. Shades grow with the root of the count."""

    name: str
    color: str
    points: tuple[Point, ...]
    counts: tuple[float, ...]
    width: float
    apart: float

    figures: ClassVar[tuple[str, ...]] = ("points", "counts")

    def along(self, axis: int) -> Iterator[float]:
        half = self.width / 2 if axis == X else self.apart * 2 / 3
        return (point[axis] + side for point in self.points for side in (-half, half))

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        return "".join(
            self._hexagon(point, count, frame) for point, count in zip(self.points, self.counts, strict=True)
        )

    def _hexagon(self, point: Point, count: float, frame: Frame) -> str:
        corners = [(point[0] + x * self.width, point[1] + y * self.apart) for x, y in CORNERS]
        if not all(frame.shows(corner) for corner in corners):
            return ""
        shade = 0.12 + 0.88 * math.sqrt(count / max(self.counts))
        said = tip(f"{count:g} around {frame.says(self.name, point)}")
        look = f'fill="var(--{self.color})" fill-opacity="{shade:.3f}"{said}'
        return f'<path d="{path([frame.place(corner) for corner in corners])}Z" {look}/>'

    def sample(self, x: float, y: float) -> str:
        return area_sample(x, y, self.color)

    def plotly(self) -> PlotlyParts:
        shades = [math.sqrt(count / max(self.counts)) for count in self.counts]
        marker = {"color": LIGHT[self.color], "symbol": "hexagon", "size": 10, "opacity": shades}
        texts = [f"{count:g}" for count in self.counts]
        return {"data": [scatter(self.name, self.points, "markers", marker=marker, text=texts)]}
