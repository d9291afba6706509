"""What is said of examples beside their inputs, brought to two parts: labels, weights, groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.examples import Array, Examples
from tuner.data.ingest.cut import Rows, cut_off, require_all_classes
from tuner.data.ingest.labels import classes_of, groups_of, labels_of, require_targets, weights_of
from tuner.recipe import Cut


@dataclass(frozen=True, eq=False)
class Said:
    """As it was read, with a row for each example; `where` is what messages call the file."""

    where: str
    targets: pd.DataFrame
    weights: "pd.Series[Any] | None" = None
    groups: "pd.Series[Any] | None" = None


@dataclass(frozen=True, eq=False)
class Marks:
    """The same in numbers, as in `Examples`."""

    labels: Array
    weights: Array | None
    groups: Array | None

    def on(self, inputs: Array) -> Examples:
        """The examples with these inputs."""
        return Examples(inputs, self.labels, self.weights, self.groups)

    def of(self, rows: Rows) -> "Marks":
        """Those of some of the rows."""
        weights, groups = (None if each is None else each[rows] for each in (self.weights, self.groups))
        return Marks(self.labels[rows], weights, groups)


@dataclass(frozen=True, eq=False)
class TwoParts:
    """The rows of both parts, each among those of its file, and what is said of them."""

    classes: tuple[str, ...]
    training_rows: Rows
    training: Marks
    test_rows: Rows
    test: Marks


def parts_of_one(task: Task, said: Said, cut: Cut, *, is_ordered: bool) -> TwoParts:
    """The test part cut off. Raises `DataError` for what cannot be used."""
    require_targets(task, said.targets, said.where)
    classes = classes_of(task, said.targets, said.where)
    groups = None if said.groups is None else groups_of([said.groups], said.where)[0]
    marks = _marks(task, said, classes, groups)
    training, test = cut_off(cut, marks.labels, groups, is_ordered, said.where)
    require_all_classes(marks.labels[training], classes, said.where)
    return TwoParts(classes, training, marks.of(training), test, marks.of(test))


def parts_of_two(task: Task, said: Said, test: Said) -> TwoParts:
    """The test part as it came. Raises `DataError` also for what it shares no classes or does share groups."""
    require_targets(task, said.targets, said.where)
    classes = classes_of(task, said.targets, said.where)
    groups: tuple[Array, ...] | tuple[None, None] = (None, None)
    if said.groups is not None and test.groups is not None:
        groups = groups_of([said.groups, test.groups], f"{said.where} and {test.where}")
        shared = np.isin(groups[1], groups[0])
        if shared.any():
            where, name = f"{test.where}: column {test.groups.name!r}", test.groups.iloc[int(np.argmax(shared))]
            raise DataError(f"{where}: the group {name!r} stands in {said.where} too; keep it in one of them")
    rows = np.arange(len(said.targets)), np.arange(len(test.targets))
    trained, tested = _marks(task, said, classes, groups[0]), _marks(task, test, classes, groups[1])
    return TwoParts(classes, rows[0], trained, rows[1], tested)


def _marks(task: Task, said: Said, classes: tuple[str, ...], groups: Array | None) -> Marks:
    weights = None if said.weights is None else weights_of(said.weights, said.where)
    return Marks(labels_of(task, said.targets, classes, said.where), weights, groups)
