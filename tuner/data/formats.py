"""Reading the containers in which data sets come. Each complaint names the file."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from tuner.base.errors import DataError
from tuner.data.examples import Array

Arrays = tuple[Array, Array, Array, Array]


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
    """The four arrays of an MNIST-like folder; each file may be there without .gz."""
    arrays = [read_idx(_either(folder, name)) for name in files]
    return arrays[0], arrays[1], arrays[2], arrays[3]


def read_npz(path: Path) -> Arrays:
    """Keras's `mnist.npz`."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return content["x_train"], content["y_train"], content["x_test"], content["y_test"]
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise DataError(f"{path}: is not Keras's mnist.npz: {error}") from error


def read_usps_folder(folder: Path, files: tuple[str, ...]) -> Arrays:
    """USPS as text: a line an image, its label and 256 grey values from -1 to 1."""
    train_inputs, train_labels = _read_usps(_either(folder, files[0]))
    test_inputs, test_labels = _read_usps(_either(folder, files[1]))
    return train_inputs, train_labels, test_inputs, test_labels


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
    compressed = folder / name
    return compressed if compressed.is_file() else folder / name.removesuffix(".gz")


def is_complete(folder: Path, files: tuple[str, ...]) -> bool:
    """Whether all files are there, compressed or not."""
    return all(_either(folder, name).is_file() for name in files)
