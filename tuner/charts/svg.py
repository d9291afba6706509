"""Charts drawn as SVG: text, lines and shapes, no library. On a page the page's style colours them, light or dark, and its
script shows what a mark says; as files of their own they bring both colours along."""

from collections.abc import Iterator
from html import escape

from tuner.charts.chart import Band, Bars, Cells, Chart, Dots, Line, Mark, Rule
from tuner.charts.marks import FONT, LETTER, Frame, draw_mark
from tuner.charts.scale import fitted
from tuner.charts.shapes import dot

TITLE = 26
KEY = 20
WIDEST = 0.4
"""The share of a chart that names beside it may take."""

LIGHT = {
    "ink": "#1c1f23", "soft": "#5c6570", "line": "#d8dde3", "paper": "#ffffff", "blue": "#0072b2",
    "vermilion": "#d55e00", "green": "#009e73", "purple": "#b0578d", "orange": "#c98600", "sky": "#3a9bd6",
    "yellow": "#a89a00", "grey": "#7a828c",
}  # fmt: skip
DARK = {
    "ink": "#e8eaed", "soft": "#a2abb6", "line": "#3a424c", "paper": "#14181d", "blue": "#56a8e0",
    "vermilion": "#f08a4b", "green": "#35c99b", "purple": "#dd90bf", "orange": "#f0b23d", "sky": "#8cc9ee",
    "yellow": "#e8dc52", "grey": "#9aa3ad",
}  # fmt: skip


def colors(palette: dict[str, str]) -> str:
    """A palette as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in palette.items())


STYLE = f":root{{{colors(LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{colors(DARK)}}}}}"


def draw(chart: Chart, standalone: bool = False) -> str:
    """The chart as an SVG element; `standalone` ones have their title, their colours and a background of their own."""
    frame = _frame(chart, standalone)
    marks = "".join(
        f'<g class="series" data-series="{index}">{draw_mark(mark, frame)}</g>'
        for index, mark in enumerate(chart.marks)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.width} {chart.height}" role="img" '
    label = escape(f"{chart.title}. {chart.note}".strip(), quote=True)
    own = f"<style>{STYLE}</style>{_background(chart)}" if standalone else ""
    font = f'font-family="system-ui,sans-serif" font-size="{FONT}" fill="var(--ink)"'
    return f'{head}aria-label="{label}" {font}>{own}{_axes(chart, frame)}{marks}{_keys(chart, frame)}</svg>'


def _frame(chart: Chart, standalone: bool) -> Frame:
    top = TITLE if standalone else 6.0
    keys, rows = _place_keys(chart, top)
    top += rows * KEY + 6
    upright = _upright(chart)
    bottom = chart.height - (46 if not upright else 40 + min(90, LETTER * 0.75 * max(map(len, chart.x.names))))
    y = fitted(chart.y, _values(chart, 1), bottom, top, _from_zero(chart, sideways=False))
    if chart.y.names:
        y = fitted(chart.y, (), top, bottom)
    widest = max((len(text) for _, text in y.ticks()), default=1)
    left = min(_beside(chart) + LETTER * widest + 8, WIDEST * chart.width)
    right = chart.width - 14.0
    x = fitted(chart.x, _values(chart, 0), left, right, _from_zero(chart, sideways=True))
    return Frame(x, y, top, bottom, left, right, keys)


def _beside(chart: Chart) -> float:
    """What the label of the upright axis takes."""
    return 24.0 if chart.y.label else 4.0


def _from_zero(chart: Chart, sideways: bool) -> bool:
    return any(isinstance(mark, Bars) and mark.sideways == sideways for mark in chart.marks)


def _upright(chart: Chart) -> bool:
    """Whether the names below the chart are too long to stand side by side."""
    room = (chart.width - 80) / max(1, len(chart.x.names))
    return any(len(name) * LETTER > room for name in chart.x.names)


def _values(chart: Chart, axis: int) -> Iterator[float]:
    """Everything that must find a place along an axis (0: x, 1: y)."""
    for mark in chart.marks:
        match mark:
            case Bars(points=points, width=width, sideways=sideways):
                half = width / 2 if (axis == 1) == sideways else 0.0
                yield from (point[axis] + side for point in points for side in (-half, half))
            case Line(points=points):
                yield from (point[axis] for point in points)
            case Dots(points=points, errors=errors, sideways=sideways):
                yield from (point[axis] for point in points)
                if (axis == 0) == sideways:
                    yield from (bound for error in errors for bound in error)
            case Band(points=band):
                yield from (value for x, low, high in band for value in ((x,) if axis == 0 else (low, high)))
            case Rule(at=at, upright=upright, band=rule_band) if (axis == 0) == upright:
                yield from (at, *(rule_band or ()))


# What stands around the plot ------------------------------------------------------------------------------------------


def _background(chart: Chart) -> str:
    title = f'<text x="12" y="18" font-weight="600">{escape(chart.title)}</text>'
    return f'<rect width="{chart.width}" height="{chart.height}" fill="var(--paper)"/>{title}'


def _axes(chart: Chart, frame: Frame) -> str:
    parts = []
    small = f'font-size="{FONT - 1}" fill="var(--soft)"'
    for value, text in frame.y.ticks():
        y = frame.y(value)
        if not any(isinstance(mark, Cells) for mark in chart.marks):
            parts.append(f'<path d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}" stroke="var(--line)"/>')
        text = _cut(text, (frame.left - _beside(chart) - 4) / LETTER)
        parts.append(f'<text x="{frame.left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end" {small}>{escape(text)}</text>')
    upright = _upright(chart)
    for value, text in frame.x.ticks():
        x, y = frame.x(value), frame.bottom + 17
        turn = f' text-anchor="end" transform="rotate(-40 {x:.1f} {y:.1f})"' if upright else ' text-anchor="middle"'
        parts.append(f'<path d="M{x:.1f} {frame.bottom:.1f}v4" stroke="var(--soft)"/>')
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{turn} {small}>{escape(_cut(text, 22))}</text>')
    middle, centre = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    parts.append(f'<text x="{middle:.1f}" y="{chart.height - 8}" text-anchor="middle">{escape(chart.x.label)}</text>')
    if chart.y.label:
        turn = f'transform="rotate(-90 14 {centre:.1f})"'
        parts.append(f'<text x="14" y="{centre:.1f}" text-anchor="middle" {turn}>{escape(chart.y.label)}</text>')
    return "".join(parts)


def _cut(text: str, letters: float) -> str:
    return text if len(text) <= letters + 1 else text[: max(3, int(letters) - 1)] + "…"


def _place_keys(chart: Chart, top: float) -> tuple[tuple[tuple[float, float, int, Mark], ...], int]:
    """Each named series with where its key stands, and how many rows of keys there are."""
    named = [(index, mark) for index, mark in enumerate(chart.marks) if mark.name]
    if not chart.legend or len(named) < 1:
        return (), 0
    places, x, row = [], 12.0, 0
    for index, mark in named:
        width = 30 + LETTER * len(mark.name) + 14
        if x > 12 and x + width > chart.width:
            x, row = 12.0, row + 1
        places.append((x, top + 10 + row * KEY, index, mark))
        x += width
    return tuple(places), row + 1


def _keys(chart: Chart, frame: Frame) -> str:
    return "".join(
        f'<g class="key" data-for="{index}" tabindex="0" role="button" aria-pressed="true">'
        f'<rect x="{x - 4:.1f}" y="{y - 11:.1f}" width="{34 + LETTER * len(mark.name):.0f}" height="20" fill="transparent"/>'
        f'{_sample(mark, x, y)}<text x="{x + 28:.1f}" y="{y + 4:.1f}">{escape(mark.name)}</text></g>'
        for x, y, index, mark in frame.keys
    )


def _sample(mark: Mark, x: float, y: float) -> str:
    color = f"var(--{mark.color})"
    match mark:
        case Dots(shape=shape):
            return dot(shape, x + 11, y, 4.5, color)
        case Band() | Bars() | Cells():
            return f'<rect x="{x:.1f}" y="{y - 5:.1f}" width="22" height="10" fill="{color}" opacity="0.5"/>'
    dashes = ' stroke-dasharray="5 4"' if getattr(mark, "dashed", False) or isinstance(mark, Rule) else ""
    return f'<path d="M{x:.1f} {y:.1f}h22" stroke="{color}" stroke-width="2"{dashes}/>'
