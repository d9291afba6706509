"""What a page says, as plain values: sections of paragraphs, tables, charts and pictures. Pages are made of them in HTML and
in Markdown, so both say the same, and tests read them without parsing anything."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tuner.charts import Chart


@dataclass(frozen=True)
class Link:
    """A cell that leads to a file beside the page."""

    text: str
    address: str


Cell = str | float | int | Link | None


@dataclass(frozen=True)
class Paragraph:
    """Plain text; `tone` says how it stands out."""

    text: str
    tone: Literal["plain", "lead", "aside", "missing"] = "plain"


@dataclass(frozen=True)
class Table:
    """Rows of cells below their column names. Numbers stand right; `long` tables are folded on the page."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    long: bool = False


@dataclass(frozen=True)
class Picture:
    """A PNG with what it shows in words; a page shows each of its pixels `enlarged` times, without smoothing."""

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
    """Something to be typed or copied."""

    text: str


Block = Paragraph | Table | Chart | Picture | Code


@dataclass(frozen=True)
class Section:
    """A part of a page."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    lead: str
    sections: tuple[Section, ...]

    def charts(self) -> Iterator[Chart]:
        """All charts, in order."""
        return (block for block in self.blocks() if isinstance(block, Chart))

    def blocks(self) -> Iterator[Block]:
        """Everything on the page, in order."""
        return (block for section in self.sections for block in section.blocks)


def missing(what: str) -> Paragraph:
    """A section's part that cannot be shown, and why."""
    return Paragraph(what, "missing")
