"""Arrays, frames and lists, as Python programs have them, brought to what can be prepared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.examples import Array
from tuner.data.ingest.prepare import RawExamples

MOST_COLUMNS = 1000
"""Arrays with more numbers to a row stay arrays: a table looks at each of its columns alone."""


def given(x: Any, y: Any, weights: Any = None, groups: Any = None) -> RawExamples:
    """Examples as one value. `x` is a data frame, or an array with the examples first; `y` has one target or several (columns)
    for each; `weights` and `groups` one value each. Raises `DataError` where these are not as many."""
    inputs = inputs_of(x)
    taken = set(inputs.columns) if isinstance(inputs, pd.DataFrame) else set()
    weighed = None if weights is None else pd.Series(np.asarray(weights), name="weights")
    grouped = None if groups is None else pd.Series(np.asarray(groups), name="groups")
    return RawExamples(x=inputs, y=targets_of(y, taken), weights=weighed, groups=grouped)


def inputs_of(x: Any, names: Sequence[str] = ()) -> pd.DataFrame | Array:
    """A frame with names for its columns (x0, x1, … where there are none, or those that were given), or an array of more
    dimensions, or with very many columns."""
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


def targets_of(y: Any, taken: set[str]) -> pd.DataFrame:
    """A column for each target, with names that the inputs do not have."""
    if isinstance(y, pd.DataFrame):
        frame = y.reset_index(drop=True)
    elif isinstance(y, pd.Series):
        frame = y.reset_index(drop=True).to_frame("y" if y.name is None else str(y.name))
    else:
        frame = _columns(np.asarray(y))
    return frame.set_axis([_free(str(name), taken) for name in frame.columns], axis=1)


def _columns(y: Array) -> pd.DataFrame:
    if y.ndim not in (1, 2):
        raise DataError(f"the data: y: must have one axis or two, got {list(y.shape)}")
    if y.ndim == 1 or y.shape[1] == 1:
        return pd.DataFrame({"y": y.reshape(-1)})
    return pd.DataFrame(y, columns=[f"y{place}" for place in range(y.shape[1])])


def _free(name: str, taken: set[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name
