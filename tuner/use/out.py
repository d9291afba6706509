"""Where results go: checked before any work, written aside, then renamed."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuner.errors import StorageError

STANDARD_OUTPUT = "-"


def demand_writable(path: Path, suffixes: Sequence[str], *, force: bool) -> None:
    """Raise `StorageError` where a file must not be written so."""
    if path.suffix.lower() not in suffixes:
        raise StorageError(f"--out {path}: must end in {' or '.join(suffixes)}")
    if path.exists() and not force:
        raise StorageError(f"--out {path}: is there already; say --force to overwrite it")


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Where to write what becomes `path`, a file or a folder, when all is well. Raises `StorageError` where that cannot be."""
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            _remove(path if beside.is_dir() or path.is_dir() else None)
            beside.replace(path)
        finally:
            _remove(beside)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def _remove(path: Path | None) -> None:
    if path is not None and path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    elif path is not None:
        path.unlink(missing_ok=True)
