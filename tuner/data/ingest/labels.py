"""Labels from target columns: class numbers, labels that hold or not, or numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, near_miss
from tuner.base.metrics import Task
from tuner.data.examples import Array
from tuner.data.ingest.values import class_name, column_of, names_of, numbers_of, require_complete, require_rows

FEWEST_ROWS = 10


def require_targets(task: Task, targets: pd.DataFrame, where: str) -> None:
    """Raise `DataError` where these columns tell a network nothing: too few rows, gaps, one value only, no classes."""
    if len(targets) < FEWEST_ROWS:
        raise DataError(f"{where}: has {len(targets)} rows, and at least {FEWEST_ROWS} are needed")
    for name in targets.columns:
        column = column_of(targets, name, where)
        require_complete(column, where)
        found = names_of(column, where).names
        if len(found) == 1:
            raise DataError(
                f"{where}: column {name!r}: has one value only, {found[0]!r}: there is nothing to tell apart"
            )
        if task == "classification" and len(found) > len(targets) / 2:
            what = f"{len(found)} different values in {len(targets)} rows are a number or an identifier, and no classes"
            raise DataError(f'{where}: column {name!r}: {what}; say task = "regression", or name another target')


def classes_of(task: Task, targets: pd.DataFrame, where: str) -> tuple[str, ...]:
    """The names of the classes in their order (of numbers where all are numbers), or of the target columns."""
    if task != "classification":
        return tuple(map(str, targets.columns))
    names = {class_name(name) for name in names_of(targets.iloc[:, 0], where).names}
    return tuple(sorted(names, key=float if all(map(_is_number, names)) else str))


def _is_number(name: str) -> bool:
    try:
        return np.isfinite(float(name)) and "_" not in name
    except ValueError:
        return False


def labels_of(task: Task, targets: pd.DataFrame, classes: Sequence[str], where: str) -> Array:
    """Class numbers (n,) uint8, or int32 of more than 256; labels (n, labels) uint8, each 0 or 1; or numbers (n, targets)
    float32. Raises `DataError` with column and row for what is not that, or of a class that is not among them."""
    for name in targets.columns:
        require_complete(column_of(targets, name, where), where)
    if task == "classification":
        return _class_numbers(targets, classes, where)
    values = np.stack([numbers_of(targets[name], where) for name in targets.columns], axis=1)
    if task == "regression":
        return values.astype(np.float32)
    for place, name in enumerate(targets.columns):
        require_rows(~np.isin(values[:, place], (0, 1)), targets[name], "must be 0 or 1", where)
    return values.astype(np.uint8)


def _class_numbers(targets: pd.DataFrame, classes: Sequence[str], where: str) -> Array:
    column = targets.iloc[:, 0]
    named = names_of(column, where)
    number_of = {name: number for number, name in enumerate(classes)}
    numbers = np.array([number_of.get(class_name(name), -1) for name in named.names])[named.numbers]
    rule = f"must be a class that the training part has; {near_miss(str(column.iloc[int(numbers.argmin())]), classes)}"
    require_rows(numbers < 0, column, rule, where)
    return numbers.astype(np.uint8 if len(classes) <= 256 else np.int32)


def weights_of(column: "pd.Series[Any]", where: str) -> Array:
    """How much each row counts (n,) float32. Raises `DataError` with the row for what is missing or negative."""
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
    together = names_of(pd.concat(columns, ignore_index=True), where).numbers.astype(np.int32)
    return tuple(np.split(together, np.cumsum([len(column) for column in columns])[:-1]))
