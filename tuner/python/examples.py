"""Frames, arrays, lists and other tables from Python, in the form that is prepared for training."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, first_line
from tuner.data.examples import Array
from tuner.data.ingest.files import SKLEARN, find_path
from tuner.data.ingest.prepare import RawExamples
from tuner.data.ingest.tables import is_table, read_table
from tuner.data.ingest.values import column_of
from tuner.recipe.data import TargetShape

MOST_COLUMNS = 1000
"""Arrays with more columns stay arrays: a table profiles each column."""
SECONDS_OF_A_DAY = 86_400
FORMS = "a data frame, an array, lists, a mapping of columns, or the path of a table"


def examples_of(x: Any, y: Any, weights: Any = None, groups: Any = None, *, for_function: bool = False) -> RawExamples:
    """Examples as one value. `x` is a table or an array, `y` has one or several targets per example; each of `y`, `weights` and
    `groups` may be the name of a column of `x`. The network `for_function` is a function of the user's: it gets an array of numbers as
    it is, and each text in a mapping as a part of its own; its targets may have any shape: an array with more than two axes, or a mapping
    of arrays by name. Raises `DataError` for different lengths and for what is no data."""
    inputs = inputs_of(x, stays_array=for_function)
    target_shapes: tuple[TargetShape, ...] = ()
    _require_same_order(x, y)
    if for_function and has_shapes(y):
        y, target_shapes = _shaped_targets(y)
    others: list[Any] = [y, weights, groups]
    for place, each in enumerate(others):
        if isinstance(each, str) and isinstance(inputs, pd.DataFrame):
            others[place] = column_of(inputs, each, "the data")
            inputs = inputs.drop(columns=each)
    names = set(inputs.columns) if isinstance(inputs, pd.DataFrame) else set()
    targets = _targets(others[0], names)
    taken = {*names, *targets.columns}
    weight_column, group_column = (
        None if values is None else pd.Series(np.ravel(_plain(values, name)), name=_unused(name, taken))
        for name, values in (("weights", others[1]), ("groups", others[2]))
    )
    return RawExamples(
        x=inputs,
        y=targets,
        weights=weight_column,
        groups=group_column,
        target_shapes=target_shapes,
        has_words=for_function and isinstance(x, Mapping),
    )


def has_shapes(y: Any) -> bool:
    """Whether these are targets by name, or one with more than two axes."""
    return isinstance(y, Mapping) or (not isinstance(y, str) and np.ndim(y) > 2)


def _shaped_targets(y: Any) -> tuple[pd.DataFrame, tuple[TargetShape, ...]]:
    """Targets of any shape as a column for each number, and their shapes. Raises `DataError` for what is no number."""
    by_name = (
        {str(name): np.asarray(each) for name, each in y.items()} if isinstance(y, Mapping) else {"": np.asarray(y)}
    )
    for name, each in by_name.items():
        where = f"the data: y{name and f'[{name!r}]'}"
        if each.dtype.kind not in "buif" or each.ndim == 0:
            raise DataError(
                f"{where}: must be numbers (of classes: 0, 1, 2 …), one entry for each example, got {each.dtype}"
            )
        if not np.isfinite(each).all():
            raise DataError(f"{where}: must be finite numbers, got {each[~np.isfinite(each)][0]}")
        if len(each) != len(next(iter(by_name.values()))):
            raise DataError(f"{where}: must have as many entries as the other targets, got {len(each)}")
    shapes = tuple(TargetShape(name=name, shape=tuple(each.shape[1:])) for name, each in by_name.items())
    rows = [each.reshape(len(each), -1).astype(np.float32) for each in by_name.values()]
    names = [f"{each.name or 'y'}[{place}]" for each in shapes for place in range(math.prod(each.shape))]
    return pd.DataFrame(np.concatenate(rows, axis=1), columns=names), shapes


def inputs_of(x: Any, names: Sequence[str] = (), *, stays_array: bool = False) -> pd.DataFrame | Array:
    """A frame: of an array with these names if there are as many, else x0, x1, …. An array of more than two dimensions, or of very
    many columns, stays an array; with `stays_array` each array of numbers does. Raises `DataError` for what is no data."""
    plain = _plain(x, "x")
    if isinstance(plain, pd.DataFrame) and plain.shape[1] > MOST_COLUMNS:
        if other := [name for name in plain if not pd.api.types.is_numeric_dtype(plain[name])]:
            problem = f"has {plain.shape[1]:,} columns; more than {MOST_COLUMNS:,} must all be numbers"
            raise DataError(f"the data: x: {problem}, which column {other[0]!r} is not")
        return plain.to_numpy(np.float64, na_value=np.nan)
    if isinstance(plain, pd.DataFrame):
        return _named(plain.reset_index(drop=True), [str(name) for name in plain.columns])
    array = plain.reshape(-1, 1) if plain.ndim == 1 else plain
    if array.ndim != 2 or array.shape[1] > MOST_COLUMNS or (stays_array and array.dtype.kind in "buif"):
        return array
    places = [f"x{place}" for place in range(array.shape[1])]
    return _named(pd.DataFrame(array).infer_objects(), names if len(names) == len(places) else places)


def frame_of(x: Any) -> Any:
    """A table of another library (Polars, Arrow) as a pandas frame; anything else as it is."""
    try:
        return x.to_pandas() if hasattr(x, "to_pandas") else x
    except ImportError as error:
        raise DataError(f"the data: a {type(x).__name__} becomes a pandas frame: {first_line(error)}") from error


def _plain(values: Any, name: str) -> pd.DataFrame | Array:
    """Values of any form as a frame or an array. Durations become days."""
    values = frame_of(values)
    try:
        if isinstance(values, str | Path) and is_table(path := str(values)):
            return read_table(path if path.startswith(SKLEARN) else str(find_path(path, [Path.cwd()])))
        if isinstance(values, pd.Series):
            values = values.to_frame(name if values.name is None else values.name)
        elif isinstance(values, Mapping) or (isinstance(values, list) and values and isinstance(values[0], Mapping)):
            values = pd.DataFrame(values if isinstance(values, list) else _columns(values))
        elif np.ma.isMaskedArray(values):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        if isinstance(values, pd.DataFrame):
            return _real(values, name)
        array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    except (ValueError, MemoryError) as error:  # rows of different lengths; a sparse matrix that is too large
        raise DataError(f"the data: {name}: cannot become an array: {first_line(error)}") from error
    if array.ndim == 0:
        kind = repr(values) if isinstance(values, str | Path) else f"a {type(values).__name__}"
        raise DataError(f"the data: {name}: must be {FORMS}, got {kind}")
    array = np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    needs_frame = array.dtype.names or (array.dtype.kind in "cm" and array.ndim < 3)
    return _real(pd.DataFrame(array), name) if needs_frame else array


def _columns(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """Columns by name; of an array with more than one axis a column of arrays."""
    is_deep = {name: np.ndim(each) > 1 for name, each in values.items() if not isinstance(each, pd.Series)}
    return {name: list(np.asarray(each)) if is_deep.get(name) else each for name, each in values.items()}


def _real(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The frame with durations as days. Raises `DataError` for complex numbers."""
    if len(frame.select_dtypes("complex").columns):
        raise DataError(f"the data: {name}: must be real numbers, got complex ones")
    durations = list(frame.select_dtypes("timedelta").columns)
    days = {column: frame[column].dt.total_seconds() / SECONDS_OF_A_DAY for column in durations}
    return pd.DataFrame({column: days.get(column, frame[column]) for column in frame.columns}) if days else frame


def _require_same_order(x: Any, y: Any) -> None:
    """Raise `DataError` where both have the same index in different orders: rows are matched by place."""
    first, second = (each.index if isinstance(each, pd.DataFrame | pd.Series) else pd.Index([]) for each in (x, y))
    if len(first) == len(second) and not first.equals(second) and first.is_unique and set(first) == set(second):
        cure = "pass y.loc[x.index], or both after reset_index(drop=True)"
        raise DataError(f"the data: y: has the index of x in another order, and rows are matched by place; {cure}")


def _named(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    if len({*names, ""}) <= len(names):
        faulty = next(f"{name!r} twice" if name else repr(name) for name in names if not name or names.count(name) > 1)
        raise DataError(f"the data: x: must have a name of its own for each column, got {faulty}")
    return frame.set_axis(list(names), axis=1)


def _targets(y: Any, input_names: set[str]) -> pd.DataFrame:
    """A column for each target, with names that no input has."""
    plain = _plain(y, "y")
    if not isinstance(plain, pd.DataFrame):
        if plain.ndim > 2:
            raise DataError(f"the data: y: must have one axis or two, got {list(plain.shape)}")
        matrix = plain[:, None] if plain.ndim == 1 else plain
        plain = pd.DataFrame(matrix, columns=["y"] if matrix.shape[1] == 1 else [f"y{i}" for i in range(len(matrix.T))])
    names = [_unused(str(name), input_names) for name in plain.columns]
    return plain.reset_index(drop=True).set_axis(names, axis=1)


def _unused(name: str, names: set[str]) -> str:
    return _unused(f"{name}_", names) if name in names else name
