"""Where a data set's files are on this machine, and reading them. Each complaint names the file."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuner.base.errors import DataError
from tuner.data.catalogue import ARRAYS, CATALOGUE, Entry
from tuner.data.examples import Array, Arrays


@dataclass(frozen=True)
class Places:
    """The user's folder of data sets, if any, and the folder for downloads and decoded arrays."""

    data_dir: Path | None
    cache: Path

    @staticmethod
    def from_environment(data_dir: Path | None = None) -> "Places":
        """From --data-dir or TUNER_DATA, and TUNER_CACHE or the user's cache folder. Raises `DataError` where the folder of data
        sets does not exist."""
        data_dir = data_dir or (Path(os.environ["TUNER_DATA"]) if os.environ.get("TUNER_DATA") else None)
        if data_dir is not None and not data_dir.is_dir():
            raise DataError(f"{data_dir}: there is no such folder of data sets (--data-dir or TUNER_DATA)")
        if os.environ.get("TUNER_CACHE"):
            return Places(data_dir, Path(os.environ["TUNER_CACHE"]))
        import platformdirs

        return Places(data_dir, platformdirs.user_cache_path("tuner", appauthor=False))

    @property
    def downloads(self) -> Path:
        return self.cache / "downloads"


@dataclass(frozen=True)
class Source:
    """A place that has all files of a data set, and its description."""

    path: Path
    origin: str

    def read(self, name: str) -> Arrays:
        """The four arrays. Raises `DataError` for a file that cannot be read, and for other contents than the catalogue's."""
        entry = CATALOGUE[name]
        if self.path.suffix == ".npz":
            arrays = read_npz(self.path)
        else:
            arrays = (read_usps_folder if entry.format == "usps" else read_idx_folder)(self.path, entry.files)
        verify(name, arrays, self.origin)
        return arrays


def find_source(name: str, places: Places) -> Source | None:
    """The first place that has the data set, without any network; None where there is none."""
    entry = CATALOGUE[name]
    for path, origin in _candidates(name, entry, places):
        is_there = (
            path.is_file() if path.suffix == ".npz" else all(_either(path, file).is_file() for file in entry.files)
        )
        if is_there:
            return Source(path, f"from {origin}, {path}")
    return None


def _candidates(name: str, entry: Entry, places: Places) -> Iterator[tuple[Path, str]]:
    if places.data_dir is not None:
        yield places.data_dir / name, "the folder of data sets"
        if entry.format != "idx" or name == places.data_dir.name:  # MNIST and Fashion-MNIST have the same file names
            yield places.data_dir, "the folder of data sets"
        if name == "mnist":
            yield places.data_dir / "mnist.npz", "the folder of data sets"
    if entry.system_folder:
        yield Path(entry.system_folder), "a system package"
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    if name == "mnist":
        yield keras / "mnist.npz", "Keras's cache"
    elif entry.format == "idx":
        yield keras / name, "Keras's cache"
    yield places.downloads / name, "an earlier download"


def verify(name: str, arrays: Arrays, where: str) -> None:
    """Raise `DataError` unless the arrays are the catalogue's, to the byte."""
    for array, values, expected in zip(ARRAYS, arrays, CATALOGUE[name].hashes, strict=True):
        actual = hash_of(values)
        if actual != expected:
            what = f"{array.replace('_', ' ')} are not those of {name}"
            raise DataError(f"{where}: {what}: SHA-256 {actual[:16]}…, expected {expected[:16]}…")


def hash_of(values: Array) -> str:
    """The SHA-256 of an array's bytes in C order, little-endian."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little.tobytes()).hexdigest()


def read_idx(path: Path) -> Array:
    """An IDX file of unsigned bytes, compressed or not."""
    content = _content(path)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: is not an IDX file of unsigned bytes")
    axes = content[3]
    shape = tuple(int(size) for size in np.frombuffer(content[4 : 4 + 4 * axes], ">u4"))
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if len(shape) != axes or values.size != int(np.prod(shape)):
        raise DataError(f"{path}: is cut off or damaged: {values.size} values for the shape {list(shape)}")
    return values.reshape(shape)


def read_idx_folder(folder: Path, files: tuple[str, ...]) -> Arrays:
    """The four arrays of an MNIST-like folder."""
    first, second, third, fourth = (read_idx(_either(folder, name)) for name in files)
    return first, second, third, fourth


def read_npz(path: Path) -> Arrays:
    """Keras's `mnist.npz`."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return content["x_train"], content["y_train"], content["x_test"], content["y_test"]
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise DataError(f"{path}: is not Keras's mnist.npz: {error}") from error


def read_usps_folder(folder: Path, files: tuple[str, ...]) -> Arrays:
    """USPS as text: a line has a label and 256 grey values from -1 to 1."""
    train, test = (_read_usps(_either(folder, name)) for name in files)
    return *train, *test


def _read_usps(path: Path) -> tuple[Array, Array]:
    import io

    import pandas as pd

    try:
        table = pd.read_csv(io.BytesIO(_content(path)), sep=r"\s+", header=None, dtype=np.float64).to_numpy()
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not USPS text: {error}") from error
    if table.shape[1] != 257 or not np.isfinite(table).all():
        rule = "a line must have a label and 256 values"
        raise DataError(f"{path}: is not USPS text: {rule}, got {table.shape[1]} numbers")
    return table[:, 1:].astype(np.float32).reshape(-1, 16, 16), table[:, 0].astype(np.uint8)


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _either(folder: Path, name: str) -> Path:
    """The compressed file, or the one without .gz."""
    compressed = folder / name
    return compressed if compressed.is_file() else folder / name.removesuffix(".gz")
