"""Charts as plotly figures in plain data, for optuna-dashboard, which draws them; plotly itself is not needed for that."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuner.charts.chart import Chart
from tuner.charts.scale import Axis
from tuner.charts.shapes import Point


@dataclass(frozen=True)
class PlotlyFigure:
    """What optuna-dashboard asks of a figure: its JSON."""

    chart: Chart

    def to_json(self) -> str:
        """Traces and layout."""
        parts = [mark.plotly() for mark in self.chart.marks]
        traces, shapes = ([each for part in parts for each in part.get(kind, ())] for kind in ("data", "shapes"))
        return json.dumps({"data": traces, "layout": self._layout() | {"shapes": shapes}})

    def _layout(self) -> dict[str, Any]:
        axes = {"xaxis": _axis(self.chart.x), "yaxis": _axis(self.chart.y)}
        if self.chart.y.names:
            axes["yaxis"]["autorange"] = "reversed"
        return {"title": {"text": self.chart.title}, **axes, "height": self.chart.height + 120}


def scatter(name: str, points: Sequence[Point], mode: str, **more: Any) -> dict[str, Any]:
    """A trace of points, of a line through them, or of both."""
    x, y = ([point[axis] for point in points] for axis in (0, 1))
    return {"type": "scatter", "mode": mode, "name": name, "showlegend": bool(name), "x": x, "y": y, **more}


def _axis(axis: Axis) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "title": {"text": axis.label},
        "type": "log" if axis.scale == "log" else "linear",
        "automargin": True,
    }
    if axis.percent:
        plain["tickformat"] = ".1%"
    if axis.names:
        plain |= {"tickvals": list(range(len(axis.names))), "ticktext": list(axis.names)}
    return plain
