"""Charts drawn as SVG. On a page its style colours them and its script shows the tips; files of their own contain both
palettes, for light and dark."""

from html import escape

from tuner.charts.chart import Chart, Frame, Mark, X, Y
from tuner.charts.colors import STYLE
from tuner.charts.marks import Dots, Line, Rule
from tuner.charts.scale import Scale, fit_scale
from tuner.charts.shapes import dot, text

FONT = 13
LETTER = 0.56 * FONT
"""The approximate width of a letter."""
TITLE = 26.0
ENTRY = 20
WIDEST = 0.4
"""The largest share of a chart's width that the names of the y axis may take."""


def draw(chart: Chart, *, standalone: bool = False) -> str:
    """The chart as an SVG element; a `standalone` one has its own title, size, colours and background."""
    size, own, top = "", "", 6.0
    if standalone:
        size, top = f'width="{chart.width}" height="{chart.height}" ', TITLE
        background = f'<rect width="{chart.width}" height="{chart.height}" fill="var(--paper)"/>'
        own = f"<style>{STYLE}</style>{background}" + text(chart.title, 12, 18, ' font-weight="600"')
    legend, below = _legend(chart, top)
    frame = _frame(chart, below + 6)
    marks = "".join(
        f'<g class="series" data-series="{index}">{mark.svg(frame)}</g>' for index, mark in enumerate(chart.marks)
    )
    label = escape(f"{chart.title}. {chart.note}".strip(), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.width} {chart.height}" {size}role="img" '
        f'aria-label="{label}" font-family="system-ui,sans-serif" font-size="{FONT}" fill="var(--ink)">'
        f"{own}{_y_axis(chart, frame)}{_x_axis(chart, frame)}{_labels(chart, frame)}{marks}{legend}</svg>"
    )


def _frame(chart: Chart, top: float) -> Frame:
    slanted = _slanted(chart)
    bottom = chart.height - (46 if not slanted else 40 + min(90, LETTER * 0.75 * max(map(len, chart.x.names))))
    upright = (top, bottom) if chart.y.names else (bottom, top)
    y = _scale(chart, Y, *upright)
    widest = max((len(name) for _, name in y.ticks()), default=1)
    left = min(_label_width(chart) + LETTER * widest + 8, WIDEST * chart.width)
    x = _scale(chart, X, left, chart.width - 14.0)
    overhang = max((x(value) + LETTER * len(name) / 2 - chart.width for value, name in x.ticks()), default=0.0)
    if overhang > 0 and not slanted:
        x = _scale(chart, X, left, chart.width - 14.0 - overhang)
    return Frame(x, y, top, bottom)


def _scale(chart: Chart, axis: int, start: float, end: float) -> Scale:
    values = (value for mark in chart.marks for value in mark.extent(axis))
    return fit_scale((chart.x, chart.y)[axis], values, start, end)


SMALL = f'font-size="{FONT - 1}" fill="var(--soft)"'


def _y_axis(chart: Chart, frame: Frame) -> str:
    parts = []
    room = (frame.x.start - _label_width(chart) - 4) / LETTER
    for value, name in frame.y.ticks():
        y = frame.y(value)
        if not (chart.x.names and chart.y.names):  # a matrix has cells instead of lines
            parts.append(f'<path d="M{frame.x.start:.1f} {y:.1f}H{frame.x.end:.1f}" stroke="var(--line)"/>')
        parts.append(text(_cut(name, room), frame.x.start - 6, y + 4, f' text-anchor="end" {SMALL}'))
    return "".join(parts)


def _x_axis(chart: Chart, frame: Frame) -> str:
    parts, slanted, y, free = [], _slanted(chart), frame.bottom + 17, 0.0
    for value, name in frame.x.ticks():
        x, half = frame.x(value), 0.0 if slanted else LETTER * len(name) / 2
        if x - half < free:  # a mark of its own, but no room for its name
            name = ""
        free = max(free, x + half)
        turn = f' text-anchor="end" transform="rotate(-40 {x:.1f} {y:.1f})"' if slanted else ' text-anchor="middle"'
        parts.append(f'<path d="M{x:.1f} {frame.bottom:.1f}v4" stroke="var(--soft)"/>')
        parts.append(text(_cut(name, 22), x, y, f"{turn} {SMALL}"))
    return "".join(parts)


def _labels(chart: Chart, frame: Frame) -> str:
    middle, centre = (frame.x.start + frame.x.end) / 2, (frame.top + frame.bottom) / 2
    label, anchor = "", ' text-anchor="middle"'
    if chart.y.label:
        label = text(chart.y.label, 14, centre, f'{anchor} transform="rotate(-90 14 {centre:.1f})"')
    return text(chart.x.label, middle, chart.height - 8, anchor) + label


def _label_width(chart: Chart) -> float:
    """The width of the y axis' label."""
    return 24.0 if chart.y.label else 4.0


def _slanted(chart: Chart) -> bool:
    """Whether the names of the x axis are too long for one line."""
    room = (chart.width - 80) / max(1, len(chart.x.names))
    return any(len(name) * LETTER > room for name in chart.x.names)


def _cut(name: str, letters: float) -> str:
    return name if len(name) <= letters + 1 else name[: max(3, int(letters) - 1)] + "…"


def _legend(chart: Chart, top: float) -> tuple[str, float]:
    """The names of the series, in as many rows as necessary, and where they end."""
    parts = []
    x, y = 12.0, top + 10
    for index, mark in enumerate(chart.marks):
        if not mark.name:
            continue
        width = 34 + LETTER * len(mark.name)
        if x > 12 and x + width + 10 > chart.width:
            x, y = 12.0, y + ENTRY
        parts.append(
            f'<g class="key" data-for="{index}" tabindex="0" role="button" aria-pressed="true">'
            f'<rect x="{x - 4:.1f}" y="{y - 11:.1f}" width="{width:.0f}" height="20" fill="transparent"/>'
            f"{_sample(mark, x, y)}{text(mark.name, x + 28, y + 4)}</g>"
        )
        x += width + 10
    return "".join(parts), y - 10 + ENTRY if parts else top


def _sample(mark: Mark, x: float, y: float) -> str:
    """The sample of a mark in the legend, 22 pixels wide from `x`: its dot, its line, or an area."""
    color = f"var(--{mark.color})"
    match mark:
        case Dots(shape=shape):
            return dot(shape, x + 11, y, 4.5, color)
        case Line() | Rule():
            dashes = ' stroke-dasharray="5 4"' if isinstance(mark, Rule) or mark.dashed else ""
            return f'<path d="M{x:.1f} {y:.1f}h22" stroke="{color}" stroke-width="2"{dashes}/>'
    return f'<rect x="{x:.1f}" y="{y - 5:.1f}" width="22" height="10" fill="{color}" opacity="0.5"/>'
