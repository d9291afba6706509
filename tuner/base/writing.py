"""Files that are there wholly or not at all: written aside, then renamed."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

ABANDONED_SECONDS = 86_400


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Where to write what becomes `path` when all is well; else nothing of it stays. A file that is there is replaced. The name
    ends as that of `path`. Raises `OSError` where a folder is there."""
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield beside
        beside.replace(path)
    finally:
        remove(beside)


@contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """An empty hidden folder in `parent`; removed at the end, unless it was renamed. Hidden folders that are older than a day were
    left by killed processes, and are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(".*"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                remove(left)
    folder = parent / f".{uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


def write_text(path: Path, text: str) -> None:
    """The whole of a text file."""
    with aside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, plain: Mapping[str, Any]) -> None:
    """The same of plain data as JSON."""
    write_text(path, json.dumps(plain, indent=2) + "\n")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
