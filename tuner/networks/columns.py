"""What a network takes that stands on a table: rows of numbers and codes, and how these become what its first layer sees.

A *coded row* is float32 and has, column by column, for a number itself (NaN where it is missing); for a date its days since
1970 (NaN); for a boolean or a category one code, for a text as many codes of words as it may have. Code 0 is nothing
there, 1 a value that the training part does not have, 2 and more are the values of the training part.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tuner.base.errors import require, require_at_least_one

Kind = Literal["number", "boolean", "category", "date", "text"]
MISSING, UNSEEN, FIRST = 0, 1, 2
"""Codes: nothing there; a value that the training part does not have; the first of those that it has."""
TRUTHS = {"false": 0, "no": 0, "0": 0, "0.0": 0, "true": 1, "yes": 1, "1": 1, "1.0": 1}
"""What a boolean column may hold, in lower case."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table and what it is taken for."""

    name: str
    kind: Kind

    def __post_init__(self) -> None:
        require(bool(self.name), "name", "not be empty", self.name)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How columns become what the network's first layer sees. Everything that it needs of the data is taken from the training
    part of each fold.

    Numbers and dates: `standard` (minus the mean, by the standard deviation), `robust` (minus the median, by the quartiles'
    distance, smoothly held within 3), `quantile` (the normal distribution's quantile of the share of smaller values),
    `piecewise` (the place within `bins` of equally many values, one number a bin: Gorishniy et al. 2022, arXiv 2203.05556)
    or `periodic` (sines and cosines of `frequencies` learned frequencies of the standardized value, then `number_size`
    learned features a column: the same paper). A missing number is the training part's middle, and where the training part
    lacks some, one more input says so.

    Categories of at most `one_hot` values are one input a value; others are `embedding` learned numbers, and so is each
    word of a text, of which the mean is taken.
    """

    numbers: Literal["standard", "robust", "quantile", "piecewise", "periodic"] = "quantile"
    bins: int = 16
    frequencies: int = 16
    frequency_scale: float = 0.1
    number_size: int = 8
    one_hot: int = 10
    embedding: int = 8

    def __post_init__(self) -> None:
        require_at_least_one(self, "frequencies", "number_size", "embedding")
        require(self.bins >= 2, "bins", "be at least 2", self.bins)
        require(self.one_hot >= 0, "one_hot", "be at least 0", self.one_hot)
        require(self.frequency_scale > 0, "frequency_scale", "be greater than 0", self.frequency_scale)


@dataclass(frozen=True)
class Coded:
    """One column as it lies in a coded row: its `kind`, how many codes it has (`size`, with the first two; 0 for numbers
    and dates), in how many places of the row (`places`, 1 but for texts), and whether the training part lacks some."""

    kind: Kind
    size: int = 0
    places: int = 1
    lacks: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its place holds a number and no code."""
        return self.kind in ("number", "date")


@dataclass(frozen=True)
class Rows:
    """What stands where other networks have the shape of an input: coded rows and their encoding."""

    columns: tuple[Coded, ...]
    encoding: Encoding = Encoding()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a coded row."""
        return (sum(column.places for column in self.columns),)

    @property
    def width(self) -> int:
        """How many numbers the network's first layer sees."""
        return sum(self.widths)

    @property
    def widths(self) -> Iterator[int]:
        """The same column by column."""
        return map(self._width, self.columns)

    def _width(self, column: Coded) -> int:
        if column.is_number:
            phases = 6 if column.kind == "date" else 0
            return self.number_width + phases + column.lacks
        if column.kind == "text" or column.size > self.encoding.one_hot + FIRST:
            return self.encoding.embedding
        return column.size

    @property
    def number_width(self) -> int:
        """Of one number."""
        match self.encoding.numbers:
            case "piecewise":
                return self.encoding.bins
            case "periodic":
                return self.encoding.number_size
            case _:
                return 1
