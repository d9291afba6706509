"""What is to be told of an example: the task guessed from the targets, the classes and how many examples each has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.ingest.labels import classes_of, labels_of, require_targets
from tuner.data.ingest.values import column_of, require_complete

MOST_CLASSES = 20
FEWEST_OF_A_CLASS = 5
IMBALANCED = 0.2


@dataclass(frozen=True)
class Goal:
    """The task, and why it was taken for that; the targets; of each class (or label) how many rows have it (`counts`; none
    where targets are numbers)."""

    task: Task
    reason: str
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def rarest(self) -> int:
        """The place of the rarest class."""
        return int(np.argmin(self.counts))

    @property
    def most_frequent(self) -> int:
        """The place of the most frequent class."""
        return int(np.argmax(self.counts))

    @property
    def is_imbalanced(self) -> bool:
        """Whether the rarest class has less than a fifth of the examples of the most frequent one."""
        if self.task != "classification":
            return False
        return min(self.counts) < IMBALANCED * max(self.counts)


def goal_of(frame: pd.DataFrame, targets: Sequence[str], task: Task | Literal["guess"], where: str) -> Goal:
    """The goal that these columns are. Raises `DataError` for what no network can learn to tell."""
    _require_number(task, targets, where)
    columns = frame[[column_of(frame, name, where).name for name in targets]]
    for name in targets:
        require_complete(columns[name], where)
    guessed, reason = _guess(columns, where) if task == "guess" else (task, f"said with --task {task}")
    require_targets(guessed, columns, where)
    classes = classes_of(guessed, columns, where)
    labels = labels_of(guessed, columns, classes, where)
    counts: Sequence[int] = ()
    if guessed == "classification":
        counts = np.bincount(labels, minlength=len(classes)).tolist()
    elif guessed == "multi_label":
        counts = labels.sum(axis=0, dtype=np.int64).tolist()
    return Goal(guessed, reason, tuple(targets), classes, tuple(counts))


def _require_number(task: Task | Literal["guess"], targets: Sequence[str], where: str) -> None:
    """Raise `DataError` where there are more targets, or fewer, than the task has."""
    if len(set(targets)) < len(targets):
        raise DataError(f"{where}: --target: name each target once, got {', '.join(targets)}")
    if task == "multi_label" and len(targets) == 1:
        raise DataError(f"{where}: --task multi_label: needs several targets, got {targets[0]}")
    if task == "classification" and len(targets) > 1:
        raise DataError(f"{where}: --task classification: needs one target, got {', '.join(targets)}")


def _guess(columns: pd.DataFrame, where: str) -> tuple[Task, str]:
    """A task, and why. Raises `DataError` where several targets are not of one kind."""
    if columns.shape[1] > 1:
        return _guess_of_several(columns, where)
    column = columns.iloc[:, 0]
    different = column.nunique()
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "classification", f"{column.name} has {different} different names"
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    is_whole = bool((numbers == np.floor(numbers)).all())
    few = different <= MOST_CLASSES and different * FEWEST_OF_A_CLASS <= len(column)
    if is_whole and few:
        cure = "" if different == 2 else "; if these are numbers to be met, say --task regression"
        return "classification", f"{column.name} has {different} different whole numbers only{cure}"
    what = "whole numbers" if is_whole else "numbers"
    return "regression", f"{column.name} has {different} different {what}"


def _guess_of_several(columns: pd.DataFrame, where: str) -> tuple[Task, str]:
    if not all(pd.api.types.is_numeric_dtype(columns[name]) for name in columns):
        name = next(name for name in columns if not pd.api.types.is_numeric_dtype(columns[name]))
        rule = "several targets must be labels, 0 or 1 each, or numbers"
        raise DataError(f"{where}: column {name!r}: {rule}, got {columns[name].dropna().iloc[0]!r}; name one target")
    if columns.isin((0, 1)).to_numpy().all():
        return "multi_label", f"{columns.shape[1]} targets are 0 or 1 each"
    return "regression", f"{columns.shape[1]} targets are numbers"
