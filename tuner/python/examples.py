"""Arrays, frames and lists from Python, in the form that is prepared for training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.examples import Array
from tuner.data.ingest.prepare import RawExamples

MOST_COLUMNS = 1000
"""Arrays with more columns stay arrays: a table profiles each column."""


def examples_of(x: Any, y: Any, weights: Any = None, groups: Any = None) -> RawExamples:
    """Examples as one value. `x` is a data frame or an array, `y` has one or several targets per example. Raises `DataError` for
    different lengths."""
    inputs = inputs_of(x)
    names = set(inputs.columns) if isinstance(inputs, pd.DataFrame) else set()
    targets = _targets(y, names)
    weight_name, group_name = (_unused(name, {*names, *targets.columns}) for name in ("weights", "groups"))
    weight_column = None if weights is None else pd.Series(np.asarray(weights), name=weight_name)
    group_column = None if groups is None else pd.Series(np.asarray(groups), name=group_name)
    return RawExamples(x=inputs, y=targets, weights=weight_column, groups=group_column)


def inputs_of(x: Any, names: Sequence[str] = ()) -> pd.DataFrame | Array:
    """A frame whose columns have these names (its own, or x0, x1, …, by default); an array of more than two dimensions, or of
    very many columns, stays an array."""
    if isinstance(x, pd.DataFrame):
        return _named(x.reset_index(drop=True), names or [str(name) for name in x.columns])
    array = np.asarray(x)
    if array.ndim != 2 or array.shape[1] > MOST_COLUMNS:
        return array
    return _named(pd.DataFrame(array).infer_objects(), names or [f"x{place}" for place in range(array.shape[1])])


def _named(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise DataError(f"the data: x: must have a name of its own for each column, got {twice!r} twice")
    return frame.set_axis(list(names), axis=1)


def _targets(y: Any, input_names: set[str]) -> pd.DataFrame:
    """A column for each target, with names that no input has."""
    if isinstance(y, pd.DataFrame):
        frame = y.reset_index(drop=True)
    elif isinstance(y, pd.Series):
        frame = y.reset_index(drop=True).to_frame("y" if y.name is None else str(y.name))
    else:
        frame = _target_columns(np.asarray(y))
    return frame.set_axis([_unused(str(name), input_names) for name in frame.columns], axis=1)


def _target_columns(y: Array) -> pd.DataFrame:
    if y.ndim not in (1, 2):
        raise DataError(f"the data: y: must have one axis or two, got {list(y.shape)}")
    if y.ndim == 1 or y.shape[1] == 1:
        return pd.DataFrame({"y": y.reshape(-1)})
    return pd.DataFrame(y, columns=[f"y{place}" for place in range(y.shape[1])])


def _unused(name: str, names: set[str]) -> str:
    return _unused(f"{name}_", names) if name in names else name
