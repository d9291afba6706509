"""Files and folders that appear complete or not at all: written under a temporary name, then renamed."""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tuner.base.errors import StorageError

ABANDONED_SECONDS = 86_400


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path of the same name, moved to `path` at the end, or removed after an exception.

    A file at `path` is replaced, a folder only by a folder. Raises `OSError` if it cannot be written.
    """
    with temporary_folder(path.parent) as folder:
        temporary = folder / path.name
        yield temporary
        if temporary.is_dir():
            remove(path)
        temporary.replace(path)


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """An empty hidden folder in `parent`, removed at the end unless it was renamed. Also removes those that killed processes left
    there more than a day ago."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(".tuner-*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                remove(left)
    folder = parent / f".tuner-{uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


@contextmanager
def output_path(path: Path) -> Iterator[Path]:
    """`atomic_path` for a file or folder that the user asked for. Raises `StorageError` if it cannot be written."""
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, plain: Mapping[str, Any]) -> None:
    """Write plain data as JSON."""
    write_text(path, json.dumps(plain, indent=2) + "\n")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
