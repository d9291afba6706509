"""Examples given from Python, prepared as those in files are: frames become tables, arrays stay arrays."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.examples import Array, Examples
from tuner.data.ingest.arrays import inputs_of, range_of
from tuner.data.ingest.coding import code, coded
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.ingest import keep_from_python
from tuner.data.ingest.kinds import ColumnProfile, column_profile
from tuner.data.ingest.parts import Said, TwoParts, parts_of_one, parts_of_two
from tuner.data.sources import Places
from tuner.data.store import Facts
from tuner.networks.columns import Column
from tuner.recipe.data import Arrays, Cut, Table

WHERE, TEST = "the data", "the test data"
"""What messages call them."""
GIVEN = "given"
"""The path of what has no identity yet."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """Examples from Python. `x` is a frame with a row for each, whose columns have names, or an array with the examples first;
    `y` has a column for each target. `weights` say how much each counts, of one group none stand on both sides of a split."""

    x: pd.DataFrame | Array
    y: pd.DataFrame
    weights: "pd.Series[Any] | None" = None
    groups: "pd.Series[Any] | None" = None

    def __post_init__(self) -> None:
        for name in ("y", "weights", "groups"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.x):
                raise DataError(f"{WHERE}: {name}: must be as many as x, {len(self.x)}, got {len(values)}")

    def said(self, where: str) -> Said:
        """What is said of the examples beside their inputs."""
        weights = None if self.weights is None else self.weights.rename("weights")
        groups = None if self.groups is None else self.groups.rename("groups")
        return Said(where, self.y, weights, groups)


def hold(given: Given, test: Given | Cut, task: Task, places: Places) -> Table | Arrays:
    """Prepared examples in the cache, and the record that names them by their contents. `test` is the test part, or how much
    is cut off. Raises `DataError` with column and row for what cannot be used."""
    parts = _parts(given, test, task)
    if isinstance(given.x, pd.DataFrame):
        return _hold_table(given, given.x, test, task, parts, places)
    return _hold_arrays(given, given.x, test, task, parts, places)


def frame_columns(frame: pd.DataFrame) -> tuple[ColumnProfile, ...]:
    """What the columns of a frame are taken for: by their types, names by what is in them. Without those in which nothing
    stands. Raises `DataError` where nothing is left."""
    found = tuple(_column(frame[name]) for name in frame.columns if frame[name].notna().any())
    if not found:
        raise DataError(f"{WHERE}: no column has any value")
    return found


def _column(series: "pd.Series[Any]") -> ColumnProfile:
    profile = column_profile(series, WHERE)
    if pd.api.types.is_bool_dtype(series):
        return replace(profile, kind="boolean", reason="true and false")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return replace(profile, kind="category", reason="categories")
    if pd.api.types.is_numeric_dtype(series):
        return replace(profile, kind="number", reason="numbers")
    return profile


def _parts(given: Given, test: Given | Cut, task: Task) -> TwoParts:
    if isinstance(test, Cut):
        return parts_of_one(task, given.said(WHERE), test, is_ordered=False)
    return parts_of_two(task, given.said(WHERE), test.said(TEST))


def _hold_table(
    given: Given, frame: pd.DataFrame, test: Given | Cut, task: Task, parts: TwoParts, places: Places
) -> Table:
    columns = tuple(Column(name=each.name, kind=each.kind) for each in frame_columns(frame))
    names = {column.name for column in columns}
    targets = tuple(_free(str(name), names) for name in given.y.columns)
    data = Table(
        path=GIVEN,
        target=targets[0] if len(targets) == 1 else targets,
        columns=columns,
        task=task,
        test=test if isinstance(test, Cut) else GIVEN,
        group="" if given.groups is None else _free("groups", {*names, *targets}),
        weight="" if given.weights is None else _free("weights", {*names, *targets}),
    )
    coding, matrix = coded(columns, frame, parts.training_rows, WHERE)
    if isinstance(test, Cut):
        test_inputs = matrix[parts.test_rows]
    elif isinstance(test.x, pd.DataFrame):
        test_inputs = code(coding, test.x, TEST)
    else:
        raise DataError(f"{TEST}: must be a frame as the training part is, got an array")
    training, tested = parts.training.on(matrix[parts.training_rows]), parts.test.on(test_inputs)
    return keep_from_python(data, Facts(classes=parts.classes), coding, training, tested, places)


def _hold_arrays(given: Given, array: Array, test: Given | Cut, task: Task, parts: TwoParts, places: Places) -> Arrays:
    data = Arrays(
        path=GIVEN,
        task=task,
        test=test if isinstance(test, Cut) else GIVEN,
        groups="" if given.groups is None else "groups",
        weights="" if given.weights is None else "weights",
    )
    inputs = inputs_of(array, "x", Path(WHERE))
    training = parts.training.on(inputs[parts.training_rows])
    tested = _test_of(inputs, test, parts)
    facts = Facts(classes=parts.classes, value_range=range_of(training.inputs))
    return keep_from_python(data, facts, Coding(), training, tested, places)


def _test_of(inputs: Array, test: Given | Cut, parts: TwoParts) -> Examples:
    if isinstance(test, Cut):
        return parts.test.on(inputs[parts.test_rows])
    own = inputs_of(np.asarray(test.x), "x", Path(TEST))
    if (own.shape[1:], own.dtype) != (inputs.shape[1:], inputs.dtype):
        wanted, got = (f"{list(each.shape[1:])} {each.dtype}" for each in (inputs, own))
        raise DataError(f"{TEST}: x: must have examples like the training part's, {wanted}, got {got}")
    return parts.test.on(own)


def _free(name: str, taken: set[str]) -> str:
    """A name that no column has."""
    return _free(f"{name}_", taken) if name in taken else name
