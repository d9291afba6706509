"""The encoder of a table's network by arithmetic: where each column lies, and which weights the encoder has.

`tuner.networks.layers.RowEncoder` computes it, and `tuner.networks.fitting` takes its constants from the data.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from tuner.networks.columns import Coded, Rows
from tuner.networks.layer import Layer, NewSeed, Shape

QUANTILES = 64
"""The number of values that represent a column's distribution, evenly spaced on the normal scale so that both tails count."""

LARGEST = 1e30
"""Numbers are clipped to this, so that the difference of two fits into float32."""


@dataclass(frozen=True)
class CodePlace:
    """A place of a coded row that holds a code: its index in the row, the number of its column (among those with codes),
    how many codes the column has, the first of these among the codes of all columns, and whether it is a word of a text."""

    place: int
    column: int
    size: int
    offset: int
    is_word: bool


@dataclass(frozen=True)
class InputEncoder:
    """The encoder of such rows. Its outputs are all numbers, the dates' phases, missing-value indicators, embedded columns,
    and one-hot columns, each in the order of the columns."""

    rows: Rows

    @cached_property
    def numbers(self) -> list[int]:
        """The places of numbers and dates."""
        return [place for column, place in self._with_first_places if column.is_number]

    @property
    def dates(self) -> list[int]:
        """The indices of dates among the numbers."""
        return [index for index, column in enumerate(self._number_columns) if column.kind == "date"]

    @property
    def lacking(self) -> list[int]:
        """The indices of numbers that are missing somewhere in the training part."""
        return [index for index, column in enumerate(self._number_columns) if column.lacks]

    @cached_property
    def embedded(self) -> list[CodePlace]:
        """The places of embedded columns; their codes are the first among those of all columns."""
        return [each for each in self._code_places if each.offset < self.embedded_codes]

    @cached_property
    def one_hot(self) -> list[CodePlace]:
        """The places of one-hot columns."""
        return [each for each in self._code_places if each.offset >= self.embedded_codes]

    @cached_property
    def embedded_codes(self) -> int:
        """The number of codes of embedded columns."""
        return sum(column.size for column in self.rows.columns if self.rows.is_embedded(column))

    @property
    def constants(self) -> dict[str, Shape]:
        """The shapes of the weights that are taken from the data, in the layer's order."""
        encoding, numbers = self.rows.encoding, len(self.numbers)
        codes = self.embedded_codes + sum(each.size for each in self.one_hot)
        shapes: dict[str, Shape]
        match encoding.numbers:
            case "quantile":
                shapes = {"knots": (numbers, QUANTILES), "levels": (numbers, QUANTILES)}
            case "piecewise":
                shapes = {"centre": (numbers,), "starts": (numbers, encoding.bins), "scale": (numbers, encoding.bins)}
            case _:
                shapes = {"centre": (numbers,), "scale": (numbers,)}
        return {**(shapes if numbers else {}), **({"known": (codes,)} if codes else {})}

    @property
    def learned(self) -> dict[str, Shape]:
        """The shapes of the trainable weights, in the layer's order."""
        encoding, numbers = self.rows.encoding, len(self.numbers)
        shapes: dict[str, Shape] = {}
        if encoding.numbers == "periodic" and numbers:
            features = encoding.number_size
            shapes["frequencies"] = (numbers, encoding.frequencies)
            shapes["features"] = (numbers, 2 * encoding.frequencies, features)
            shapes["bias"] = (numbers, features)
        if encoding.numbers == "pbld" and numbers:
            features = encoding.number_size - 1
            shapes["frequencies"] = shapes["phases"] = (numbers, encoding.frequencies)
            shapes["features"] = (numbers, encoding.frequencies, features)
            shapes["bias"] = (numbers, features)
        if self.embedded_codes:
            shapes["embeddings"] = (self.embedded_codes, encoding.embedding)
        return shapes

    @property
    def layer(self) -> Layer:
        """The encoder as a layer of the table."""
        learned, constants = self.learned, self.constants
        waves = 2 * math.prod(learned["frequencies"]) if "frequencies" in learned else 0
        return Layer(
            "row_encoder",
            (self.rows.width,),
            trainable=sum(map(math.prod, learned.values())),
            frozen=sum(map(math.prod, constants.values())),
            multiply_adds=self.rows.width + waves + (math.prod(learned["features"]) if waves else 0),
            calculation=" + ".join(" × ".join(map(str, shape)) for shape in (*learned.values(), *constants.values())),
            gathers=len(self.embedded) * self.rows.encoding.embedding + 2 * waves,
            keras="RowEncoder",
            settings={"rows": self.rows, "seed": NewSeed()},
        )

    @property
    def _with_first_places(self) -> list[tuple[Coded, int]]:
        firsts = accumulate((column.places for column in self.rows.columns), initial=0)
        return list(zip(self.rows.columns, firsts, strict=False))

    @property
    def _number_columns(self) -> list[Coded]:
        return [column for column in self.rows.columns if column.is_number]

    @property
    def _code_places(self) -> Iterator[CodePlace]:
        """Embedded columns first, then one-hot ones."""
        with_codes = [each for each in self._with_first_places if not each[0].is_number]
        offset = 0
        for number, (column, first) in enumerate(
            sorted(with_codes, key=lambda each: not self.rows.is_embedded(each[0]))
        ):
            for place in range(first, first + column.places):
                yield CodePlace(place, number, column.size, offset, column.kind == "text")
            offset += column.size
