"""What a storage has, whether it can be used as it is, and a copy of its file while it is in use."""

import sqlite3
import time
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.base.errors import StorageError
from tuner.base.writing import output_path
from tuner.storage import private
from tuner.storage.opening import COPY, PART
from tuner.storage.records import VERSION
from tuner.storage.urls import file_in

STALE_SECONDS = 600.0
"""So old a lease is told as one that nobody renews; two clocks may differ by less."""


def counts(study: optuna.Study) -> Mapping[str, int]:
    """The number of its trials by Optuna's state."""
    return Counter(each.state.name.lower() for each in study.get_trials(deepcopy=False))


def problems(study: optuna.Study, stored: Container[str]) -> Iterator[str]:
    """What is wrong with a study, if these artifacts are stored, and what to do."""
    if study.user_attrs.get(COPY) == PART:
        yield "is a part of a copy, which is under way or was killed: if it was killed, copy the study again with --force"
    if (version := study.user_attrs.get("version", 0)) > VERSION:
        yield f"has records of version {version}, and this program reads {VERSION}: install a later one"
    if stale := sum(map(_is_stale, study.get_trials(deepcopy=False))):
        yield f"{stale} running trials without a sign of life for ten minutes: the next `optimize` continues them"
    if lost := sum(id_ not in stored for id_ in private.all_artifacts(study)):
        yield f"{lost} artifacts are not in the folder of runs, nor where --artifacts says: the dashboard cannot show them"


def file_of(url: str) -> Path | None:
    """The file of a storage (see `file_in`). Raises `StorageError` where it does not exist."""
    path = file_in(url)
    if path and not path.is_file():
        raise StorageError(f"there is no storage {path}")
    return path


def back_up(url: str, out: Path) -> None:
    """Write a copy of a storage's file, as it is at one moment. Raises `StorageError` for a server."""
    path = file_of(url)
    if path is None:
        raise StorageError(
            "only a storage in a file is backed up here: use the server's own program, or `storage export`"
        )
    with output_path(out) as copy:
        if url.startswith("journal:"):
            content = path.read_bytes()
            copy.write_bytes(content[: content.rfind(b"\n") + 1])  # the last line may not be complete yet
            return
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            if (answer := target.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                raise StorageError(f"{path} is damaged: {answer}")


def _is_stale(trial: FrozenTrial) -> bool:
    lease = trial.user_attrs.get("lease", {})
    return trial.state is TrialState.RUNNING and time.time() - lease.get("renewed", 0) > STALE_SECONDS
