"""Where results go: checked before any work, then written atomically."""

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
def atomic_path(path: Path) -> Iterator[Path]:
    """`tuner.base.writing.atomic_path` for files and folders, which replaces either. Raises `StorageError` if it cannot be
    written."""
    try:
        with writing.atomic_path(path) as temporary:
            yield temporary
            if temporary.is_dir() or path.is_dir():
                writing.remove(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
