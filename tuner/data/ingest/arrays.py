"""Arrays in NPZ files: read, checked and profiled."""

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, data_errors, near_miss
from tuner.data.examples import Array
from tuner.data.ingest.files import require_ratio
from tuner.data.ingest.prepare import RawExamples
from tuner.data.ingest.profile import Roles
from tuner.data.ingest.targets import TargetProfile, TaskOption, target_profile
from tuner.data.ingest.values import group_count
from tuner.recipe import Arrays, Cut

GAPS = "; fill missing ones, for instance with the median of their column"
INPUTS = ("x", "X", "inputs", "features", "images", "data")
TARGETS = ("y", "Y", "targets", "labels", "target", "label")


def read_arrays(data: Arrays, path: Path, test: Path | Cut) -> tuple[RawExamples, RawExamples | Cut]:
    """The examples of a file, and the test part: a file with `x_train` and `x_test` instead of `x` has its own."""
    ending = _ending(data.x, path, "_train")
    if ending == "_train" and f"{data.x}_test" in array_shapes(path):
        return _raw(data, path, "_train"), _raw(data, path, "_test")
    return _raw(data, path, ending), test if isinstance(test, Cut) else _raw(data, test, _ending(data.x, test, "_test"))


def _ending(x: str, path: Path, usual: str) -> str:
    """What follows the name `x` in the names of a part's arrays: as in an NPY file's name, or the usual one if there is no `x`."""
    if path.suffix.lower() == ".npy":
        return path.stem.removeprefix(x)
    names = array_shapes(path)
    return usual if x not in names and f"{x}{usual}" in names else ""


def _raw(data: Arrays, path: Path, ending: str) -> RawExamples:
    """The examples in the arrays whose names have this ending."""
    x, y, weights, groups = (name and f"{name}{ending}" for name in (data.x, data.y, data.weights, data.groups))
    one_each = {name: array_columns(read_array(path, name), name, path)[name] for name in (weights, groups) if name}
    labels = read_array(path, y)
    targets = array_columns(labels, y, path)
    if data.task == "multi_label" and targets.shape[1] < 2:
        raise DataError(f"{path}: {y}: must be several labels for each example, got {list(labels.shape)}")
    return RawExamples(
        x=inputs_of(read_array(path, x), x, str(path)),
        y=targets,
        weights=one_each.get(weights),
        groups=one_each.get(groups),
        positive=data.positive,
        where=str(path),
    )


def array_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    """The shape of each array by its header: of an NPZ file, or of all NPY files in the same folder. Raises `DataError` where it
    is no such file, or unpacks to too much."""
    shapes: dict[str, tuple[int, ...]] = {}
    if path.suffix.lower() == ".npy":
        for each in sorted(path.parent.glob("*.npy")):
            with data_errors(each, "is not an NPZ or NPY file"), each.open("rb") as file:
                shapes[each.stem] = _shape(file, each.stat().st_size)
        return shapes
    with data_errors(path, "is not an NPZ or NPY file"), zipfile.ZipFile(path) as archive:
        require_ratio(path, path.stat().st_size, sum(member.file_size for member in archive.infolist()))
        for member in (each for each in archive.infolist() if each.filename.endswith(".npy")):
            with archive.open(member) as file:
                shapes[member.filename.removesuffix(".npy")] = _shape(file, member.file_size)
    return shapes


def _shape(file: IO[bytes], size: int) -> tuple[int, ...]:
    """The shape by the header of an array in a file of `size` bytes. Raises `ValueError` where it has more values than that: they would
    be allocated before any is read."""
    is_first = np.lib.format.read_magic(file) == (1, 0)
    header = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if min(shape, default=0) < 0 or (not dtype.hasobject and math.prod(shape) * max(1, dtype.itemsize) > size):
        raise ValueError(f"its header describes an array {list(shape)} of {dtype}, and it has {size:,} bytes")
    return tuple(shape)


def read_array(path: Path, name: str) -> Array:
    """One array of the file. Raises `DataError` where it is not there or cannot be read."""
    names = array_shapes(path)
    if name not in names:
        raise DataError(f"{path}: has no array {name!r}; {near_miss(name, names)}")
    with data_errors(f"{path}: {name}", "cannot be read"):
        if path.suffix.lower() == ".npy":
            values: Array = np.load(path.with_name(f"{name}.npy"), allow_pickle=False)
        else:
            with np.load(path, allow_pickle=False) as content:
                values = content[name]
    if values.ndim == 0:
        raise DataError(f"{path}: {name}: must have an entry for each example, got a single one")
    return values


def inputs_of(values: Array, name: str, where: str) -> Array:
    """As uint8 or float32. Raises `DataError` with the row for what is no finite number."""
    if values.ndim < 2 or 0 in values.shape[1:]:
        raise DataError(f"{where}: {name}: must have the examples first, then their values, got {list(values.shape)}")
    if values.dtype.kind not in "buif":
        raise DataError(f"{where}: {name}: must be numbers, got {values.dtype}")
    if values.dtype in (np.uint8, np.bool_):
        return values.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32, copy=False)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        rule = f"must be finite numbers that float32 can hold{GAPS}"
        raise DataError(f"{where}: {name}, row {np.argmin(finite) + 1}: {rule}")
    return values


def array_columns(values: Array, name: str, path: Path) -> pd.DataFrame:
    """One column by the array's own name, several by their numbers after it."""
    if values.ndim > 2 or 0 in values.shape[1:]:
        raise DataError(f"{path}: {name}: must have one axis or two, got {list(values.shape)}")
    table = values.reshape(len(values), -1)
    names = [name] if table.shape[1] == 1 else [f"{name}[{place}]" for place in range(table.shape[1])]
    return pd.DataFrame({each: table[:, place] for place, each in enumerate(names)})


@dataclass(frozen=True)
class ArraysProfile:
    """The arrays `x` and `y` of an NPZ file (or `x_train`, `y_train`): the shape and type of an input, the rows of its test part."""

    rows: int
    target: TargetProfile
    roles: Roles
    x: str
    y: str
    shape: tuple[int, ...]
    dtype: str
    groups: int
    test_rows: int
    warnings: tuple[str, ...] = ()
    kind: ClassVar[str] = "arrays"


def profile_arrays(path: Path, roles: Roles, task: TaskOption) -> ArraysProfile:
    """The profile of an NPZ file. Raises `DataError` for an unknown name, and where inputs or target are not clear."""
    shapes = array_shapes(path)
    names = [name.removesuffix("_train") for name in shapes if not name.endswith("_test")]
    y = roles.targets[0] if roles.targets else next((name for name in TARGETS if name in names), "")
    if path.suffix.lower() == ".npy" and len(shapes) == 1 and not y:
        raise DataError(f"{path}: has no targets; save them as y.npy in the same folder")
    if len(roles.targets) > 1 or not y:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise DataError(f"{path}: which array is the target? Use --target NAME with one of: {listed}")
    for name in filter(None, (y, roles.group, roles.weight)):
        if name not in names:
            raise DataError(f"{path}: has no array {name!r}; {near_miss(name, names)}")
    others = [name for name in names if name not in (y, roles.group, roles.weight)]
    x = next((name for name in INPUTS if name in others), others[0] if len(set(others)) == 1 else "")
    if path.suffix.lower() == ".npy":
        x = path.stem.removesuffix("_train")
    if not x:
        listed = ", ".join(others) or "none"
        raise DataError(f"{path}: which array holds the inputs? Name it x; the arrays besides the target are: {listed}")
    ending = _ending(x, path, "_train")
    inputs, targets = read_array(path, f"{x}{ending}"), array_columns(read_array(path, f"{y}{ending}"), y, path)
    target = target_profile(targets, tuple(map(str, targets.columns)), task, str(path))
    group = pd.Series(read_array(path, f"{roles.group}{ending}"), name=roles.group) if roles.group else None
    groups = 0 if group is None else group_count(group, str(path))
    test_rows = shapes.get(f"{x}_test", (0,))[0] if ending else 0
    return ArraysProfile(len(inputs), target, roles, x, y, inputs.shape[1:], str(inputs.dtype), groups, test_rows)
