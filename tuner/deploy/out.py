"""Where results go: checked before any work, written aside, then renamed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuner.base import writing
from tuner.base.errors import StorageError

STANDARD_OUTPUT = "-"


def require_writable(path: Path, suffixes: Sequence[str], *, force: bool) -> None:
    """Raise `StorageError` where a file must not be written so."""
    if path.suffix.lower() not in suffixes:
        raise StorageError(f"--out {path}: must end in {' or '.join(suffixes)}")
    if path.exists() and not force:
        raise StorageError(f"--out {path}: is there already; say --force to overwrite it")


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """As `tuner.base.writing.aside`, for files and folders, and in the place of either; raises `StorageError` where that cannot
    be."""
    try:
        with writing.aside(path) as beside:
            yield beside
            if beside.is_dir() or path.is_dir():
                writing.remove(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
