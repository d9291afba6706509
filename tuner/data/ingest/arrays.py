"""Arrays prepared: read from an NPZ file, checked, cut, labelled."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, near_miss
from tuner.data.examples import Array, Examples
from tuner.data.ingest.files import found_file, require_ratio
from tuner.data.ingest.parts import Said, parts_of_one, parts_of_two
from tuner.data.store import Facts
from tuner.recipe import Arrays, Cut


def array_parts(data: Arrays, where: Sequence[Path]) -> tuple[Facts, Examples, Examples]:
    """What is known of the arrays, their training part and their test part. A file with `x_train` and `x_test` and no `x` has
    a test part, and nothing is cut off. Raises `DataError` for what cannot be used."""
    path = found_file(data.path, where)
    names = names_in(path)
    has_both = data.x not in names and {f"{data.x}_train", f"{data.x}_test"} <= set(names)
    inputs, said = _read(data, path, "_train" if has_both else "")
    if has_both:
        test_inputs, test = _read(data, path, "_test")
    elif isinstance(data.test, Cut):
        parts = parts_of_one(data.task, said, data.test, is_ordered=False)
        training, held_out = parts.training.on(inputs[parts.training_rows]), parts.test.on(inputs[parts.test_rows])
        return Facts(classes=parts.classes, value_range=range_of(training.inputs)), training, held_out
    else:
        test_inputs, test = _read(data, found_file(data.test, where), "")
    if (test_inputs.shape[1:], test_inputs.dtype) != (inputs.shape[1:], inputs.dtype):
        wanted, got = (f"{list(each.shape[1:])} {each.dtype}" for each in (inputs, test_inputs))
        raise DataError(f"{test.where}: {data.x}: must have examples like the training part's, {wanted}, got {got}")
    parts = parts_of_two(data.task, said, test)
    facts = Facts(classes=parts.classes, value_range=range_of(inputs))
    return facts, parts.training.on(inputs), parts.test.on(test_inputs)


def names_in(path: Path) -> list[str]:
    """The arrays in the file. Raises `DataError` where it is no NPZ file, or unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: is not an NPZ file: {error}") from error
    require_ratio(path, path.stat().st_size, sum(member.file_size for member in members))
    return [member.filename.removesuffix(".npy") for member in members]


def _read(data: Arrays, path: Path, ending: str) -> tuple[Array, Said]:
    """The inputs, and what is said of them, from the arrays whose names end so."""
    names = [name and f"{name}{ending}" for name in (data.x, data.y, data.weights, data.groups)]
    x, y = (array_of(path, name) for name in names[:2])
    weights, groups = (array_of(path, name) if name else None for name in names[2:])
    for name, values in zip(names[1:], (y, weights, groups), strict=True):
        if values is not None and len(values) != len(x):
            raise DataError(f"{path}: {name}: must be as many as {names[0]}, {len(x)}, got {len(values)}")
    columns = [
        None if values is None else _columns(values, name, path)[name]
        for name, values in zip(names[2:], (weights, groups), strict=True)
    ]
    return inputs_of(x, names[0], path), Said(str(path), _targets(data, y, names[1], path), *columns)


def array_of(path: Path, name: str) -> Array:
    """One array of the file. Raises `DataError` where it is not there or cannot be read."""
    known = names_in(path)
    if name not in known:
        raise DataError(f"{path}: has no array {name!r}; {near_miss(name, known)}")
    try:
        with np.load(path, allow_pickle=False) as content:
            values: Array = content[name]
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {name}: cannot be read: {error}") from error
    if values.ndim == 0:
        raise DataError(f"{path}: {name}: must have an entry for each example, got a single one")
    return values


def inputs_of(values: Array, name: str, path: Path) -> Array:
    """As uint8 or float32. Raises `DataError` with the row for what is no finite number."""
    if values.ndim < 2 or 0 in values.shape[1:]:
        raise DataError(f"{path}: {name}: must have the examples first, then their values, got {list(values.shape)}")
    if values.dtype.kind not in "buif":
        raise DataError(f"{path}: {name}: must be numbers, got {values.dtype}")
    if values.dtype in (np.uint8, np.bool_):
        return values.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32, copy=False)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"{path}: {name}, row {np.argmin(finite) + 1}: must be finite numbers that float32 can hold")
    return values


def _targets(data: Arrays, values: Array, name: str, path: Path) -> pd.DataFrame:
    columns = _columns(values, name, path)
    if data.task == "classification" and columns.shape[1] != 1:
        cure = "give class numbers or names, not a column for each class"
        raise DataError(f"{path}: {name}: must be one class for each example, got {list(values.shape)}; {cure}")
    if data.task == "multi_label" and columns.shape[1] < 2:
        raise DataError(f"{path}: {name}: must be several labels for each example, got {list(values.shape)}")
    return columns


def _columns(values: Array, name: str, path: Path) -> pd.DataFrame:
    """One column by the array's own name, several by their numbers after it."""
    if values.ndim > 2 or 0 in values.shape[1:]:
        raise DataError(f"{path}: {name}: must have one axis or two, got {list(values.shape)}")
    table = values.reshape(len(values), -1)
    names = [name] if table.shape[1] == 1 else [f"{name}[{place}]" for place in range(table.shape[1])]
    return pd.DataFrame({each: table[:, place] for place, each in enumerate(names)})


def range_of(inputs: Array) -> tuple[float, float]:
    """What inputs can be: bytes are of 0 to 255, numbers of what the training part has."""
    if inputs.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(inputs.min()), float(inputs.max())
    return low, high if high > low else low + 1.0
