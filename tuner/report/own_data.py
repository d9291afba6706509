"""The user's own data: its size, its targets, and its columns. Only of the training part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.charts import content
from tuner.charts.content import Block, Paragraph
from tuner.data.examples import TrainingSet
from tuner.data.ingest.columns import ColumnCoding, ColumnProfile, shorten
from tuner.data.load import coding_of, training_set
from tuner.data.sources import Places
from tuner.networks.columns import MISSING
from tuner.outcome.card import data_facts
from tuner.recipe import AnyData, Data, Table, describe
from tuner.recipe.data import UserData

COUNTED_ROWS = 100_000
"""Values are counted in at most this many training rows."""

EXAMPLES = 3
FOLDED = 30
"""Tables with more rows are folded."""


@dataclass(frozen=True, eq=False)
class OwnData:
    """The data, the true values of its training examples, and the columns of a table."""

    data: UserData
    true: NDArray[Any]
    columns: tuple[ColumnProfile, ...]


def read_own_data(data: AnyData, places: Places, gaps: list[str]) -> OwnData | None:
    """The data of a user; None if it is of the catalogue, or with a reason in `gaps` if it cannot be read."""
    if isinstance(data, Data):
        return None
    try:
        training = training_set(data, places)
        columns = tuple(_columns(data, training, places)) if isinstance(data, Table) else ()
    except TunerError as error:
        gaps.append(f"The data cannot be read: {error}")
        return None
    return OwnData(data, np.asarray(training.examples.labels), columns)


def _columns(data: Table, training: TrainingSet, places: Places) -> Iterator[ColumnProfile]:
    rows, first = training.examples.inputs[:COUNTED_ROWS], 0
    for column in coding_of(data, places).columns:
        yield _column(column, np.asarray(rows[:, first]))
        first += column.places


def _column(column: ColumnCoding, codes: NDArray[np.float32]) -> ColumnProfile:
    if not column.coded.is_number:
        missing, examples = float((codes == MISSING).mean()), tuple(map(shorten, column.values[:EXAMPLES]))
        return ColumnProfile(column.name, column.kind, missing=missing, values=len(column.values), examples=examples)
    known = codes[~np.isnan(codes)]
    _, places = np.unique(known, return_index=True)
    some = known[np.sort(places)[:EXAMPLES]].astype(np.float64) + column.origin
    examples = tuple(map(_day_text if column.kind == "date" else "{:.5g}".format, some.tolist()))
    missing = float(np.isnan(codes).mean())
    return ColumnProfile(column.name, column.kind, missing=missing, values=len(places), examples=examples)


def _day_text(days: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(days), "D"))


# The section ----------------------------------------------------------------------------------------------------------


def data_blocks(own: OwnData) -> Iterator[Block]:
    """The data that the networks learn from."""
    yield Paragraph(f"{own.data.name}: {'; '.join(data_facts(own.data))}.")
    yield _targets_table(own)
    if own.columns:
        yield _columns_table(own)
    if isinstance(own.data, Table):
        yield _roles(own.data)


def _targets_table(own: OwnData) -> content.Table:
    """The frequency of each class or label, or statistics of the numbers."""
    about, true = describe(own.data), own.true
    names = about.classes
    folded, id_, title = len(names) > FOLDED, "data-targets", "Targets"
    columns: tuple[str, ...]
    if about.task == "regression":
        statistics = (each.tolist() for each in (true.min(0), np.median(true, 0), true.max(0), true.std(0)))
        columns = ("target", "lowest", "median", "highest", "standard deviation")
        return content.Table(id_, title, columns, tuple(zip(names, *statistics, strict=True)), "Training part.", folded)
    counts = np.bincount(true, minlength=len(names)) if true.ndim == 1 else (true == 1).sum(0)
    pairs = zip(names, counts.tolist(), strict=True)
    rows = tuple((name, count, f"{100 * count / len(true):.1f} %") for name, count in pairs)
    columns = ("class" if true.ndim == 1 else "label", "training examples", "share")
    return content.Table(id_, title, columns, rows, long=folded)


def _columns_table(own: OwnData) -> content.Table:
    shares = (f"{100 * each.missing:.1f} %" if each.missing else None for each in own.columns)
    rows = tuple(
        (each.name, each.kind, each.values, share, ", ".join(each.examples))
        for each, share in zip(own.columns, shares, strict=True)
    )
    part = f"The first {COUNTED_ROWS:,} training rows" if len(own.true) > COUNTED_ROWS else "Training part"
    note = f"{part}; the values of a text are its words, and of categories and words those with a code of their own."
    columns = ("column", "type", "values", "missing", "examples")
    return content.Table("data-columns", "Columns", columns, rows, note, len(rows) > FOLDED)


def _roles(data: Table) -> Paragraph:
    roles = [
        (", ".join(data.targets), "is the target" if len(data.targets) == 1 else "are the targets"),
        (data.group, "says which rows belong together: a group is never split"),
        (data.time, "says the order of the rows: the test part is the last rows"),
        (data.weight, "is the weight of each row"),
    ]
    return Paragraph(f"Not inputs: {'; '.join(f'{name} {role}' for name, role in roles if name)}.", "aside")
