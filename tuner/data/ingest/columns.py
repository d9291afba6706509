"""What a column is: as the profile of a table guesses it, and as the training part defines its codes."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from tuner.networks.columns import FIRST, SHAPES, Coded, Kind, shape_of

LONGEST_EXAMPLE = 24
MARKED = "numbers mixed with marks or words"
"""The reason for a category of numbers that are not written plainly."""


@dataclass(frozen=True)
class ColumnProfile:
    """A column: its probable kind and the reason (of a column that is left out, why), the share of missing rows, the number of
    different values, some of them; a `hint` where it could be written better; `format` as in `Column`."""

    name: str
    kind: Kind | Literal[""]
    reason: str = ""
    missing: float = 0.0
    values: int = 0
    examples: tuple[str, ...] = ()
    hint: str = ""
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnCoding:
    """How a column is coded. `values` are the categories, truths or words with the codes 2, 3, …; `origin` is subtracted from a
    number before rounding to float32; `format` as in `Column`; `places` and `lacks` as in `Coded`."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    origin: float = 0.0
    format: str = ""
    places: int = 1
    lacks: bool = False

    @property
    def coded(self) -> Coded:
        """The column as a network's input."""
        size = 0 if self.kind in ("number", "date", *SHAPES) else FIRST + len(self.values)
        shape = (self.places,) if self.kind == "text" and self.format else self.shape
        return Coded(self.kind, size, self.places, self.lacks, self.name if shape else "", shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a picture or an array; empty for other kinds."""
        return shape_of(self.kind, self.format)


@dataclass(frozen=True, kw_only=True)
class Coding:
    """The columns of coded rows, in their order: enough to code other rows of the same table."""

    columns: tuple[ColumnCoding, ...] = ()

    @property
    def coded(self) -> tuple[Coded, ...]:
        """The columns as a network's inputs."""
        return tuple(column.coded for column in self.columns)

    @property
    def places(self) -> int:
        """The length of a coded row."""
        return sum(column.places for column in self.columns)

    @property
    def slices(self) -> list[slice]:
        """The places of each column in a coded row."""
        ends = list(accumulate(column.places for column in self.columns))
        return [slice(end - column.places, end) for column, end in zip(self.columns, ends, strict=True)]


def shorten(text: str) -> str:
    """A text cut to the length of an example."""
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_EXAMPLE else plain[: LONGEST_EXAMPLE - 1] + "…"
