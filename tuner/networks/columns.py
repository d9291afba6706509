"""The input of a table's network: rows of numbers and codes, and how the first layer encodes them.

A *coded row* is float32. For each column it has a number (NaN if missing), a date in days since 1970 (NaN if missing), one
code of a boolean or a category, or several codes of a text's words. Code 0 is a missing value, 1 a value that the training
part lacks, 2 and more are the values of the training part. A picture or an array has a shape, and lies in the row flattened
(NaN if missing), and so does a window of a time series, the oldest value first; `tuner.networks.parts` takes such rows apart.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tuner.base.errors import require
from tuner.base.ranges import Count, CountOrZero, NonEmpty, Positive, Several, record

Kind = Literal["number", "boolean", "category", "date", "text", "picture", "array", "window"]
MISSING, UNSEEN, FIRST = 0, 1, 2
"""Codes: a missing value; a value that the training part lacks; the first value of the training part."""
TRUTHS = {"false": 0, "no": 0, "0": 0, "0.0": 0, "true": 1, "yes": 1, "1": 1, "1.0": 1}
"""The texts of a boolean column, in lower case."""
SMALLEST_SIDE = 8
"""Smaller arrays are plain numbers."""
NUMBER_FORMATS = ("1,234.5", "1.234,5")
WORDS = re.compile(r"[1-9]\d{0,3}")
"""The format of texts whose words are a part of the inputs: how many."""
SHAPES = {
    "picture": re.compile(r"(\d+)x(\d+)( color)?( (?:[89]|1\d) bits)?"),
    "array": re.compile(r"\d+(x\d+)*"),
    "window": re.compile(r"\d+"),
}
"""The kinds of columns that have a shape, each with its format."""
EXAMPLE_DATE = datetime(2024, 12, 31, 23, 59)
"""Shows a format of dates in messages."""


@record
class Column:
    """A column of a table and its type. `format` is that of its dates or times of day as in Python's `strftime` (found in the
    training part by default), or of numbers with marks such as $ and %: "1,234.5", or "1.234,5" with a decimal comma. A picture has
    the name of its file in its cell, relative to the table's folder; its format is the height and width that all are brought to, and
    whether they have colors: "32x32" or "32x32 color" ("32x32 12 bits" for gray files of 16 bits that use so many). An array has a
    shape as its format: "28x28". A window is the numbers of the column in this row and the rows before it; its format is how many: "28".
    The words of a text are encoded together; with a format they are a part of the inputs of a function's model, as numbers below 5,002
    (0 after the last word, 1 for an unknown one), and the format is how many at most: "256"."""

    name: NonEmpty
    kind: Kind
    format: str = ""

    def __post_init__(self) -> None:
        rules = {
            "number": f"be empty, or one of {', '.join(NUMBER_FORMATS)}",
            "date": "be a pattern such as %d/%m/%Y",
            "picture": "be a height and a width such as 32x32 or 32x32 color",
            "array": "be a shape such as 28x28",
            "window": "be a number of rows such as 28",
            "text": "be empty, or a number of words such as 256",
        }
        is_fit = not self.format or (self.kind in rules and _is_format(self.kind, self.format))
        if self.kind in SHAPES:
            is_fit = math.prod(shape_of(self.kind, self.format)) > 0
        require(is_fit, "format", rules.get(self.kind, f"be empty for a {self.kind}"), self.format)


def shape_of(kind: str, format: str) -> tuple[int, ...]:
    """The shape of a column's values in this format: of a picture height, width and channels. Empty for kinds without a shape; (0,)
    for a format that is none.

    >>> shape_of("picture", "32x48 color"), shape_of("picture", "8x8"), shape_of("array", "28x28"), shape_of("number", "")
    ((32, 48, 3), (8, 8, 1), (28, 28), ())
    """
    if kind not in SHAPES:
        return ()
    found = SHAPES[kind].fullmatch(format)
    if not found:
        return (0,)
    size = tuple(map(int, format.partition(" ")[0].split("x")))
    return (*size, 3 if found[3] else 1) if kind == "picture" else size


def _is_format(kind: str, format: str) -> bool:
    """Whether it is a format of numbers, of texts or of dates."""
    if kind in ("number", "text"):
        return format in NUMBER_FORMATS if kind == "number" else bool(WORDS.fullmatch(format))
    try:
        return datetime.strptime(EXAMPLE_DATE.strftime(format), format) > datetime.min and "%" in format
    except ValueError:
        return False


@record
class Encoding:
    """How columns are encoded for the network's first layer. All constants are taken from the training part of each fold.

    Numbers and dates: `standard` (standardized by mean and standard deviation), `robust` (by median and interquartile range,
    smoothly clipped to 3), `quantile` (transformed to a normal distribution), `piecewise` (linear in `bins` of equally many
    values, one number per bin: Gorishniy et al. 2022, arXiv 2203.05556), `periodic` (sines and cosines of `frequencies`
    learned frequencies of the standardized value, then `number_size` learned features per column: the same paper) or `pbld`
    (the `robust` value and `number_size` - 1 linear features of `frequencies` cosines of it, whose phases are learned, too:
    Holzmüller et al. 2024, arXiv 2407.04491). A missing number is replaced by the training part's centre, with an indicator
    input if the training part has missing values.

    Categories of at most `one_hot` values are one-hot encoded; others are embedded in `embedding` learned numbers, and so is
    each word of a text, whose embeddings are averaged.

    Pictures, and arrays that are at least 8 high and wide: convolutions of so many `filters`, each followed by batch normalization
    and max pooling, then `picture_size` learned numbers per column. Arrays of another shape are standardized by the running means
    and variances of the batches.

    Windows: standardized. With `window_filters` causal convolutions of three steps follow, one with so many filters for each of them,
    dilated 1, 2, 4, … (van den Oord et al. 2016, arXiv 1609.03499); what they find at the last step lies beside the window.
    """

    numbers: Literal["standard", "robust", "quantile", "piecewise", "periodic", "pbld"] = "quantile"
    bins: Several = 16
    frequencies: Count = 16
    frequency_scale: Positive = 0.1
    number_size: Count = 8
    one_hot: CountOrZero = 10
    embedding: Count = 8
    filters: tuple[Count, ...] = (16, 32, 64)
    picture_size: Count = 32
    window_filters: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Coded:
    """One column of a coded row: the number of its codes (`size`, including the first two; 0 for numbers and dates), its
    number of `places` in the row (more than 1 for texts), and whether the training part `lacks` some values. Of pictures, arrays,
    windows and texts with a format also the `part` of the inputs that it is, and its `shape`."""

    kind: Kind
    size: int = 0
    places: int = 1
    lacks: bool = False
    part: str = ""
    shape: tuple[int, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether its places hold numbers instead of codes."""
        return self.kind in ("number", "date", *SHAPES)

    @property
    def is_picture(self) -> bool:
        """Whether it is encoded by convolutions."""
        return len(self.shape) in (2, 3) and min(self.shape[:2]) >= SMALLEST_SIDE


@dataclass(frozen=True)
class Rows:
    """The inputs of a table's network: coded rows and their encoding, in place of an input shape."""

    columns: tuple[Coded, ...]
    encoding: Encoding = Encoding()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a coded row."""
        return (sum(column.places for column in self.columns),)

    @property
    def width(self) -> int:
        """The number of the encoder's outputs."""
        found = (
            self.encoding.window_filters[-1:]
            if any(each.kind == "window" and each.shape for each in self.columns)
            else ()
        )
        return sum(map(self._width, self.columns)) + sum(found)

    def is_embedded(self, column: Coded) -> bool:
        """Whether a column's codes are embedded; others are one-hot encoded."""
        is_large = column.kind == "text" or column.size > self.encoding.one_hot + FIRST
        return is_large and not column.is_number

    def _width(self, column: Coded) -> int:
        if column.shape:
            return self.encoding.picture_size if column.is_picture else column.places
        if not column.is_number:
            return self.encoding.embedding if self.is_embedded(column) else column.size
        bins, size = self.encoding.bins, self.encoding.number_size
        number = {"piecewise": bins, "periodic": size, "pbld": size}.get(self.encoding.numbers, 1)
        phases = 6 if column.kind == "date" else 0
        return number + phases + column.lacks
