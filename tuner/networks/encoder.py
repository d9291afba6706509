"""The front of a network on a table, by arithmetic: where each column lies, and what weights the front has.

The front is what `tuner.networks.layers.RowEncoder` computes, `tuner.networks.fitting` takes its constants from the data,
and both ask here for shapes and places.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from tuner.networks.columns import FIRST, Coded, Rows
from tuner.networks.shapes import LayerShape, Shape

QUANTILES = 64
"""So many values of a column stand for its distribution: equally far apart on the normal scale, so that its ends are seen."""

LARGEST = 1e30
"""Numbers are held within this, so that the difference of two fits into float32."""


@dataclass(frozen=True)
class CodePlace:
    """A place of a coded row that holds a code: its index in the row, the number of its column (among those with codes),
    the codes that the column has, where these begin among those of all columns, and whether it is a word of a text."""

    place: int
    column: int
    size: int
    offset: int
    is_word: bool


@dataclass(frozen=True)
class InputEncoder:
    """The front on such rows. What it gives: all numbers, the dates' phases, what is missing, embedded columns, then one-hot
    ones; within each the columns in their order."""

    rows: Rows

    @property
    def numbers(self) -> list[int]:
        """The places of numbers and dates."""
        return [place for column, place in self._placed if column.is_number]

    @property
    def dates(self) -> list[int]:
        """Which of the numbers are dates."""
        return [index for index, column in enumerate(self._number_columns) if column.kind == "date"]

    @property
    def lacking(self) -> list[int]:
        """Which of the numbers the training part lacks some of."""
        return [index for index, column in enumerate(self._number_columns) if column.lacks]

    @property
    def embedded(self) -> list[CodePlace]:
        """The places of embedded columns; their codes come first among those of all columns."""
        columns = len(self._embedded_columns)
        return [each for each in self._code_places if each.column < columns]

    @property
    def one_hot(self) -> list[CodePlace]:
        """The places of one-hot columns."""
        columns = len(self._embedded_columns)
        return [each for each in self._code_places if each.column >= columns]

    @property
    def embedded_codes(self) -> int:
        """How many codes embedded columns have."""
        return sum(column.size for column, _ in self._embedded_columns)

    @property
    def constants(self) -> dict[str, Shape]:
        """The shapes of what is taken from the data, by name, in the layer's order."""
        numbers, codes = len(self.numbers), self.embedded_codes + sum(each.size for each in self.one_hot)
        shapes: dict[str, Shape] = {}
        match self.rows.encoding.numbers:
            case "quantile":
                shapes = {"knots": (numbers, QUANTILES), "levels": (numbers, QUANTILES)}
            case "piecewise":
                bins = (numbers, self.rows.encoding.bins)
                shapes = {"centre": (numbers,), "starts": bins, "scale": bins}
            case _:
                shapes = {"centre": (numbers,), "scale": (numbers,)}
        return {**(shapes if numbers else {}), **({"known": (codes,)} if codes else {})}

    @property
    def learned(self) -> dict[str, Shape]:
        """The shapes of what is learned, by name, in the layer's order."""
        encoding, numbers = self.rows.encoding, len(self.numbers)
        shapes: dict[str, Shape] = {}
        if encoding.numbers == "periodic" and numbers:
            features = encoding.number_size
            shapes["frequencies"] = (numbers, encoding.frequencies)
            shapes["kernel"] = (numbers, 2 * encoding.frequencies, features)
            shapes["bias"] = (numbers, features)
        if self.embedded_codes:
            shapes["embeddings"] = (self.embedded_codes, encoding.embedding)
        return shapes

    @property
    def layer(self) -> LayerShape:
        """The front as a layer of the table."""
        learned, constants = (sum(map(math.prod, shapes.values())) for shapes in (self.learned, self.constants))
        looked_up = len(self.embedded) * self.rows.encoding.embedding
        shapes = self.learned
        waves = 2 * math.prod(shapes["frequencies"]) if "frequencies" in shapes else 0
        return LayerShape(
            "row_encoder",
            (self.rows.width,),
            trainable=learned,
            frozen=constants,
            multiply_adds=self.rows.width + waves + (math.prod(shapes["kernel"]) if waves else 0),
            calculation=" + ".join(
                " × ".join(map(str, shape)) for shape in (*shapes.values(), *self.constants.values())
            ),
            gathers=looked_up + 2 * waves,
        )

    @property
    def _placed(self) -> Iterator[tuple[Coded, int]]:
        """Each column with its first place."""
        firsts = accumulate((column.places for column in self.rows.columns), initial=0)
        return zip(self.rows.columns, firsts, strict=False)

    @property
    def _number_columns(self) -> list[Coded]:
        return [column for column in self.rows.columns if column.is_number]

    @property
    def _embedded_columns(self) -> list[tuple[Coded, int]]:
        return [(column, place) for column, place in self._placed if self._is_embedded(column)]

    @property
    def _code_places(self) -> Iterator[CodePlace]:
        others = [(each, at) for each, at in self._placed if not each.is_number and not self._is_embedded(each)]
        offset = 0
        for number, (column, first) in enumerate([*self._embedded_columns, *others]):
            for place in range(first, first + column.places):
                yield CodePlace(place, number, column.size, offset, column.kind == "text")
            offset += column.size

    def _is_embedded(self, column: Coded) -> bool:
        if column.is_number:
            return False
        return column.kind == "text" or column.size > self.rows.encoding.one_hot + FIRST
