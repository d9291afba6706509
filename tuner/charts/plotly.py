"""Charts as plotly figures in plain data, for optuna-dashboard, which draws them; plotly itself is not needed for that."""

import json
from typing import Any

from tuner.charts.chart import Band, Bars, Cells, Chart, Dots, Line, Mark, Rule
from tuner.charts.svg import LIGHT

SYMBOLS = {
    "dot": "circle",
    "ring": "circle-open",
    "diamond": "diamond-open",
    "square": "square",
    "cross": "x-thin-open",
}


class PlotlyFigure:
    """What optuna-dashboard asks of a figure: its JSON."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart

    def to_json(self) -> str:
        """Traces and layout."""
        return json.dumps(
            {"data": [trace for mark in self.chart.marks for trace in _traces(mark)], "layout": self._layout()}
        )

    def _layout(self) -> dict[str, Any]:
        axes: dict[str, dict[str, Any]] = {}
        for name, axis in (("xaxis", self.chart.x), ("yaxis", self.chart.y)):
            axes[name] = {
                "title": {"text": axis.label},
                "type": "log" if axis.scale == "log" else "linear",
                "automargin": True,
            }
            if axis.percent:
                axes[name]["tickformat"] = ".1%"
            if axis.names:
                axes[name] |= {"tickvals": list(range(len(axis.names))), "ticktext": list(axis.names)}
        if self.chart.y.names:
            axes["yaxis"]["autorange"] = "reversed"
        shapes = [_shape(mark) for mark in self.chart.marks if isinstance(mark, Rule)]
        return {"title": {"text": self.chart.title}, **axes, "shapes": shapes, "height": self.chart.height + 120}


def _traces(mark: Mark) -> list[dict[str, Any]]:
    color = LIGHT[mark.color]
    match mark:
        case Line():
            line = {
                "color": color,
                "dash": "dash" if mark.dashed else "solid",
                "shape": "hv" if mark.step else "linear",
            }
            return [_scatter(mark.name, mark.points, "lines", line=line)]
        case Dots():
            marker = {
                "color": color,
                "symbol": SYMBOLS[mark.shape],
                "size": 2 * mark.size,
                "line": {"width": 2, "color": color},
            }
            trace = _scatter(mark.name, mark.points, "markers", marker=marker, text=list(mark.tips))
            if mark.errors:
                trace["error_x" if mark.sideways else "error_y"] = _error_bars(mark)
            return [trace]
        case Bars():
            x, y = ([point[axis] for point in mark.points] for axis in (0, 1))
            kind = {"orientation": "h"} if mark.sideways else {}
            return [
                {
                    "type": "bar",
                    "name": mark.name,
                    "x": x,
                    "y": y,
                    "marker": {"color": color},
                    "text": list(mark.tips),
                    **kind,
                }
            ]
        case Band():
            lower = _scatter("", [(x, low) for x, low, _ in mark.points], "lines", line={"width": 0})
            upper = _scatter(
                mark.name, [(x, high) for x, _, high in mark.points], "lines", line={"width": 0}, fill="tonexty"
            )
            return [lower, upper]
        case Cells():
            return [
                {
                    "type": "heatmap",
                    "z": [list(row) for row in mark.values],
                    "text": [list(row) for row in mark.texts],
                    "texttemplate": "%{text}",
                    "colorscale": "Blues",
                    "showscale": False,
                }
            ]
    return []


def _scatter(name: str, points: Any, mode: str, **more: Any) -> dict[str, Any]:
    x, y = ([point[axis] for point in points] for axis in (0, 1))
    return {"type": "scatter", "mode": mode, "name": name, "showlegend": bool(name), "x": x, "y": y, **more}


def _error_bars(mark: Dots) -> dict[str, Any]:
    values = [point[0 if mark.sideways else 1] for point in mark.points]
    pairs = list(zip(values, mark.errors, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, (_, high) in pairs],
        "arrayminus": [value - low for value, (low, _) in pairs],
    }


def _shape(mark: Rule) -> dict[str, Any]:
    across = {"x0": mark.at, "x1": mark.at, "y0": 0, "y1": 1, "yref": "paper"}
    along = {"y0": mark.at, "y1": mark.at, "x0": 0, "x1": 1, "xref": "paper"}
    return {"type": "line", "line": {"color": LIGHT[mark.color], "dash": "dash"}, **(across if mark.upright else along)}
