"""From raw examples to a training part and a test part: labelled, split, coded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.examples import Array, Examples
from tuner.data.groups import part_of_groups
from tuner.data.ingest.coding import code_rows, fit_coding
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.missing import texts_of
from tuner.data.ingest.tables import read_table
from tuner.data.ingest.targets import classes_of, groups_of, labels_of, weights_of
from tuner.data.ingest.values import EQUAL_ROWS, Rows, column_of, times_of, with_equal_rows
from tuner.data.ingest.windows import windowed
from tuner.data.load import TEST_ROWS, Facts, save_examples
from tuner.data.splits import part_in_time
from tuner.networks.columns import Column
from tuner.recipe import Cut, Table
from tuner.recipe.data import TargetShape


@dataclass(frozen=True, eq=False, kw_only=True)
class RawExamples:
    """Examples of a file or from Python: `x` is a frame, whose `columns` are coded, or an array with the examples first; `y` has a
    column for each target, or for each number of targets of any shape; `spans` as in `Examples`; `where` names them in messages. With
    `has_words` each text is a part of the network's inputs."""

    x: pd.DataFrame | Array
    y: pd.DataFrame
    weights: "pd.Series[Any] | None" = None
    groups: "pd.Series[Any] | None" = None
    spans: Array | None = None
    columns: tuple[Column, ...] = ()
    is_ordered: bool = False
    target_format: str = ""
    positive: str = ""
    target_shapes: tuple[TargetShape, ...] = ()
    where: str = "the data"
    has_words: bool = False

    def __post_init__(self) -> None:
        for values in (self.y, self.weights, self.groups):
            if values is not None and len(values) != len(self.x):
                name = values.columns[0] if isinstance(values, pd.DataFrame) else values.name
                rule = f"must have as many entries as x, {len(self.x)}"
                raise DataError(f"{self.where}: {name}: {rule}, got {len(values)}")

    def measures(self, task: Task, classes: Sequence[str]) -> tuple[Array, Array | None]:
        """The labels and the weights. Raises `DataError` with column and row."""
        labels = labels_of(task, self.y, classes, self.where, self.target_format)
        return labels, weights_of(self.weights, self.where)


def save_prepared(task: Task, raw: RawExamples, test: RawExamples | Cut, folder: Path) -> tuple[Facts, Coding]:
    """Write the arrays of the training part and of the test part into `folder`: `test`, or the share that it cuts off. Raises
    `DataError` with column and row."""
    classes = classes_of(task, raw.y, raw.where, raw.positive)
    groups = _groups(raw, test)
    labels, weights = raw.measures(task, classes)
    training_rows, test_rows = np.arange(len(labels)), np.arange(0)
    if isinstance(test, Cut):
        training_rows, test_rows = split_off_test(test, labels, groups[0], raw.is_ordered, raw.where, raw.spans)
        np.save(folder / TEST_ROWS, raw.y.index.to_numpy()[test_rows])  # rows without a target may have been left out
        missing = np.setdiff1d(np.arange(len(classes)), labels[training_rows]) if labels.ndim == 1 else np.arange(0)
        if len(missing):
            problem = f"the class {classes[missing[0]]!r} is in the test part only"
            raise DataError(f"{raw.where}: {problem}; make that smaller, or name a test file")
    coding, inputs = Coding(), raw.x
    if isinstance(inputs, pd.DataFrame):
        coding, inputs = fit_coding(raw.columns, inputs, training_rows, raw.where)
    training = Examples(inputs, labels, weights, groups[0], raw.spans)
    if isinstance(test, Cut):
        training, test_part = training.take(training_rows), training.take(test_rows)
    else:
        test = replace(test, target_format=raw.target_format)
        test_part = Examples(_test_inputs(test, raw, coding), *test.measures(task, classes), groups[1])
    save_examples(folder, "train", training)
    save_examples(folder, "test", test_part)
    value_range = (0.0, 1.0) if isinstance(raw.x, pd.DataFrame) else _range(training.inputs)
    return Facts(classes=classes, value_range=value_range, is_ordered=raw.is_ordered), coding


def _groups(raw: RawExamples, test: RawExamples | Cut) -> tuple[Array | None, Array | None]:
    """The groups of both parts. Raises `DataError` for one that is in both."""
    if raw.groups is None:
        return None, None
    if isinstance(test, Cut) or test.groups is None:
        return groups_of([raw.groups], raw.where)[0], None
    groups, test_groups = groups_of([raw.groups, test.groups], f"{raw.where} and {test.where}")
    shared = np.isin(test_groups, groups)
    if shared.any() and raw.groups.name != EQUAL_ROWS:
        name = test.groups.iloc[int(np.argmax(shared))]
        where = f"{test.where}: column {test.groups.name!r}"
        raise DataError(f"{where}: the group {name!r} is in {raw.where} too; keep it in one of them")
    return groups, test_groups


def _test_inputs(test: RawExamples, raw: RawExamples, coding: Coding) -> Array:
    if isinstance(raw.x, pd.DataFrame):
        if not isinstance(test.x, pd.DataFrame):
            raise DataError(f"{test.where}: must be a frame as the training part is, got an array")
        return code_rows(coding, test.x, test.where)
    assert not isinstance(test.x, pd.DataFrame)
    expected, actual = (f"{list(each.shape[1:])} {each.dtype}" for each in (raw.x, test.x))
    if actual != expected:
        raise DataError(f"{test.where}: must have examples like the training part's, {expected}, got {actual}")
    return test.x


def _range(inputs: Array) -> tuple[float, float]:
    """The range of inputs: 0 to 255 for bytes, that of the training part for numbers."""
    if inputs.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(inputs.min()), float(inputs.max())
    return low, high if high > low else low + 1.0


def split_off_test(
    cut: Cut, labels: Array, groups: Array | None, is_ordered: bool, where: str, spans: Array | None = None
) -> tuple[Rows, Rows]:
    """The rows of the training part and of the test part, ascending. The test part is the last rows in order of time, whole groups,
    the same share of each class, or random. With `spans` rows whose labels reach into the test part are in neither. Raises
    `DataError` where there is only one group, and where no row is left to train on."""
    if cut.share == 0:
        return np.arange(len(labels)), np.arange(0)
    count = min(max(1, round(cut.share * len(labels))), len(labels) - 1)
    if spans is not None:
        training, test = part_in_time(spans, count)
        if not len(training):
            raise DataError(
                f"{where}: has {len(labels)} windows, none of which ends before the test part; make it smaller"
            )
        return training, test
    is_test = np.zeros(len(labels), bool)
    if is_ordered:
        is_test[-count:] = True
    elif groups is not None:
        different = len(np.unique(groups))
        if different < 2:
            raise DataError(f"{where}: has only one group, so no test part can be split off; name a test file")
        strata = labels.astype(np.int64) if labels.ndim == 1 else np.zeros(len(labels), np.int64)
        is_test = part_of_groups(groups, strata, count, np.random.default_rng(cut.seed).permutation(different))
    elif labels.ndim == 1:
        is_test[_of_each_class(cut.seed, labels, count)] = True
    else:
        is_test[np.random.default_rng(cut.seed).permutation(len(labels))[:count]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _of_each_class(seed: int, labels: Array, count: int) -> Rows:
    """Rows at equal distances in the order of their classes, random within a class: each class's share is exact to one row. The
    first row of each class stays in the training part."""
    generator = np.random.default_rng(seed)
    order = np.lexsort((generator.random(len(labels)), labels))
    free = order[1:][np.diff(labels[order].astype(np.int64)) == 0]
    count = min(count, len(free))
    chosen = (np.arange(count) + generator.random()) * len(free) / count
    return np.asarray(free[chosen.astype(np.int64)])


def read_rows(data: Table, path: str, source: str) -> RawExamples:
    """The rows of a table in order of time, if it has one, or its windows. Names stay as they are written; messages call the table
    `path`."""
    frame = read_frame(data, path, source, (*data.targets, data.group, data.weight))
    if data.drop_missing_target:
        frame = frame[frame[list(data.targets)].notna().all(axis=1)]
    if data.time:  # rows of one time stay as they are in the file
        frame = frame.iloc[np.argsort(times_of(frame[data.time], path), kind="stable")]
    y, spans = frame[list(data.targets)], None
    if data.window:
        frame, y, spans = windowed(data, frame, path)
    weights, groups = (frame[name] if name else None for name in (data.weight, data.group))
    return RawExamples(
        x=frame,
        y=y,
        spans=spans,
        weights=weights,
        groups=groups,
        columns=data.columns,
        is_ordered=bool(data.time),
        target_format=data.target_format,
        positive=data.positive,
        where=path,
    )


def read_frame(data: Table, path: str, source: str, others: Sequence[str] = ()) -> pd.DataFrame:
    """A table as its file has it, with the network's columns, those of time and series, and the `others`; messages call it `path`."""
    frame = read_table(source, texts_of(data), header=data.header)
    named = (*(column.name for column in data.columns), data.time, data.series, *others)
    frame = frame.rename(columns={name.strip(): name for name in named})  # earlier versions kept blanks around names
    if data.group == EQUAL_ROWS and EQUAL_ROWS not in frame:
        frame = with_equal_rows(frame, [column.name for column in data.columns])
    for name in filter(None, named):
        column_of(frame, name, path)
    return frame
