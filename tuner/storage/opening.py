"""Opening a storage: anything that Optuna takes; the embedded SQLite file and journal files are safe for several processes."""

import os
import random
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
from optuna.storages import BaseStorage, JournalStorage

from tuner.base.errors import StorageError, StudyError, near_miss, record_errors
from tuner.base.writing import temporary_folder
from tuner.storage.database import Database
from tuner.storage.journal import WholeLines
from tuner.storage.outages import Patience, failures, is_away, patient, reason_of, storage_error, trying_again
from tuner.storage.private import create_tables, user_attributes
from tuner.storage.urls import NAME, default_url, file_in, hide_password

BUSY_SECONDS, BUSY_AND_PATIENT = 60.0, 2.0
"""How long SQLite waits for a lock. Python cannot stop that wait, and Ctrl-C is noticed after it."""

PROXY_SECONDS = 10
"""How long a proxy may take to answer when its storage is opened."""

COPY, PART, WHOLE = "copy", "a part", "whole"
"""The attribute of a study that `storage copy` or `storage import` stored, and its values before and after all of it is there."""

CREATIONS = 5
"""How often the tables of a server's database are looked for while another process may be creating them."""


def open_storage(url: str, patience: Patience | None = None) -> BaseStorage:
    """The storage behind a URL: anything Optuna takes, `journal:PATH`, or `grpc://HOST:PORT` for Optuna's gRPC proxy. Without
    `patience` neither this nor its calls are tried again. Raises `StorageError` in one line, and so do its calls.

    SQLite runs in WAL mode with a busy time-out, so that several processes and the dashboard get along.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    busy, patience = BUSY_AND_PATIENT if patience else BUSY_SECONDS, patience or Patience(seconds=0.0)
    try:
        opened = trying_again(_opened, patience, lambda error, is_over: is_away(error) and not is_over)(url, busy)
        return patient(opened, url, patience)
    except Exception as error:  # drivers raise what they like; the user needs the URL and the reason
        raise StorageError(f"the storage {hide_password(url)} cannot be opened: {reason_of(error)}") from error


@contextmanager
def raising_storage_errors(url: str) -> Iterator[None]:
    """Turn what a storage or a folder raises when it cannot be written or reached into one message: a `StorageError`."""
    try:
        yield
    except failures() as error:
        raise storage_error(url, error) from (error.__cause__ or error)


def _opened(url: str, busy: float) -> BaseStorage:
    if url.startswith("journal:"):
        return JournalStorage(WholeLines(url.removeprefix("journal:")))
    if url.startswith("grpc://"):
        return _open_proxy(url)
    if url.startswith("sqlite"):
        return _open_sqlite(url, busy)
    return _open_server(url)


def _open_server(url: str) -> Database:
    """The storage on a server. Of several processes that create its tables at once all but one get an error, and find them after it."""
    from sqlalchemy.exc import IntegrityError, SQLAlchemyError

    if url.startswith("mariadb"):
        url = f"mysql{url.removeprefix('mariadb')}"  # Optuna asks for the dialect by this name
    for _ in range(CREATIONS):
        try:
            return _with_long_attributes(Database(url))
        except SQLAlchemyError as error:
            if not (isinstance(error, IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(random.uniform(0.2, 1.0))
    return _with_long_attributes(Database(url))


def _with_long_attributes(storage: Database) -> Database:
    """Optuna's columns of attributes hold 64 KiB in MySQL and MariaDB, and the record of a refit may have ten times as much."""
    if storage.engine.dialect.name == "mysql":
        from sqlalchemy import inspect, text
        from sqlalchemy.dialects.mysql import LONGTEXT

        with storage.engine.begin() as connection:
            for table in (f"{owner}_{kind}_attributes" for owner in ("study", "trial") for kind in ("user", "system")):
                (column,) = (each for each in inspect(connection).get_columns(table) if each["name"] == "value_json")
                if not isinstance(column["type"], LONGTEXT):
                    connection.execute(text(f"ALTER TABLE {table} MODIFY value_json LONGTEXT"))
    return storage


def _open_proxy(url: str) -> BaseStorage:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "localhost"
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        storage = optuna.storages.GrpcStorageProxy(host=host, port=parts.port or 13000)
    storage.wait_server_ready(timeout=PROXY_SECONDS)
    return storage


def _open_sqlite(url: str, busy: float) -> Database:
    path = file_in(url)
    if path and not path.exists():
        _create_sqlite(path)
    return Database(url, engine_kwargs={"connect_args": {"timeout": busy, "factory": ConnectionInWal}})


class ConnectionInWal(sqlite3.Connection):
    """A connection with a write-ahead log: readers do not wait for writers."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")


def _create_sqlite(path: Path) -> None:
    """Create the tables in a temporary file, then link it to its place unless another process was faster: Optuna's processes
    that create the tables of one file at once break each other."""
    with temporary_folder(path.parent) as folder:
        create_tables(default_url(folder))
        with suppress(FileExistsError):
            os.link(folder / NAME, path)


def load_study(storage: BaseStorage, name: str) -> optuna.Study:
    """The Optuna study with this name. Raises `StudyError` with the closest name."""
    with record_errors(f"the study {name!r}"):
        if name not in (names := optuna.get_all_study_names(storage)):
            raise StudyError(f"the storage has no study {name!r}; {near_miss(name, names) if names else 'it is empty'}")
        return optuna.load_study(study_name=name, storage=storage)


def attributes_unless_part(study: optuna.Study) -> Mapping[str, Any]:
    """The study's own attributes, not to be changed. Raises `StudyError` for one whose copy is under way, or was ended by force."""
    if (attributes := user_attributes(study)).get(COPY) == PART:
        raise StudyError(
            f"the study {study.study_name!r} is a part of a copy, which is under way or was killed; if it was killed, copy the study "
            f"again with --force"
        )
    return attributes
