"""A line across the whole chart at a value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tuner.charts.colors import LIGHT
from tuner.charts.mark import Frame, PlotlyParts, X, Y
from tuner.charts.scale import written
from tuner.charts.shapes import rectangle, stroke_sample, tip


@dataclass(frozen=True)
class Rule:
    """At a value of y, or of x where it stands `upright`; `band` is the (low, high) that is shaded around it."""

    name: str
    color: str
    at: float
    upright: bool = False
    band: tuple[float, float] | None = None

    figures: ClassVar[tuple[str, ...]] = ("at", "band")

    def along(self, axis: int) -> Iterator[float]:
        if axis == (X if self.upright else Y):
            yield from (self.at, *(self.band or ()))

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        scale = frame.x if self.upright else frame.y
        if not all(map(scale.shows, (self.at, *(self.band or ())))):
            return ""
        at, color = scale(self.at), f"var(--{self.color})"
        across = f"M{at:.1f} {frame.top:.1f}V{frame.bottom:.1f}"
        along = f"M{frame.left:.1f} {at:.1f}H{frame.right:.1f}"
        said = tip(f"{self.name}: {written(self.at)}")
        look = f'stroke="{color}" stroke-width="1.6" stroke-dasharray="6 4"{said}'
        return f'{self._shade(frame)}<path d="{across if self.upright else along}" {look}/>'

    def _shade(self, frame: Frame) -> str:
        if self.band is None:
            return ""
        low, high = sorted(map(frame.x if self.upright else frame.y, self.band))
        across = (low, frame.top, high - low, frame.bottom - frame.top)
        along = (frame.left, low, frame.right - frame.left, high - low)
        return rectangle(*(across if self.upright else along), f'fill="var(--{self.color})" opacity="0.14"')

    def sample(self, x: float, y: float) -> str:
        return stroke_sample(x, y, self.color, dashed=True)

    def plotly(self) -> PlotlyParts:
        across = {"x0": self.at, "x1": self.at, "y0": 0, "y1": 1, "yref": "paper"}
        along = {"y0": self.at, "y1": self.at, "x0": 0, "x1": 1, "xref": "paper"}
        line = {"type": "line", "line": {"color": LIGHT[self.color], "dash": "dash"}}
        return {"shapes": [line | (across if self.upright else along)]}
