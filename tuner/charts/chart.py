"""Charts as values: axes and marks with numbers in the units of the data. `svg` draws them.

Colours are those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), which colour-blind people can tell apart; a
series also differs by its dashes or the shape of its dots.
"""

from dataclasses import dataclass
from typing import Literal

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, GREY = (
    "blue",
    "orange",
    "green",
    "vermilion",
    "purple",
    "sky",
    "yellow",
    "grey",
)
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW, GREY)
DATASET_COLORS = {
    "fashion-mnist": VERMILION,
    "mnist": BLUE,
    "usps": GREEN,
    "digits": PURPLE,
    "spiral": ORANGE,
    "circle": SKY,
    "xor": YELLOW,
}
"""The same data set has the same colour everywhere."""

Shape = Literal["dot", "diamond", "square", "cross", "ring"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis: its label with the unit, its scale; `names` make it one of categories, counted from 0; on a `whole` one only
    integers are written."""

    label: str
    scale: Literal["linear", "log"] = "linear"
    names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    percent: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Line:
    """Points joined by a line; `step` holds a value until the next point."""

    name: str
    color: str
    points: tuple[Point, ...]
    dashed: bool = False
    step: bool = False


@dataclass(frozen=True)
class Band:
    """The region between two values at each place: (x, low, high)."""

    name: str
    color: str
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Dots:
    """Single points. `tips` say in words what each one is; `errors` are (low, high) along the value axis, which is x
    where `sideways`."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    shape: Shape = "dot"
    size: float = 4.0
    errors: tuple[tuple[float, float], ...] = ()
    sideways: bool = False


@dataclass(frozen=True)
class Bars:
    """Bars from zero, at category or number `x`, `width` wide in units of the axis; `sideways` ones lie."""

    name: str
    color: str
    points: tuple[Point, ...]
    tips: tuple[str, ...] = ()
    width: float = 0.7
    sideways: bool = False


@dataclass(frozen=True)
class Rule:
    """A line across the whole chart at a value."""

    name: str
    color: str
    at: float
    upright: bool = False
    band: tuple[float, float] | None = None


@dataclass(frozen=True)
class Cells:
    """A matrix as shaded cells: `values[row][column]` between 0 and 1, with a text in each."""

    name: str
    color: str
    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    tips: tuple[tuple[str, ...], ...] = ()


Mark = Line | Band | Dots | Bars | Rule | Cells


@dataclass(frozen=True)
class Chart:
    """A chart: what it shows in a title and in words (`note`), its axes and marks. `height` and `width` in pixels of its
    own; a page scales it."""

    id: str
    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    note: str = ""
    width: int = 560
    height: int = 340
    legend: bool = True
