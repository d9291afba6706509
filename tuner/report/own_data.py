"""The user's own data: its size, its targets, and its columns. Targets and columns are of the training part only."""

from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.charts import content
from tuner.charts.content import Block, Cell, Paragraph
from tuner.data.examples import TrainingSet
from tuner.data.ingest.columns import ColumnCoding, shorten
from tuner.data.ingest.formats import is_clock
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


def data_blocks(data: AnyData, places: Places, gaps: list[str]) -> tuple[Block, ...]:
    """A user's data; nothing if it is of the catalogue, or with a reason in `gaps` if it cannot be read."""
    if isinstance(data, Data):
        return ()
    try:
        training = training_set(data, places)
        own = (_columns_table(data, training, places), _roles(data)) if isinstance(data, Table) else ()
    except TunerError as error:
        gaps.append(f"The data cannot be read: {error}")
        return ()
    facts = f"{data.name}: {'; '.join(data_facts(data))}."
    return (Paragraph(facts), _targets_table(data, np.asarray(training.examples.labels)), *own)


def _targets_table(data: UserData, true: NDArray[Any]) -> content.Table:
    """The frequency of each class or label, or statistics of the numbers."""
    names = describe(data).classes
    folded, id_, title = len(names) > FOLDED, "data-targets", "Targets"
    columns: tuple[str, ...]
    if data.task == "regression":
        statistics = (each.tolist() for each in (true.min(0), np.median(true, 0), true.max(0), true.std(0)))
        columns = ("target", "lowest", "median", "highest", "standard deviation")
        return content.Table(
            id_, title, columns, tuple(zip(names, *statistics, strict=True)), "Training part.", long=folded
        )
    counts = np.bincount(true, minlength=len(names)) if true.ndim == 1 else (true == 1).sum(0)
    pairs = zip(names, counts.tolist(), strict=True)
    rows = tuple((name, count, f"{100 * count / len(true):.1f} %") for name, count in pairs)
    columns = ("class" if true.ndim == 1 else "label", "training examples", "share")
    return content.Table(id_, title, columns, rows, long=folded)


def _columns_table(data: Table, training: TrainingSet, places: Places) -> content.Table:
    inputs, columns = training.examples.inputs[:COUNTED_ROWS], coding_of(data, places).columns
    firsts = accumulate((column.places for column in columns), initial=0)
    rows = tuple(_column(column, np.asarray(inputs[:, first])) for column, first in zip(columns, firsts, strict=False))
    part = f"The first {COUNTED_ROWS:,} training rows" if len(training.examples) > COUNTED_ROWS else "Training part"
    note = f"{part}; the values of a text are its words, and of categories and words those with a code of their own."
    names = ("column", "type", "values", "missing", "examples")
    return content.Table("data-columns", "Columns", names, rows, note, long=len(rows) > FOLDED)


def _column(column: ColumnCoding, codes: NDArray[np.float32]) -> tuple[Cell, ...]:
    if column.coded.is_number:
        missing = np.isnan(codes)
        known = codes[~missing]
        _, places = np.unique(known, return_index=True)
        some = known[np.sort(places)[:EXAMPLES]].astype(np.float64) + column.origin
        count, examples = (
            len(places),
            map(partial(_day_text, column.format) if column.kind == "date" else "{:.5g}".format, some.tolist()),
        )
    else:
        missing, count, examples = codes == MISSING, len(column.values), map(shorten, column.values[:EXAMPLES])
    share = f"{100 * float(missing.mean()):.1f} %" if missing.any() else None
    return column.name, column.kind, count, share, ", ".join(examples)


def _day_text(format: str, days: float) -> str:
    moment = datetime(1970, 1, 1) + timedelta(seconds=round(86_400 * days))
    return moment.strftime(format if is_clock(format) else "%Y-%m-%d")


def _roles(data: Table) -> Paragraph:
    roles = [
        (", ".join(data.targets), "is the target" if len(data.targets) == 1 else "are the targets"),
        (data.group, "says which rows belong together: a group is never split"),
        (data.time, "says the order of the rows: the test part is the last rows"),
        (data.weight, "is the weight of each row"),
    ]
    return Paragraph(f"Not inputs: {'; '.join(f'{name} {role}' for name, role in roles if name)}.", "aside")
