"""How each kind of mark is drawn within the frame of its chart."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from tuner.charts.chart import Band, Bars, Cells, Dots, Line, Mark, Point, Rule
from tuner.charts.scale import Scale, written
from tuner.charts.shapes import dot, path, stairs

FONT = 13
LETTER = 0.56 * FONT
"""About how wide a letter is."""


@dataclass(frozen=True)
class Frame:
    """Where the plot stands in the chart, and its scales."""

    x: Scale
    y: Scale
    top: float
    bottom: float
    left: float
    right: float
    keys: tuple[tuple[float, float, int, Mark], ...] = ()


def draw_mark(mark: Mark, frame: Frame) -> str:
    return DRAWERS[type(mark)](mark, frame)


def _line(mark: Line, frame: Frame) -> str:
    shown = [point for point in mark.points if frame.x.shows(point[0]) and frame.y.shows(point[1])]
    placed = [(frame.x(x), frame.y(y)) for x, y in shown]
    if not placed:
        return ""
    dashes = ' stroke-dasharray="5 4"' if mark.dashed else ""
    stroke = f'fill="none" stroke="var(--{mark.color})" stroke-width="2"{dashes}'
    if len(placed) == 1:  # a run that diverged in its first epoch: a path of one point shows nothing
        line = dot("dot", *placed[0], 3.5, f"var(--{mark.color})")
    else:
        line = f'<path d="{path(stairs(placed) if mark.step else placed)}" {stroke}/>'
    every = max(1, len(placed) // 60)
    tips = [f"{mark.name}: {_spoken(point, frame)}" for point in shown]
    return line + "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="transparent"{_tip(tip)}/>'
        for (x, y), tip in list(zip(placed, tips, strict=True))[::every]
    )


def _band(mark: Band, frame: Frame) -> str:
    shown = [each for each in mark.points if frame.y.shows(each[1]) and frame.y.shows(each[2])]
    upper = [(frame.x(x), frame.y(high)) for x, _, high in shown]
    lower = [(frame.x(x), frame.y(low)) for x, low, _ in reversed(shown)]
    return f'<path d="{path(upper + lower)}Z" fill="var(--{mark.color})" opacity="0.18"/>' if shown else ""


def _dots(mark: Dots, frame: Frame) -> str:
    parts, color = [], f"var(--{mark.color})"
    for index, (x, y) in enumerate(mark.points):
        if not (frame.x.shows(x) and frame.y.shows(y)):
            continue
        if mark.errors:
            ends = [(low, y) if mark.sideways else (x, low) for low in mark.errors[index]]
            parts.append(
                f'<path d="{path([(frame.x(a), frame.y(b)) for a, b in ends])}" stroke="{color}" stroke-width="2"/>'
            )
        tip = mark.tips[index] if mark.tips else f"{mark.name}: {_spoken((x, y), frame)}"
        parts.append(dot(mark.shape, frame.x(x), frame.y(y), mark.size, color, _tip(tip)))
    return "".join(parts)


def _bars(mark: Bars, frame: Frame) -> str:
    parts = []
    for index, (x, y) in enumerate(mark.points):
        across, along, value = (frame.y, frame.x, x) if mark.sideways else (frame.x, frame.y, y)
        place = y if mark.sideways else x
        edges = (max(place - mark.width / 2, across.low), min(place + mark.width / 2, across.high))
        first, last = sorted(map(across, edges))
        low, high = sorted((along(max(0.0, along.low)), along(value)))
        box = (low, first, high - low, last - first) if mark.sideways else (first, low, last - first, high - low)
        tip = mark.tips[index] if mark.tips else f"{mark.name}: {_spoken((x, y), frame)}"
        sides = 'x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'.format(*box)
        parts.append(f'<rect {sides} fill="var(--{mark.color})" opacity="0.75"{_tip(tip)}/>')
    return "".join(parts)


def _rule(mark: Rule, frame: Frame) -> str:
    scale = frame.x if mark.upright else frame.y
    at, color = scale(mark.at), f"var(--{mark.color})"
    drawn = (
        f"M{at:.1f} {frame.top:.1f}V{frame.bottom:.1f}"
        if mark.upright
        else f"M{frame.left:.1f} {at:.1f}H{frame.right:.1f}"
    )
    line = f'<path d="{drawn}" stroke="{color}" stroke-width="1.6" stroke-dasharray="6 4"{_tip(f"{mark.name}: {written(mark.at)}")}/>'
    if mark.band is None:
        return line
    low, high = sorted(scale(bound) for bound in mark.band)
    box = (
        (low, frame.top, high - low, frame.bottom - frame.top)
        if mark.upright
        else (frame.left, low, frame.right - frame.left, high - low)
    )
    sides = 'x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'.format(*box)
    return f'<rect {sides} fill="{color}" opacity="0.14"/>{line}'


def _cells(mark: Cells, frame: Frame) -> str:
    parts = []
    for row, values in enumerate(mark.values):
        for column, value in enumerate(values):
            left, right = frame.x(column - 0.5), frame.x(column + 0.5)
            top, bottom = frame.y(row - 0.5), frame.y(row + 0.5)
            tip = _tip(mark.tips[row][column]) if mark.tips else ""
            sides = f'x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
            parts.append(f'<rect {sides} fill="var(--{mark.color})" fill-opacity="{value:.3f}"{tip}/>')
            text = escape(mark.texts[row][column])
            ink = "var(--paper)" if value > 0.6 else "var(--ink)"
            place = f'x="{(left + right) / 2:.1f}" y="{(top + bottom) / 2 + 4:.1f}" text-anchor="middle"'
            parts.append(f'<text {place} font-size="{FONT - 2}" fill="{ink}" pointer-events="none">{text}</text>')
    return "".join(parts)


DRAWERS: dict[type, Callable[[Any, Frame], str]] = {
    Line: _line,
    Band: _band,
    Dots: _dots,
    Bars: _bars,
    Rule: _rule,
    Cells: _cells,
}


def _tip(text: str) -> str:
    return f' data-tip="{escape(text, quote=True)}"'


def _spoken(point: Point, frame: Frame) -> str:
    x, y = (_value(scale, value) for scale, value in zip((frame.x, frame.y), point, strict=True))
    return f"{y} at {frame.x.axis.label} {x}" if not frame.x.axis.names else f"{x}: {y}"


def _value(scale: Scale, value: float) -> str:
    if scale.axis.names:
        return scale.axis.names[round(value)]
    return f"{100 * value:.2f} %" if scale.axis.percent else f"{value:.4g}"
