"""The region between two values at each place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tuner.charts.mark import Frame, PlotlyParts, X
from tuner.charts.plotly import scatter
from tuner.charts.shapes import area_sample, path


@dataclass(frozen=True)
class Band:
    """`points` are (x, low, high)."""

    name: str
    color: str
    points: tuple[tuple[float, float, float], ...]

    figures: ClassVar[tuple[str, ...]] = ("points",)

    def along(self, axis: int) -> Iterator[float]:
        return (value for x, low, high in self.points for value in ((x,) if axis == X else (low, high)))

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        shown = [each for each in self.points if frame.shows((each[0], each[1])) and frame.shows((each[0], each[2]))]
        upper = [frame.place((x, high)) for x, _, high in shown]
        lower = [frame.place((x, low)) for x, low, _ in reversed(shown)]
        return f'<path d="{path(upper + lower)}Z" fill="var(--{self.color})" opacity="0.18"/>' if shown else ""

    def sample(self, x: float, y: float) -> str:
        return area_sample(x, y, self.color)

    def plotly(self) -> PlotlyParts:
        lower = scatter("", [(x, low) for x, low, _ in self.points], "lines", line={"width": 0})
        upper = scatter(
            self.name, [(x, high) for x, _, high in self.points], "lines", line={"width": 0}, fill="tonexty"
        )
        return {"data": [lower, upper]}
