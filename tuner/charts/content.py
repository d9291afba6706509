"""The content of a page as plain values: sections of paragraphs, tables, charts and pictures.

Pages in HTML and in Markdown are made of the same values, and tests read these without parsing anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tuner.base.formatting import four_digits
from tuner.charts.chart import Chart


@dataclass(frozen=True)
class Link:
    """A cell that links to a file next to the page."""

    text: str
    address: str


Cell = str | float | int | Link | None


@dataclass(frozen=True)
class Paragraph:
    """Plain text; `tone` is its emphasis."""

    text: str
    tone: Literal["plain", "lead", "aside", "missing"] = "plain"


@dataclass(frozen=True)
class Tile:
    """One of the main figures of a page: its name, the figure, and what must be known with it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under column names. `long` tables are folded on the page."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    long: bool = False

    @property
    def number_columns(self) -> list[bool]:
        """Whether each column holds numbers, which are aligned to the right."""
        return [any(isinstance(row[place], int | float) for row in self.rows) for place in range(len(self.columns))]


@dataclass(frozen=True)
class Picture:
    """A PNG with a description in words. A page shows each pixel `enlarged` times, without smoothing."""

    id: str
    title: str
    png: bytes = field(repr=False)
    alt: str
    note: str = ""
    enlarged: float = 1.0

    @property
    def width(self) -> int:
        """In pixels of the page."""
        return round(self.enlarged * int.from_bytes(self.png[16:20], "big"))


@dataclass(frozen=True)
class Code:
    """Commands to copy."""

    text: str


Block = Paragraph | Tile | Table | Chart | Picture | Code


@dataclass(frozen=True)
class Section:
    """A part of a page."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A report. `links` lead to other pages, whose addresses have no ending: HTML links to HTML, Markdown to Markdown."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    links: tuple[Link, ...] = ()

    def charts(self) -> Iterator[Chart]:
        """All charts, in order."""
        return (block for block in self.blocks() if isinstance(block, Chart))

    def blocks(self) -> Iterator[Block]:
        """All blocks of the page, in order."""
        return (block for section in self.sections for block in section.blocks)


def missing(reason: str) -> Paragraph:
    """A paragraph in place of content that cannot be shown."""
    return Paragraph(reason, "missing")


def cell_text(cell: Cell) -> str:
    """The text of a cell: numbers in four digits, a dash for nothing."""
    match cell:
        case None | "":
            return "–"
        case Link(text=text):
            return text
        case bool() | str():
            return str(cell)
        case int():
            return f"{cell:,}"
        case float():
            return four_digits(cell)
