"""Files and folders that appear complete or not at all: written under a temporary name, then renamed."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

from tuner.base.errors import StorageError

P = ParamSpec("P")
T = TypeVar("T")
ABANDONED_SECONDS = 86_400
SPACE_SECONDS, PAUSE_SECONDS = 120.0, 1.0
"""For how long a full disk is waited for."""


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


def is_full(error: OSError) -> bool:
    """Whether a disk has no space left for what was to be written. HDF5 has its own words for that."""
    return error.errno in (ENOSPC, EDQUOT) or "No space left" in str(error)


def when_there_is_space(write: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """What `write` returns. While the disk is full it is called again, for two minutes. Raises `OSError`."""
    end = time.monotonic() + SPACE_SECONDS
    while True:
        try:
            return write(*arguments, **keywords)
        except OSError as error:
            if not is_full(error) or time.monotonic() > end:
                raise
        time.sleep(PAUSE_SECONDS)


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
