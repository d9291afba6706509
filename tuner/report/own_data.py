"""The user's own data: its size, its targets, and its columns, with their importance. Targets and columns are of the training part only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.base.formatting import metric_label
from tuner.base.metrics import METRICS
from tuner.charts import PURPLE, Axis, Bars, Chart, Dots, content
from tuner.charts.content import Block, Cell, Paragraph
from tuner.data.examples import TrainingSet
from tuner.data.ingest.columns import ColumnCoding, shorten
from tuner.data.ingest.formats import is_clock
from tuner.data.ingest.profile import Roles, profile_table, read_as_written
from tuner.data.load import coding_of, training_set
from tuner.data.sources import Places
from tuner.networks.columns import FIRST, MISSING
from tuner.outcome.card import data_facts
from tuner.recipe import Data, Recipe, Table, describe, fold_count
from tuner.recipe.data import UserData

COUNTED_ROWS = 100_000
"""Values are counted in at most this many training rows."""

EXAMPLES = 3
FOLDED = 30
"""Tables with more rows are folded."""


def data_blocks(recipe: Recipe, places: Places, gaps: list[str], importances: Mapping[str, Any]) -> tuple[Block, ...]:
    """A user's data; nothing if it is of the catalogue, or with a reason in `gaps` if it cannot be read. `importances` are those of
    columns as they are stored, or empty."""
    data = recipe.data
    if isinstance(data, Data):
        return ()
    try:
        training = training_set(data, places)
        own: tuple[Block, ...] = ()
        if isinstance(data, Table):
            charts = (_importance_chart(importances, fold_count(recipe.protocol)),) if importances else ()
            own = (*charts, _columns_table(data, training, places), *_left_out(data, training.origin), _roles(data))
    except TunerError as error:
        gaps.append(f"The data cannot be read: {error}")
        return ()
    facts = f"{data.name}: {'; '.join(data_facts(data))}."
    return (Paragraph(facts), _targets_table(data, np.asarray(training.examples.labels)), *own)


def _targets_table(data: UserData, true: NDArray[Any]) -> content.Table:
    """The frequency of each class or label, or statistics of the numbers."""
    names = describe(data).classes
    if data.task == "custom":
        shapes = tuple((name, "×".join(map(str, shape)) or "one number") for name, shape in describe(data).targets)
        return content.Table("data-targets", "Targets", ("target", "shape"), shapes, "")
    if data.task == "regression":
        note, columns = "Training part.", ["target", "lowest", "median", "highest", "standard deviation"]
        cells = [each.tolist() for each in (true.min(0), np.median(true, 0), true.max(0), true.std(0))]
    else:
        note, columns = "", ["class" if true.ndim == 1 else "label", "training examples", "share"]
        counts = np.bincount(true, minlength=len(names)) if true.ndim == 1 else (true == 1).sum(0)
        cells = [counts.tolist(), [f"{100 * count / len(true):.1f} %" for count in counts]]
    rows = tuple(zip(names, *cells, strict=True))
    return content.Table("data-targets", "Targets", tuple(columns), rows, note, long=len(names) > FOLDED)


def _importance_chart(importances: Mapping[str, Any], folds: int) -> Chart:
    """How much worse the final model gets where a column is shuffled."""
    sign, label = METRICS[importances["measure"]].direction.sign, metric_label(importances["measure"])
    ranked = sorted(
        ((-sign * mean, error, name) for name, (mean, error) in importances["changes"].items()), reverse=True
    )
    points = tuple((worse, float(place)) for place, (worse, *_) in enumerate(ranked[:FOLDED]))
    errors = tuple((worse - error, worse + error) for worse, error, _ in ranked[:FOLDED])
    names = tuple(shorten(name) for *_, name in ranked[:FOLDED])
    marks = (
        Bars("mean", PURPLE, points, sideways=True),
        Dots("standard deviation over shuffles", PURPLE, points, size=3, errors=errors, sideways=True),
    )
    seen = " After cross-validation the model was trained on these rows, too." if folds > 1 else ""
    note = f"The final model on validation rows, where the values of one column are shuffled among the rows. Columns that say the same share their importance.{seen}"
    axes = Axis(f"{label}: how much worse"), Axis("", names=names)
    return Chart("column-importance", "Importance of columns", *axes, marks, note, height=110 + 26 * len(names))


def _left_out(data: Table, origin: str) -> Iterator[content.Table]:
    """The columns of the file that are no inputs and have no role, each with the reason. Nothing where the file cannot be read."""
    used = {*(column.name for column in data.columns), *data.targets, data.group, data.time, data.weight, data.series}
    with suppress(TunerError):
        frame = read_as_written(origin.removeprefix("from ").partition("; ")[0], header=data.header)
        names = [name for name in map(str, frame.columns) if name not in used]
        group = data.group if data.group in frame else ""
        profile = profile_table(frame, Roles(data.targets, group, data.time, data.weight), data.task)
        reasons = {each.name: each.reason for each in profile.left_out}
        rows = tuple((name, reasons.get(name, "not among the columns of the study file")) for name in names)
        if rows:
            yield content.Table("data-left-out", "Columns that are left out", ("column", "why"), rows)


def value_texts(columns: Sequence[ColumnCoding], row: NDArray[Any]) -> Iterator[Cell]:
    """The values in a coded row, one for each column: None if missing; of texts the words that the training part has."""
    start = 0
    for column in columns:
        codes, start = row[start : start + column.places], start + column.places
        if column.shape:
            yield None if np.isnan(codes[0]) else f"({column.kind} {column.format})"
        elif column.coded.is_number:
            yield None if np.isnan(codes[0]) else _number_text(column, float(codes[0]) + column.origin)
        else:
            known = (
                column.values[int(code) - FIRST] if code >= FIRST else "(unknown)" for code in codes if code != MISSING
            )
            yield shorten(" ".join(known)) or None


def _columns_table(data: Table, training: TrainingSet, places: Places) -> content.Table:
    inputs, coding = training.examples.inputs[:COUNTED_ROWS], coding_of(data, places)
    columns = zip(coding.columns, coding.slices, strict=True)
    rows = tuple(_column(column, np.asarray(inputs[:, where.start])) for column, where in columns)
    part = f"The first {COUNTED_ROWS:,} training rows" if len(training.examples) > COUNTED_ROWS else "Training part"
    note = f"{part}; the values of a text are its words, and of categories and words those with a code of their own."
    names = ("column", "type", "values", "missing", "examples")
    return content.Table("data-columns", "Columns", names, rows, note, long=len(rows) > FOLDED)


def _column(column: ColumnCoding, codes: NDArray[np.float32]) -> tuple[Cell, ...]:
    if column.shape:
        missing, count, examples = np.isnan(codes), None, [column.format]
    elif column.coded.is_number:
        missing = np.isnan(codes)
        known = codes[~missing]
        _, places = np.unique(known, return_index=True)
        some = known[np.sort(places)[:EXAMPLES]].astype(np.float64) + column.origin
        count, examples = len(places), [_number_text(column, value) for value in some.tolist()]
    else:
        missing, count, examples = codes == MISSING, len(column.values), list(map(shorten, column.values[:EXAMPLES]))
    share = f"{100 * float(missing.mean()):.1f} %" if missing.any() else None
    return column.name, column.kind, count, share, ", ".join(examples)


def _number_text(column: ColumnCoding, value: float) -> str:
    if column.kind != "date":
        return f"{value:.5g}"
    moment = datetime(1970, 1, 1) + timedelta(seconds=round(86_400 * value))
    return moment.strftime(column.format if is_clock(column.format) else "%Y-%m-%d")


def _roles(data: Table) -> Paragraph:
    roles = [
        (
            "" if data.horizon else ", ".join(data.targets),
            "is the target" if len(data.targets) == 1 else "are the targets",
        ),
        (f"the next {data.horizon} of {', '.join(data.targets)}" if data.horizon else "", "are the targets"),
        (data.group, "says which rows belong together: a group is never split"),
        (data.time, "says the order of the rows: the test part is the last rows"),
        ("" if data.series in (column.name for column in data.columns) else data.series, "tells the series apart"),
        (data.weight, "is the weight of each row"),
    ]
    return Paragraph(f"Not inputs: {'; '.join(f'{name} {role}' for name, role in roles if name)}.", "aside")
