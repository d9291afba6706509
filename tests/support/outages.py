"""Storages that do not answer for a while, by a clock of the test's own."""

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError, PendingRollbackError

from tests.support.fakes import Clock
from tuner.storage.outages import Patience, patient
from tuner.storage.private import CALLS


def of_sqlite(name: str, text: str) -> Exception:
    """An error of SQLite's."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


def of_a_lost_transaction() -> Exception:
    """What SQLAlchemy raises for Optuna's second try in one."""
    error = PendingRollbackError("Can't reconnect until invalid transaction is rolled back.")
    error.__context__ = OperationalError("SELECT", None, Exception("server closed the connection unexpectedly"))
    return error


OUTAGES: dict[str, Callable[[], Exception]] = {
    "a lock": lambda: OperationalError("INSERT", None, of_sqlite("SQLITE_BUSY", "database is locked")),
    "a busy file": lambda: OperationalError("INSERT", None, of_sqlite("SQLITE_IOERR_WRITE", "disk I/O error")),
    "a restart": lambda: OperationalError("", None, Exception("terminating connection due to administrator command")),
    "a cut connection": lambda: InterfaceError(
        "", None, Exception("connection is closed"), connection_invalidated=True
    ),
    "a restart within a read": of_a_lost_transaction,
    "no server": lambda: OperationalError("", None, Exception("connection refused")),
    "no network file system": lambda: OSError(5, "Input/output error"),
}
"""What storages raise in outages."""
DAMAGED = DatabaseError("SELECT", None, sqlite3.DatabaseError("database disk image is malformed"))


def raised(error: Exception) -> None:
    """Raise it as Optuna does."""
    if isinstance(error, OSError):
        raise error
    raise StorageInternalError("This typically happens due to invalid data in the commit") from error


def unsteady(
    clock: Clock, outage: Callable[[], Exception], begin: float, end: float, *, late: bool = False
) -> BaseStorage:
    """A storage in memory that fails from one moment to another; with `late` after it has written."""
    storage = InMemoryStorage()

    def failing(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def answer(*arguments: Any, **keywords: Any) -> Any:
            is_out = begin <= clock.now < end
            if is_out and not (late and not name.startswith("get")):
                raised(outage())
            result = call(*arguments, **keywords)
            if is_out:
                clock.now = end  # the first answer is lost; then all is well
                raised(outage())
            return result

        return answer

    for name in CALLS:
        if hasattr(storage, name):
            setattr(storage, name, failing(getattr(storage, name), name))
    return storage


def steadied(storage: BaseStorage, patience: Patience, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> BaseStorage:
    """The storage as a search opens it."""
    monkeypatch.setattr("tuner.storage.outages.time", clock)
    return patient(storage, "postgresql://me:secret@host/db", patience)
