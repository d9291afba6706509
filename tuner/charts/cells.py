"""A matrix as shaded cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from tuner.charts.mark import Frame, PlotlyParts
from tuner.charts.shapes import area_sample, rectangle, tip

FONT = 11


@dataclass(frozen=True)
class Cells:
    """`values[row][column]` between 0 and 1, with a text in each; both axes have names."""

    name: str
    color: str
    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    tips: tuple[tuple[str, ...], ...] = ()

    figures: ClassVar[tuple[str, ...]] = ("values", "texts")

    def along(self, axis: int) -> Iterator[float]:
        return iter(())

    def from_zero(self, axis: int) -> bool:
        return False

    def drawn(self, frame: Frame) -> str:
        return "".join(
            self._cell(row, column, frame) for row, values in enumerate(self.values) for column in range(len(values))
        )

    def _cell(self, row: int, column: int, frame: Frame) -> str:
        value, text = self.values[row][column], escape(self.texts[row][column])
        left, top = frame.place((column - 0.5, row - 0.5))
        right, bottom = frame.place((column + 0.5, row + 0.5))
        said = tip(self.tips[row][column]) if self.tips else ""
        look = f'fill="var(--{self.color})" fill-opacity="{value:.3f}"{said}'
        ink = "var(--paper)" if value > 0.6 else "var(--ink)"
        place = f'x="{(left + right) / 2:.1f}" y="{(top + bottom) / 2 + 4:.1f}" text-anchor="middle"'
        written = f'<text {place} font-size="{FONT}" fill="{ink}" pointer-events="none">{text}</text>'
        return rectangle(left, top, right - left, bottom - top, look) + written

    def sample(self, x: float, y: float) -> str:
        return area_sample(x, y, self.color)

    def plotly(self) -> PlotlyParts:
        shades = {"colorscale": "Blues", "showscale": False}
        values, texts = ([list(row) for row in rows] for rows in (self.values, self.texts))
        return {"data": [{"type": "heatmap", "z": values, "text": texts, "texttemplate": "%{text}", **shades}]}
