"""Finding the user's files, and unpacking compressed ones without filling the memory."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, cast

from tuner.base.errors import DataError, MissingPackage

PACKED_BYTES = 8 * 2**30
HARMLESS_BYTES = 100 * 2**20
RATIO = 1000
"""A file that unpacks to more than this many bytes, or beyond the harmless ones to this many times its size, is refused."""


STUDIES = "studies"


def folders_from(folder: Path, data_dir: Path | None) -> tuple[Path, ...]:
    """Where the data of a study file in this folder may lie: in it; beside it, where it is a project's `studies`; in the folder of
    data sets."""
    beside = [folder.absolute().parent] if folder.absolute().name == STUDIES else []
    return (folder, *beside, *([data_dir] if data_dir else []))


def found_file(path: str, where: Sequence[Path]) -> Path:
    """The file that `path` names: from the root, or from the first of the folders that has it.

    Raises `DataError` where there is none, where it is a folder, and where `path` leads out of those folders.
    """
    found = _found(path, where)
    if found.is_dir():
        raise DataError(f"{path}: is a folder where a file is wanted; name the file in it")
    return found


def found_folder(path: str, where: Sequence[Path]) -> Path:
    """The same for a folder."""
    found = _found(path, where)
    if not found.is_dir():
        raise DataError(f"{path}: is a file where a folder is wanted")
    return found


def _found(path: str, where: Sequence[Path]) -> Path:
    asked = Path(path).expanduser()
    if "\0" in path or (not asked.is_absolute() and os.path.normpath(asked).split(os.sep)[0] == ".."):
        cure = "move the data beside the study file, or give the whole path from the root"
        raise DataError(f"{path}: leads out of its folder; {cure}")
    places = [asked] if asked.is_absolute() else [Path(os.path.normpath(folder / asked)) for folder in where]
    for place in places:
        if place.exists():
            return place.absolute()
    folders = " or ".join(dict.fromkeys(str(place.parent) for place in places))
    beside = [each.name for place in places if place.parent.is_dir() for each in place.parent.iterdir()]
    close = get_close_matches(asked.name, beside, n=1)
    raise DataError(f"{path}: there is no such file in {folders}" + (f"; did you mean {close[0]}?" if close else ""))


def is_packed(path: Path) -> bool:
    """Whether the file's name says that it is compressed."""
    return path.suffix.lower() in UNPACKED


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked on the way where its name says that it is compressed."""
    unpacked = UNPACKED.get(path.suffix.lower())
    return unpacked(path) if unpacked else path.open("rb")


def require_modest(path: Path) -> None:
    """Raise `DataError` where a compressed file cannot be unpacked, or unpacks to more than is reasonable."""
    size, total = path.stat().st_size, 0
    try:
        with opened(path) as stream:
            while block := stream.read(2**20):
                total += len(block)
                require_ratio(path, size, total)
    except (EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from error


def require_ratio(path: Path, size: int, unpacked: int) -> None:
    """Raise `DataError` where `size` bytes become too many."""
    if unpacked > PACKED_BYTES or (unpacked > HARMLESS_BYTES and unpacked > RATIO * size):
        limits = f"{PACKED_BYTES >> 30} GiB, or beyond {HARMLESS_BYTES >> 20} MiB to {RATIO} times its size"
        raise DataError(f"{path}: unpacks to more than {limits}; if that is meant, unpack it first")


def _gzip(path: Path) -> IO[bytes]:
    import gzip

    return cast(IO[bytes], gzip.open(path))


def _bz2(path: Path) -> IO[bytes]:
    import bz2

    return cast(IO[bytes], bz2.open(path))


def _xz(path: Path) -> IO[bytes]:
    return cast(IO[bytes], lzma.open(path))


def _zip(path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from error
    with archive:  # the opened member keeps the file
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise DataError(f"{path}: must hold one file, got {len(names)}; unpack it and name the one that is meant")
        return archive.open(names[0])


def _zstandard(path: Path) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise MissingPackage(str(path), "zstandard") from None
    try:
        return cast(IO[bytes], zstandard.open(path, "rb"))
    except zstandard.ZstdError as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from error


UNPACKED: dict[str, Callable[[Path], IO[bytes]]] = {
    ".gz": _gzip,
    ".bz2": _bz2,
    ".xz": _xz,
    ".zip": _zip,
    ".zst": _zstandard,
}
