"""The shapes that charts are drawn with, as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Literal

Point = tuple[float, float]
Shape = Literal["dot", "diamond", "cross"]


def tip(text: str) -> str:
    """The attribute with the text that a page shows at the pointer."""
    return f' data-tip="{escape(text, quote=True)}"'


def path(points: Sequence[Point]) -> str:
    """The `d` of a path through points.

    >>> path([(0, 1), (2.04, 3)])
    'M0.0 1.0L2.0 3.0'
    """
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def stairs(points: Sequence[Point]) -> list[Point]:
    """The corners of a line that holds each value until the next point.

    >>> stairs([(0, 1), (2, 3)])
    [(0, 1), (2, 1), (2, 3)]
    """
    corners = [points[0]]
    for x, y in points[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return corners


def dot(shape: Shape, x: float, y: float, size: float, color: str, more: str = "") -> str:
    """A dot at a place; `more` are further attributes."""
    match shape:
        case "diamond":
            corners = [(x, y - 1.3 * size), (x + 1.3 * size, y), (x, y + 1.3 * size), (x - 1.3 * size, y)]
            return f'<path d="{path(corners)}Z" fill="var(--paper)" stroke="{color}" stroke-width="2"{more}/>'
        case "cross":
            stroke = f"l{2 * size:.1f} {2 * size:.1f}m0 {-2 * size:.1f}l{-2 * size:.1f} {2 * size:.1f}"
            return f'<path d="M{x - size:.1f} {y - size:.1f}{stroke}" stroke="{color}" stroke-width="1.8" fill="none"{more}/>'
        case "dot":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{color}"{more}/>'


def text(content: str, x: float, y: float, more: str = "") -> str:
    """A text from its lower left corner; `more` are further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, more: str) -> str:
    """A rectangle by its upper left corner; `more` are further attributes."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {more}/>'
