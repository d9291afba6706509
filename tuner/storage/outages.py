"""Outages: a database that is locked, restarts or cannot be reached for a while. What a search asks of its storage is tried again for
two minutes; whatever else goes wrong in a storage is one message that names its cause."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage

from tuner.base.errors import StorageError, StudyError, TunerError, first_line
from tuner.base.formatting import duration_text
from tuner.storage.private import CALLS
from tuner.storage.urls import hide_password, without_passwords

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE_SECONDS = 120.0
HURRY_SECONDS = 1.0
"""For how long a call is tried again once the search is to end."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
PASSING = ("BUSY", "LOCKED", "PROTOCOL", "FULL", "IOERR", "CANTOPEN")
"""Errors of SQLite that may pass. The others come from a damaged file, or from one that is no database."""

AWAY = re.compile("refused|timed? ?out|reset by peer|lost|closed|terminating|starting up|shutting down", re.IGNORECASE)
"""What drivers say of a server that is down or starts. Their classes and numbers are those of a wrong password."""

ITS_OWN = (TunerError, DuplicatedStudyError, UpdateFinishedTrialError)
"""What a call raises on purpose, beside a `KeyError` for what is not there."""

UNREADABLE = (ValueError, TypeError, IndexError, AttributeError)
"""What Optuna raises where it reads a damaged storage."""

DELETED = "the study was deleted while this call worked on it (with --reset, or in the dashboard)"


class StudyDeleted(StudyError, KeyError):
    """What a call works on was deleted meanwhile."""

    __str__ = Exception.__str__


@dataclass
class Patience:
    """For how many `seconds` a call is tried again while its storage does not answer, and who gets the line about it."""

    log: Callable[[str], None] = lambda _: None
    seconds: float = PATIENCE_SECONDS

    @property
    def is_short(self) -> bool:
        """Whether the search is to end."""
        return self.seconds <= HURRY_SECONDS

    def hurry(self) -> None:
        """Wait no longer than a moment from now on."""
        self.seconds = min(self.seconds, HURRY_SECONDS)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """What follows a `StorageError` waits no longer."""
        try:
            yield
        except StorageError:
            self.hurry()
            raise


def patient(storage: BaseStorage, url: str, patience: Patience) -> BaseStorage:
    """The same storage, whose calls are tried again after an error that may pass. One that was lost after it was written is written
    twice: of two trials of one recipe the first counts, and the other one's lease ends. Raises `StorageError` with the cause, and
    `StudyDeleted` for a study or a trial that is no longer there."""
    for name in CALLS:
        if hasattr(storage, name):
            judge = partial(_may_be_tried_again, name=name, url=url)
            setattr(storage, name, trying_again(getattr(storage, name), patience, judge))
    return storage


def trying_again(call: Callable[P, T], patience: Patience, judge: Callable[[Exception, bool], bool]) -> Callable[P, T]:
    """The function, called again while `judge` accepts what it raises. `judge` gets the error, and whether the patience is over."""

    @wraps(call)
    def tried_again(*arguments: P.args, **keywords: P.kwargs) -> T:
        began, pause = None, FIRST_PAUSE
        while True:
            try:
                answer = call(*arguments, **keywords)
            except Exception as error:  # drivers raise what they like
                began = began or time.monotonic()
                if isinstance(error, ITS_OWN) or not judge(error, time.monotonic() - began >= patience.seconds):
                    raise
                if pause == FIRST_PAUSE:
                    limit = duration_text(patience.seconds)
                    patience.log(f"the storage does not answer ({reason_of(error)}); trying again for {limit}")
                _sleep(pause, patience)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                if began is not None:
                    patience.log(f"the storage answers again, after {duration_text(time.monotonic() - began)}")
                return answer

    return tried_again


def _may_be_tried_again(error: Exception, is_over: bool, name: str, url: str) -> bool:
    if may_pass(error) and not is_over:
        return True
    is_missing = isinstance(error, KeyError) and ("exist" in str(error) or isinstance(error.__cause__, failures()))
    if is_missing and name != "get_study_id_from_name":
        raise StudyDeleted(DELETED) from error
    if (isinstance(error, KeyError) and not is_missing) or ("get" in name and isinstance(error, UNREADABLE)):
        problem = f"the storage {hide_password(url)} is damaged: {first_line(error)} ({type(error).__name__})"
        raise StorageError(f"{problem}; restore a copy of it, or begin in another one (--storage or --runs)") from error
    if isinstance(error, failures()):
        raise storage_error(url, error) from (error.__cause__ or error)
    return False


def _sleep(seconds: float, patience: Patience) -> None:
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:  # what still has to be stored is tried once
        patience.seconds = 0.0
        raise


def failures() -> tuple[type[Exception], ...]:
    """What storages and folders raise when they fail."""
    from sqlalchemy.exc import SQLAlchemyError

    grpc = sys.modules.get("grpc")
    return (StorageInternalError, SQLAlchemyError, OSError, *((grpc.RpcError,) if grpc else ()))


def is_away(error: BaseException) -> bool:
    """Whether a storage that is being opened is locked, or its server is down: not where a server refuses a user or a database."""
    cause = _cause_of(error)
    driver = getattr(cause, "orig", None) or cause
    name = getattr(driver, "sqlite_errorname", None)
    return name.startswith("SQLITE_BUSY") if name else bool(AWAY.search(str(driver)))


def may_pass(error: BaseException) -> bool:
    """Whether an outage is the reason for what a storage raised."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError

    cause = _cause_of(error)
    if not isinstance(cause, DBAPIError):
        is_other = isinstance(cause, SQLAlchemyError | StorageInternalError) and not isinstance(cause, TimeoutError)
        return isinstance(cause, failures()) and not is_other
    name = str(getattr(cause.orig, "sqlite_errorname", ""))
    if name:
        return name.removeprefix("SQLITE_").startswith(PASSING)
    return cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)


def _cause_of(error: BaseException) -> BaseException:
    """What a driver raised first. Optuna asks again in a transaction that has lost its connection, where SQLAlchemy refuses every call."""
    from sqlalchemy.exc import PendingRollbackError

    cause = error.__cause__ or error
    return (isinstance(cause, PendingRollbackError) and cause.__context__) or cause


def reason_of(error: BaseException) -> str:
    """The driver's own words."""
    cause = _cause_of(error) if isinstance(error, StorageInternalError) else error
    cause = getattr(cause, "orig", None) or cause
    details = getattr(cause, "details", None)
    text = str(details()) if callable(details) else cause.strerror if isinstance(cause, OSError) else None
    return without_passwords(text or first_line(cause))


def storage_error(url: str, error: BaseException) -> StorageError:
    """The end of a search whose storage, or whose folder, fails."""
    problem = f"the storage {hide_password(url)} or the folder of runs cannot be used any more: {reason_of(error)}"
    return StorageError(f"{problem}; correct that and run the same command again: it continues")
