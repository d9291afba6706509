"""Opening a storage: anything that Optuna takes; the embedded SQLite file and journal files are safe for several processes."""

import os
import re
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from tuner.base.errors import StorageError, first_line
from tuner.base.writing import temporary_folder

BUSY_SECONDS = 60
NAME = "tuner.db"


def default_url(runs: Path) -> str:
    """The embedded storage of a runs folder, for all its studies."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str((runs / NAME).resolve())).render_as_string()


def open_storage(url: str) -> BaseStorage:
    """The storage behind a URL: anything Optuna takes, `journal:PATH`, or `grpc://HOST:PORT` for Optuna's gRPC proxy. Raises
    `StorageError` in one line.

    SQLite runs in WAL mode with a busy time-out, so that several processes and the dashboard get along.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if url.startswith("journal:"):
            return JournalStorage(WholeLines(url.removeprefix("journal:")))
        if url.startswith("grpc://"):
            return _open_proxy(url)
        if url.startswith("sqlite:"):
            return _open_sqlite(url)
        return optuna.storages.get_storage(url)
    except Exception as error:  # drivers raise what they like; the user needs the URL and the reason
        raise StorageError(f"the storage {hide_password(url)} cannot be opened: {first_line(error)}") from error


@contextmanager
def raising_storage_errors(url: str) -> Iterator[None]:
    """Turn what a storage raises when it cannot be written or reached into one message: a `StorageError`."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, OSError) as error:
        problem = f"the storage {hide_password(url)} or the folder of runs cannot be used any more: {first_line(error)}"
        raise StorageError(
            f"{problem}; correct that (free space?) and run the same command again: it continues"
        ) from error


class WholeLines(JournalFileBackend):
    """Optuna's journal file, safe against a process that is killed while it writes: Optuna would append the next line to the
    incomplete one, and could never read the file again."""

    def __init__(self, path: str) -> None:
        self.path, self.lock = Path(path), JournalFileSymlinkLock(path)
        super().__init__(path, self.lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append after the last complete line."""
        self.lock.acquire()
        try:
            with self.path.open("rb+") as file:
                _cut_half_line(file)
        finally:
            self.lock.release()
        super().append_logs(logs)


def _cut_half_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    if end and (file.seek(end - 1), file.read(1))[1] != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _open_proxy(url: str) -> BaseStorage:
    host, _, port = url.removeprefix("grpc://").partition(":")
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        storage = optuna.storages.GrpcStorageProxy(host=host, port=int(port or 13000))
    storage.wait_server_ready(timeout=10)
    return storage


def _open_sqlite(url: str) -> RDBStorage:
    from sqlalchemy.engine import make_url

    path = Path(make_url(url).database or "")
    if path.name and not path.exists():
        _create_sqlite(path)
    return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS, "factory": ConnectionInWal}})


class ConnectionInWal(sqlite3.Connection):
    """A connection with a write-ahead log: readers do not wait for writers."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")


def _create_sqlite(path: Path) -> None:
    """Create the tables in a temporary file, then link it to its place unless another process was faster: Optuna's processes
    that create the tables of one file at once break each other."""
    with temporary_folder(path.parent) as folder:
        RDBStorage(default_url(folder)).engine.dispose()
        with suppress(FileExistsError):
            os.link(folder / NAME, path)


def hide_password(url: str) -> str:
    """The URL as it may be printed."""
    return re.sub(r"(://[^:/@]+):[^@]+@", r"\1:***@", url)
