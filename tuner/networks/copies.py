"""Copies of the user's files for training processes on machines that may lack them, in a folder that all of these see."""

import filecmp
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.base.writing import output_path
from tuner.networks.hashing import NOT_THEIRS, file_hash, import_folders, imported_files
from tuner.networks.sources import COPIES, file_of


@dataclass(frozen=True)
class Copy:
    """The copy of a file with this hash, and the place of the file on the machine where it was made."""

    sha256: str
    original: Path
    path: Path


def make_copies(sources: Mapping[str, str], folder: Path) -> tuple[Copy, ...]:
    """Copies of the files of `sources`, which have these hashes: each in a folder called after its hash, with the modules that it
    imports. Files of installed packages are left out. Raises `Invalid` where a module is missing, `StorageError` where the folder
    cannot be written."""
    own = [(sha256, path) for sha256, path in _files(sources) if not str(path).startswith(NOT_THEIRS)]
    return tuple(Copy(sha256, path, _copied(path, folder / _name(sha256))) for sha256, path in own)


def take_copies(copies: Iterable[Copy]) -> None:
    """Let this process read the copies, except those of files that it finds unchanged at their own place. What a copy imports is taken
    from beside it, also where there is a module of that name elsewhere."""
    for each in copies:
        if not (each.original.is_file() and file_hash(each.original) == each.sha256):
            COPIES[each.sha256] = each.path
            sys.path[:0] = map(str, import_folders(each.path))


def _files(sources: Mapping[str, str]) -> Iterable[tuple[str, Path]]:
    return {(sha256, file_of(source).resolve()) for source, sha256 in sources.items()}


def _name(sha256: str) -> str:
    """A name of fixed length for a hash, which may have parts for imported modules."""
    return hashlib.sha256(sha256.encode()).hexdigest()[:16]


def _copied(path: Path, folder: Path) -> Path:
    """The path of a file's copy in the folder, where also the packages around it are copied."""
    roots = import_folders(path)
    files = [path, *(each / "__init__.py" for each in roots[:-1]), *imported_files(path)]
    top = os.path.commonpath([roots[-1], *(each.parent for each in files)])
    for each in files:
        copy = folder / each.relative_to(top)
        if not (copy.is_file() and filecmp.cmp(each, copy, shallow=False)):
            with output_path(copy) as temporary:
                shutil.copyfile(each, temporary)
    return folder / path.relative_to(top)
