"""What was found in the user's own data: columns as they were taken, classes, targets. Of the training part alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.data.examples import TrainingSet
from tuner.data.ingest.columns import ColumnCoding
from tuner.data.load import Places, coding_of, training_set_of
from tuner.networks.columns import MISSING
from tuner.recipe import Data, Recipe, Table, described
from tuner.recipe.data import Description, Own

LOOKED_AT = 100_000
"""Of so many training rows at most values are counted."""

EXAMPLES = 3
LONGEST = 24


@dataclass(frozen=True)
class TakenColumn:
    """A column and what it is taken for; how many different values it has (words, of texts), in which share of the rows nothing
    stands, some of its values."""

    name: str
    kind: str
    values: int
    missing: float
    examples: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OwnData:
    """The data, what is known of it, and what is true of the training examples; `columns` are those of a table."""

    data: Own
    about: Description
    true: NDArray[Any]
    columns: tuple[TakenColumn, ...]


def own_data(recipes: Iterable[Recipe], places: Places, gaps: list[str]) -> OwnData | None:
    """What is told of the data of the first recipe; None for the catalogue's, and where the prepared arrays are gone, of which
    `gaps` then tells."""
    data = next((recipe.data for recipe in recipes), None)
    if data is None or isinstance(data, Data):
        return None
    try:
        training = training_set_of(data, places)
        columns = tuple(_columns(data, training, places)) if isinstance(data, Table) else ()
    except TunerError as error:
        gaps.append(f"The data cannot be looked at: {error}")
        return None
    return OwnData(data, described(data), np.asarray(training.examples.labels), columns)


def _columns(data: Table, training: TrainingSet, places: Places) -> Iterator[TakenColumn]:
    rows, first = training.examples.inputs[:LOOKED_AT], 0
    for column in coding_of(data, places).columns:
        yield _column(column, np.asarray(rows[:, first]))
        first += column.places


def _column(column: ColumnCoding, codes: NDArray[np.float32]) -> TakenColumn:
    if not column.coded.is_number:
        names = tuple(map(_short, column.values[:EXAMPLES]))
        missing = float((codes == MISSING).mean())
        return TakenColumn(column.name, column.kind, len(column.values), missing, names)
    known = codes[~np.isnan(codes)]
    _, places = np.unique(known[:LOOKED_AT], return_index=True)
    some = known[np.sort(places)[:EXAMPLES]].astype(np.float64) + column.origin
    names = tuple(map(_day if column.kind == "date" else _number, some.tolist()))
    return TakenColumn(column.name, column.kind, len(places), float(np.isnan(codes).mean()), names)


def _number(value: float) -> str:
    return f"{value:.5g}"


def _day(days: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(days), "D"))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
