"""Arrays and folders of images that nobody has described yet: shapes, classes, sizes."""

import statistics
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from tuner.base.errors import DataError, near_miss
from tuner.data.examples import Array
from tuner.data.ingest.files import require_ratio
from tuner.data.ingest.goal import Goal, goal_of
from tuner.data.ingest.images import opened_picture
from tuner.data.ingest.labels import FEWEST_ROWS
from tuner.data.ingest.profile import Asked, Roles, require_groups

INPUTS = ("x", "X", "inputs", "features", "images", "data")
TARGETS = ("y", "Y", "targets", "labels", "target", "label")
PARTS = ("", "_train")
LARGEST_SIDE = 64
PICTURES_LOOKED_AT = 300


@dataclass(frozen=True)
class ArraysProfile:
    """Two arrays of an NPZ file by their names (without `_train`, where they come in two parts): the `shape` of one input, the
    type of its numbers. `test_rows` counts those of the file's own test part, if it has one."""

    rows: int
    goal: Goal
    roles: Roles
    x: str
    y: str
    shape: tuple[int, ...]
    dtype: str
    groups: int
    test_rows: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImagesProfile:
    """A folder of images with a folder for each class. `sizes` are the smallest, the median and the largest height and
    width; `size` is what all are to be brought to, `color` whether they are to keep three channels."""

    rows: int
    goal: Goal
    sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    size: tuple[int, int]
    color: bool
    warnings: tuple[str, ...] = ()
    groups: ClassVar[int] = 0
    test_rows: ClassVar[int] = 0

    @property
    def roles(self) -> Roles:
        """Nothing but the folders says anything of an image."""
        return Roles(self.goal.targets)


def profile_arrays(path: Path, roles: Roles, task: Asked, where: str) -> ArraysProfile:
    """What is found in an NPZ file. Raises `DataError` where it has not what is named, or nothing is and names do not say it."""
    shapes = _shapes(path, where)
    bare = [name.removesuffix("_train") for name in shapes if not name.endswith("_test")]
    y = roles.targets[0] if roles.targets else next((name for name in TARGETS if name in bare), "")
    if len(roles.targets) > 1 or not y:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise DataError(f"{where}: which array is to be told? Say --target NAME, one of: {listed}")
    for name in filter(None, (y, roles.group, roles.weight)):
        if name not in bare:
            raise DataError(f"{where}: has no array {name!r}; {near_miss(name, bare)}")
    x = _inputs(bare, {y, roles.group, roles.weight}, where)
    ending = next(each for each in PARTS if f"{x}{each}" in shapes)
    inputs, labels = _array(path, f"{x}{ending}", where), _array(path, f"{y}{ending}", where)
    targets = pd.DataFrame({f"{y}[{place}]": column for place, column in enumerate(labels.reshape(len(labels), -1).T)})
    targets.columns = pd.Index([y]) if targets.shape[1] == 1 else targets.columns
    goal = goal_of(targets, tuple(map(str, targets.columns)), task, where)
    groups = len(np.unique(_array(path, f"{roles.group}{ending}", where))) if roles.group else 0
    require_groups(groups, roles.group, where)
    test_rows = shapes.get(f"{x}_test", (0,))[0] if ending else 0
    shape = tuple(int(side) for side in inputs.shape[1:])
    return ArraysProfile(len(inputs), goal, roles, x, y, shape, str(inputs.dtype), groups, test_rows)


def _inputs(names: Sequence[str], taken: set[str], where: str) -> str:
    """The array that the network sees: by its usual name, or the only one that is left."""
    others = [name for name in names if name not in taken]
    usual = next((name for name in INPUTS if name in others), "")
    if usual or len(set(others)) == 1:
        return usual or others[0]
    listed = ", ".join(others) or "none"
    raise DataError(f"{where}: which array is the inputs? Name it x; there are, besides the target: {listed}")


def _shapes(path: Path, where: str) -> dict[str, tuple[int, ...]]:
    """The arrays in the file by name, with their shapes; nothing of them is read but where they begin."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            require_ratio(path, path.stat().st_size, sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                with archive.open(member) as file:
                    version = np.lib.format.read_magic(file)
                    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else _read_header_2
                    found[member.filename.removesuffix(".npy")] = tuple(read(file)[0])
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{where}: is not an NPZ file: {error}") from error
    return found


_read_header_2 = np.lib.format.read_array_header_2_0


def _array(path: Path, name: str, where: str) -> Array:
    try:
        with np.load(path, allow_pickle=False) as content:
            values: Array = content[name]
    except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{where}: {name}: cannot be read: {error}") from error
    if values.ndim == 0:
        raise DataError(f"{where}: {name}: must have an entry for each example, got a single one")
    return values


def profile_images(path: Path, where: str) -> ImagesProfile:
    """What is found in a folder of images; of many, every so-manyth is opened. Raises `DataError` for what is none."""
    folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    files = {each.name: sorted(file for file in each.iterdir() if not file.name.startswith(".")) for each in folders}
    if len(files) < 2:
        raise DataError(f"{where}: must have a folder for each of at least two classes, got {len(files)}")
    empty = [name for name, found in files.items() if not found]
    if empty:
        raise DataError(f"{path / empty[0]}: has no pictures; fill it, or take the folder away")
    every = [file for found in files.values() for file in found]
    if len(every) < FEWEST_ROWS:
        raise DataError(f"{where}: has {len(every)} pictures, and at least {FEWEST_ROWS} are needed")
    looked = [_size_and_color(file) for file in every[:: -(-len(every) // PICTURES_LOOKED_AT)]]
    heights, widths = zip(*(size for size, _ in looked), strict=True)
    middle = (statistics.median_low(heights), statistics.median_low(widths))
    sizes = ((min(heights), min(widths)), middle, (max(heights), max(widths)))
    common, times = Counter(size for size, _ in looked).most_common(1)[0]
    size = _capped(common if times > len(looked) / 2 else middle)
    goal = Goal("classification", "each folder is a class", ("folder",), tuple(files), tuple(map(len, files.values())))
    return ImagesProfile(len(every), goal, sizes, size, any(color for _, color in looked))


def _size_and_color(path: Path) -> tuple[tuple[int, int], bool]:
    """Height and width, and whether any of its points has a color. Raises `DataError` for what is no picture."""
    with opened_picture(path) as image:
        size = image.height, image.width
        if image.mode in ("1", "L", "LA", "I", "I;16"):
            return size, False
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        values = np.asarray(image.convert("RGB"), np.int16)
    return size, bool(np.ptp(values, axis=-1).max() > COMPRESSION)


COMPRESSION = 8
"""So much may channels of a gray picture differ that was saved as JPEG."""


def _capped(size: tuple[int, int]) -> tuple[int, int]:
    """The same proportions, no side longer than 64."""
    factor = min(1.0, LARGEST_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
