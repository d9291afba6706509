"""Finding the user's files, and unpacking compressed ones without filling the memory."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from tuner.base.errors import DataError, MissingPackage, data_errors

SKLEARN = "sklearn:"
"""The prefix of the paths of tables that come with scikit-learn."""
PACKED_BYTES = 8 * 2**30
HARMLESS_BYTES = 100 * 2**20
RATIO = 150
"""A file is refused that unpacks to more than `PACKED_BYTES`, or to more than `HARMLESS_BYTES` and `RATIO` times its size. A table of 0
and 1 reaches 13 with gzip, bzip2 or xz, one with 1 % of ones 119, and equal bytes 1,030 and more (measured)."""


def data_folders(folder: Path, data_dir: Path | None) -> tuple[Path, ...]:
    """Where the data of a study file in this folder may be: there, in the project around `studies`, in the folder of data sets."""
    project = [folder.absolute().parent] if folder.absolute().name == "studies" else []
    return (folder, *project, *([data_dir] if data_dir else []))


def find_path(path: str, where: Sequence[Path], *, is_folder: bool = False) -> Path:
    """The file or folder at `path`, from the root or from the first of the folders `where` that has it. Raises `DataError` where
    there is none, where it is the other one of the two, and where `path` leads out of those folders."""
    named = Path(path).expanduser()
    if "\0" in path or (not named.is_absolute() and os.path.normpath(named).split(os.sep)[0] == ".."):
        cure = "move the data into the study file's folder, or give the whole path from the root"
        raise DataError(f"{path}: leads out of its folder; {cure}")
    candidates = [named] if named.is_absolute() else [Path(os.path.normpath(folder / named)) for folder in where]
    existing = next((each.absolute() for each in candidates if each.exists()), None)
    if existing is None:
        folders = list(dict.fromkeys(each.parent for each in candidates))
        others = [each.name for folder in folders if folder.is_dir() for each in folder.iterdir()]
        close = get_close_matches(named.name, others, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise DataError(f"{path}: there is no such file in {' or '.join(map(str, folders))}{hint}")
    if is_folder and not existing.is_dir():
        raise DataError(f"{path}: is a file, not a folder")
    if existing.is_dir() and not is_folder:
        raise DataError(f"{path}: is a folder, not a file; name the file in it")
    return existing


def is_packed(path: Path) -> bool:
    """Whether the file's name says that it is compressed."""
    return path.suffix.lower() in UNPACKED


def open_unpacked(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked on the way where its name says that it is compressed."""
    stream: IO[bytes] = UNPACKED.get(path.suffix.lower(), Path.open)(path, "rb")
    return stream


def require_unpackable(path: Path) -> None:
    """Raise `DataError` where a compressed file is damaged, or unpacks to more than is reasonable."""
    if not is_packed(path):
        return
    size, total = path.stat().st_size, 0
    with data_errors(path, "cannot be unpacked"), open_unpacked(path) as stream:
        while block := stream.read(2**20):
            total += len(block)
            require_ratio(path, size, total)


def require_ratio(path: Path, size: int, unpacked: int) -> None:
    """Raise `DataError` where `size` bytes become too many."""
    if unpacked > PACKED_BYTES or (unpacked > HARMLESS_BYTES and unpacked > RATIO * size):
        limits = f"{PACKED_BYTES >> 30} GiB, or beyond {HARMLESS_BYTES >> 20} MiB to {RATIO} times its size"
        raise DataError(f"{path}: unpacks to more than {limits}; if that is intended, unpack it first")


def _zip(path: Path, _: str) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:  # the opened member keeps the file
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise DataError(f"{path}: must hold one file, got {len(names)}; unpack it and name the right one")
        return archive.open(names[0])


def _zstandard(path: Path, mode: str) -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingPackage(str(path), "zstandard") from None
    return io.BufferedReader(zstandard.open(path, mode))  # alone it has no lines


UNPACKED: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _zip,
    ".zst": _zstandard,
}
