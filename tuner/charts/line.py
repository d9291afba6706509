"""Points joined by a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tuner.charts.colors import LIGHT
from tuner.charts.mark import Frame, PlotlyParts
from tuner.charts.plotly import scatter
from tuner.charts.shapes import Point, dot, path, stairs, stroke_sample, tip

TIPS = 60
"""About how many points of a line say what they are."""


@dataclass(frozen=True)
class Line:
    """`step` holds a value until the next point; with `dots` each point is seen."""

    name: str
    color: str
    points: tuple[Point, ...]
    dashed: bool = False
    step: bool = False
    dots: bool = False

    figures: ClassVar[tuple[str, ...]] = ("points",)

    def along(self, axis: int) -> Iterator[float]:
        return (point[axis] for point in self.points)

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        shown = [point for point in self.points if frame.shows(point)]
        if not shown:
            return ""
        placed = [frame.place(point) for point in shown]
        every = 1 if self.dots else max(1, len(placed) // TIPS)
        size, fill = ("2", f"var(--{self.color})") if self.dots else ("7", "transparent")
        return self._stroke(placed) + "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{fill}"{tip(frame.says(self.name, point))}/>'
            for (x, y), point in list(zip(placed, shown, strict=True))[::every]
        )

    def _stroke(self, placed: list[Point]) -> str:
        if len(placed) > 1:
            dashes = ' stroke-dasharray="5 4"' if self.dashed else ""
            corners = path(stairs(placed) if self.step else placed)
            return f'<path d="{corners}" fill="none" stroke="var(--{self.color})" stroke-width="2"{dashes}/>'
        # A run that diverged in its first epoch: a path of one point shows nothing.
        return "" if self.dots else dot("dot", *placed[0], 3.5, f"var(--{self.color})")

    def sample(self, x: float, y: float) -> str:
        return stroke_sample(x, y, self.color, self.dashed)

    def plotly(self) -> PlotlyParts:
        line = {
            "color": LIGHT[self.color],
            "dash": "dash" if self.dashed else "solid",
            "shape": "hv" if self.step else "linear",
        }
        return {"data": [scatter(self.name, self.points, "lines+markers" if self.dots else "lines", line=line)]}
