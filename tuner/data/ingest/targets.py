"""Target columns: the probable task, the classes, and labels, weights and groups as arrays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, near_miss
from tuner.base.metrics import Task
from tuner.data.examples import Array
from tuner.data.ingest.formats import Numbers, number_formats
from tuner.data.ingest.values import class_name, factorize, is_number, numbers_of, require_complete, require_rows

TaskOption = Task | Literal["guess"]
FEWEST_ROWS = 10
MOST_CLASSES = 20
FEWEST_OF_A_CLASS = 5
IMBALANCED = 0.2
DROP = "fill them in, or leave such rows out with --drop-missing-target (in a study file drop_missing_target = true)"
LONG_TAIL = 4.0
"""Targets are skewed whose 95 % quantile is so many times further from the median than the 5 % quantile."""
VISIBLE = 1e-4
"""Rounding that is smaller than this share of the standard deviation does not matter."""


@dataclass(frozen=True)
class TargetProfile:
    """The probable task, the reason, the targets, the classes or labels and the rows of each (no `counts` for numbers);
    the `format` of numbers with marks, as in `Column`; whether numbers have a long tail of large ones."""

    task: Task
    reason: str
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    format: str = ""
    is_skewed: bool = False

    @property
    def rarest(self) -> str:
        """The rarest class."""
        return self.classes[int(np.argmin(self.counts))]

    @property
    def most_frequent(self) -> str:
        """The most frequent class."""
        return self.classes[int(np.argmax(self.counts))]

    @property
    def positive(self) -> str:
        """The class that curves and average precision are about: the rarer one of two; empty where none is rarer."""
        return self.rarest if self.task == "classification" and len({*self.counts}) == len(self.counts) == 2 else ""

    @property
    def is_imbalanced(self) -> bool:
        """Whether the rarest class has less than a fifth of the examples of the most frequent one."""
        return self.task == "classification" and min(self.counts) < IMBALANCED * max(self.counts)


def target_profile(frame: pd.DataFrame, targets: Sequence[str], task: TaskOption, where: str) -> TargetProfile:
    """The task of these target columns, their classes and counts. Raises `DataError` for what no network can learn."""
    if len(set(targets)) < len(targets) or (task == "multi_label" and len(targets) == 1):
        rule = "--target: name each target once" if len(targets) > 1 else "--task multi_label: needs several targets"
        raise DataError(f"{where}: {rule}, got {', '.join(targets)}")
    columns = frame[list(targets)]
    if task == "custom":
        names = tuple(dict.fromkeys(str(name).partition("[")[0] for name in targets))
        return TargetProfile(task, "they come with a function's model", names, names, ())
    for name in targets:
        require_complete(columns[name], where, DROP)
    guessed, reason = _guess(columns, where) if task == "guess" else (task, f"set with --task {task}")
    classes = classes_of(guessed, columns, where)
    profile = TargetProfile(guessed, reason, tuple(targets), classes, ())
    if guessed == "regression":
        format = max(_number_format(columns[name], where) for name in targets)
        labels = labels_of(guessed, columns, classes, where, format)
        return replace(profile, format=format, is_skewed=_is_skewed(labels))
    labels = labels_of(guessed, columns, classes, where)
    counts = np.bincount(labels, minlength=len(classes)) if labels.ndim == 1 else labels.sum(axis=0, dtype=np.int64)
    return replace(profile, counts=tuple(counts.tolist()))


def _is_skewed(numbers: Array) -> bool:
    low, middle, high = np.quantile(numbers.astype(np.float64), (0.05, 0.5, 0.95), axis=0)
    return bool((high - middle > LONG_TAIL * (middle - low)).any())


def _number_format(column: "pd.Series[Any]", where: str) -> str:
    """The format of texts that are numbers with marks; empty for others."""
    if pd.api.types.is_numeric_dtype(column) or pd.to_numeric(column, errors="coerce").notna().all():
        return ""
    return next(iter(number_formats(factorize(column, where).names)), "")


def _guess(columns: pd.DataFrame, where: str) -> tuple[Task, str]:
    """A task, and why. Raises `DataError` where several targets are not of one kind."""
    count = columns.shape[1]
    names = [name for name in columns if not pd.api.types.is_numeric_dtype(columns[name])]
    if count > 1 and names:
        rule, value = "several targets must be labels, 0 or 1 each, or numbers", columns[names[0]].dropna().iloc[0]
        raise DataError(f"{where}: column {names[0]!r}: {rule}, got {value!r}; name one target")
    if count > 1 and columns.isin((0, 1)).to_numpy().all():
        if (columns.sum(axis=1) == 1).all():
            return "classification", f"each row has a single 1 in {count} targets; for labels, use --task multi_label"
        return "multi_label", f"{count} targets are 0 or 1 each"
    if count > 1:
        return "regression", f"{count} targets are numbers"
    column = columns.iloc[:, 0]
    different = column.nunique()
    few = different <= MOST_CLASSES and different * FEWEST_OF_A_CLASS <= len(column)
    if names and not few and number_formats(factorize(column, where).names):
        return "regression", f"{column.name} has {different} different numbers such as {column.iloc[0]}"
    if names or pd.api.types.is_bool_dtype(column):
        return "classification", f"{column.name} has {different} different names"
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    what = "whole numbers" if (numbers == np.floor(numbers)).all() else "numbers"
    if what == "whole numbers" and few:
        cure = "" if different == 2 else "; to predict them as numbers, use --task regression"
        return "classification", f"{column.name} has {different} different whole numbers{cure}"
    return "regression", f"{column.name} has {different} different {what}"


def classes_of(task: Task, targets: pd.DataFrame, where: str, positive: str = "") -> tuple[str, ...]:
    """The names of the classes in their order (of numbers where all are numbers; the `positive` one of two last), or of the target
    columns. Raises `DataError` for targets that a network cannot learn: too few rows, gaps, one value only, no classes."""
    if len(targets) < FEWEST_ROWS:
        raise DataError(f"{where}: has {len(targets)} rows, and at least {FEWEST_ROWS} are needed")
    if task == "custom":
        return target_profile(targets, tuple(targets.columns), task, where).classes
    if task == "classification":
        targets = one_column(targets, where).to_frame()
    for name in targets.columns:
        require_complete(targets[name], where, DROP)
        values = factorize(targets[name], where).names
        if len(values) == 1:
            raise DataError(f"{where}: column {name!r}: has only one value, {values[0]!r}: there is nothing to predict")
        if task == "classification" and len(values) > len(targets) / 2:
            what = f"{len(values)} different values in {len(targets)} rows are numbers or identifiers, not classes"
            raise DataError(f'{where}: column {name!r}: {what}; say task = "regression", or name another target')
    if task != "classification":
        return tuple(map(str, targets.columns))
    classes = {class_name(name) for name in factorize(targets.iloc[:, 0], where).names}
    ordered = sorted(classes, key=float if all(map(is_number, classes)) else str)
    return with_positive_last(ordered, positive, where)


def with_positive_last(classes: Sequence[str], positive: str, where: str) -> tuple[str, ...]:
    """Two classes, of which metrics and curves are about the second. Raises `DataError` where `positive` is not one of two."""
    if positive and (positive not in classes or len(classes) != 2):
        what = f"; {near_miss(positive, classes)}" if positive not in classes else f", which are {len(classes)} here"
        raise DataError(f"{where}: positive: must be one of two classes{what}")
    return tuple(sorted(classes, key=lambda name: name == positive))


def one_column(targets: pd.DataFrame, where: str) -> "pd.Series[Any]":
    """The class of each row. One-hot columns stand for their names, or for the numbers in y[2] and y2. Raises `DataError` with the
    row that has not exactly one 1, and zeros."""
    first = targets.columns[0]
    if targets.shape[1] == 1:
        return targets[first]
    values = np.stack([numbers_of(targets[name], where) for name in targets], axis=1)
    faulty = ~np.isin(values, (0, 1)).all(axis=1) | (values.sum(axis=1) != 1)
    rule = f"must have a single 1 in {', '.join(map(str, targets))} to be a class"
    require_rows(faulty, targets.apply(list, axis=1).rename(first), rule, where)
    names = [re.sub(r"^y(\d+)$|^.*\[(\d+)\]$", r"\1\2", str(name)) for name in targets]
    return pd.Series(np.array(names, object)[values.argmax(axis=1)], name=first)


def labels_of(task: Task, targets: pd.DataFrame, classes: Sequence[str], where: str, format: str = "") -> Array:
    """Class numbers (n,) uint8, or int32 of more than 256; labels (n, labels) uint8, each 0 or 1; or numbers (n, targets) float32, or
    float64 where float32 would distort their differences; `format` is that of marked ones.
    Raises `DataError` with column and row for other values or classes."""
    if task == "custom":
        return targets.to_numpy(np.float32)
    for name in targets.columns:
        require_complete(targets[name], where)
    if task == "classification":
        column = one_column(targets, where)
        names = factorize(column, where)
        number_of = {each: number for number, name in enumerate(classes) for each in (name.strip(), name)}
        numbers = np.array([number_of.get(class_name(name), -1) for name in names.names])[names.numbers]
        rule = f"must be a class of the training part; {near_miss(str(column.iloc[int(numbers.argmin())]), classes)}"
        require_rows(numbers < 0, column, rule, where)
        return numbers.astype(class_dtype(classes))
    values = np.stack([numbers_of(targets[name], where, format) for name in targets.columns], axis=1)
    if task == "regression":
        for place, name in enumerate(targets.columns):
            is_whole = pd.api.types.is_integer_dtype(targets[name])
            if is_whole and targets[name].nunique() > 2 * len(set(values[:, place])):
                cure = "differ by less than float64 can hold: subtract the smallest from all"
                raise DataError(f"{where}: column {name!r}: its numbers {cure}")
        return _narrowed(values)
    for place, name in enumerate(targets.columns):
        require_rows(~np.isin(values[:, place], (0, 1)), targets[name], "must be 0 or 1", where)
    return values.astype(np.uint8)


def _narrowed(values: Numbers) -> Array:
    """In float32, unless the rounding would be visible beside the spread."""
    narrow = values.astype(np.float32)
    is_distorted = np.abs(narrow - values).max(axis=0) > VISIBLE * values.std(axis=0)
    return values if (is_distorted & (np.ptp(values, axis=0) > 0)).any() else narrow


def class_dtype(classes: Sequence[str]) -> type[np.uint8] | type[np.int32]:
    """The type of class numbers."""
    return np.uint8 if len(classes) <= 256 else np.int32


def weights_of(column: "pd.Series[Any] | None", where: str) -> Array | None:
    """The weight of each row (n,) float32, if there are weights. Raises `DataError` with the row for one that is missing or
    negative."""
    if column is None:
        return None
    require_complete(column, where)
    weights = numbers_of(column, where)
    require_rows(weights < 0, column, "must be at least 0", where)
    if not weights.any():
        raise DataError(f"{where}: column {column.name!r}: is 0 everywhere: no row would count")
    return weights.astype(np.float32)


def groups_of(columns: Sequence["pd.Series[Any]"], where: str) -> tuple[Array, ...]:
    """Group numbers (n,) int32, of the same group the same in all columns. Raises `DataError` where a row has none."""
    for column in columns:
        require_complete(column, where)
    numbers = factorize(pd.concat(columns, ignore_index=True), where).numbers.astype(np.int32)
    return tuple(np.split(numbers, np.cumsum([len(column) for column in columns])[:-1]))
