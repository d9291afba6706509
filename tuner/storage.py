"""Optuna's storage, the only state: opening it, and what a trial keeps there. Reading gives frozen records."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import StorageError, StudyError, near_miss
from tuner.recipe import Recipe
from tuner.result import OBJECTIVES, Result

BUSY_SECONDS = 60


def default_url(runs: Path) -> str:
    """The embedded storage of a runs folder, for all its studies."""
    return f"sqlite:///{(runs / 'tuner.db').resolve()}"


def open_storage(url: str) -> BaseStorage:
    """The storage behind a URL: anything Optuna takes, or `journal:PATH`. Raises `StorageError` in one line.

    SQLite runs in WAL mode with a busy time-out, so that several processes and the dashboard get along.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if url.startswith("journal:"):
            return JournalStorage(JournalFileBackend(url.removeprefix("journal:")))
        if url.startswith("sqlite:"):
            return _open_sqlite(url)
        return optuna.storages.get_storage(url)
    except Exception as error:  # drivers raise what they like; the user needs the URL and the reason
        raise StorageError(f"the storage {hide_password(url)} cannot be opened: {_first_line(error)}") from error


def _open_sqlite(url: str) -> RDBStorage:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def set_pragmas(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    path = Path(url.partition("///")[2])
    if path.name and not path.exists():
        _create_sqlite(path)
    with _listening(event, Engine, set_pragmas):
        storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS}})
    event.listen(storage.engine, "connect", set_pragmas)
    return storage


def _create_sqlite(path: Path) -> None:
    """Make the tables aside, then put the file in its place unless somebody else was faster: Optuna's processes that
    create the tables of one file at once break each other."""
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        RDBStorage(f"sqlite:///{aside}").engine.dispose()
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _listening(event: Any, target: Any, listener: Any) -> Any:
    event.listen(target, "connect", listener)
    try:
        yield
    finally:
        event.remove(target, "connect", listener)


def hide_password(url: str) -> str:
    """The URL as it may be printed."""
    return re.sub(r"(://[^:/@]+):[^@]+@", r"\1:***@", url)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


# What a trial keeps -----------------------------------------------------------------------------------------------


def write_recipe(trial: optuna.Trial, recipe: Recipe, environment: Mapping[str, str]) -> None:
    """Keep what is about to be trained, before it is trained."""
    trial.set_user_attr("recipe", recipe.to_dict())
    trial.set_user_attr("key", recipe.key)
    trial.set_user_attr("environment", dict(environment))


def write_result(trial: optuna.Trial, result: Result) -> None:
    """Keep what came of it: everything in `result`, and its main figures where the dashboard's table shows them."""
    trial.set_user_attr("result", result.to_dict())
    trial.set_user_attr("ended", result.ended)
    trial.set_user_attr("parameters", result.parameters)
    trial.set_user_attr("epochs", result.epochs)
    trial.set_user_attr("seconds", round(result.seconds, 2))
    if result.validation is not None:
        trial.set_user_attr("validation_accuracy", round(result.validation.accuracy, 6))


def write_failure(trial: optuna.Trial, reason: str, traceback: str, ended: str = "failed") -> None:
    """Keep why a trial failed."""
    trial.set_user_attr("ended", ended)
    trial.set_user_attr("reason", reason)
    if traceback:
        trial.set_user_attr("traceback", traceback)


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the storage holds it. `recipe` and `result` are None for trials that never got so far. `started` and
    `ended` are moments as the storage has them, in seconds since 1970."""

    number: int
    state: str
    values: tuple[float, ...]
    params: Mapping[str, Any]
    recipe: Recipe | None
    result: Result | None
    reason: str
    environment: Mapping[str, str]
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True)
class StudyRecord:
    """A study as the storage holds it: its title, its file, its objectives, its trials in order."""

    name: str
    title: str
    plain: Mapping[str, Any]
    objectives: tuple[str, ...]
    trials: tuple[TrialRecord, ...]

    @property
    def maximize(self) -> bool:
        """Whether more of the first objective is better."""
        return not self.objectives or OBJECTIVES[self.objectives[0]].direction == "maximize"

    @property
    def finished(self) -> tuple[TrialRecord, ...]:
        """The trials that were trained to their end."""
        return tuple(trial for trial in self.trials if trial.state == "complete" and trial.values)

    @property
    def best(self) -> TrialRecord | None:
        """The finished trial with the best first objective, the earliest of equals; None if none has finished."""
        sign = 1 if self.maximize else -1
        made = [trial for trial in self.finished if trial.recipe is not None]
        return max(made, key=lambda trial: (sign * trial.values[0], -trial.number), default=None)

    def count(self, *states: str) -> int:
        """How many trials are in one of these states: `complete`, `pruned`, `failed`, `interrupted` (to be done again),
        `running`, `waiting`."""
        return sum(trial.state in states for trial in self.trials)


STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def read_study(storage: BaseStorage, name: str) -> StudyRecord:
    """Everything a report needs of a study. Raises `StudyError` where the storage does not have it."""
    return study_record(load_study(storage, name))


def study_record(study: optuna.Study) -> StudyRecord:
    """The frozen record of a study."""
    return StudyRecord(
        name=study.study_name,
        title=study.user_attrs.get("title", ""),
        plain=study.user_attrs.get("file", {}),
        objectives=tuple(study.user_attrs.get("objectives", ())),
        trials=tuple(trial_record(trial) for trial in study.get_trials(deepcopy=False)),
    )


def trial_record(trial: FrozenTrial) -> TrialRecord:
    """The frozen record of one trial."""
    attrs = trial.user_attrs
    return TrialRecord(
        number=trial.number,
        state="interrupted" if attrs.get("ended") == "interrupted" else STATES[trial.state],
        values=tuple(trial.values or ()),
        params=trial.params,
        recipe=Recipe.from_dict(attrs["recipe"]) if "recipe" in attrs else None,
        result=Result.from_dict(attrs["result"]) if "result" in attrs else None,
        reason=attrs.get("reason", ""),
        environment=attrs.get("environment", {}),
        started=trial.datetime_start.timestamp() if trial.datetime_start else None,
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else None,
    )


def load_study(storage: BaseStorage, name: str) -> optuna.Study:
    """The Optuna study of that name. Raises `StudyError` with the near miss."""
    names = optuna.get_all_study_names(storage)
    if name not in names:
        raise StudyError(f"the storage has no study {name!r}; {near_miss(name, names)}")
    return optuna.load_study(study_name=name, storage=storage)


ARTIFACTS = "artifacts:"
"""What Optuna names the artifacts of a study or a trial with, in its system attributes."""


def artifacts(attributes: Mapping[str, Any]) -> dict[str, str]:
    """File names by id of what is attached to a study or a trial, from its system attributes. What has been removed leaves a
    null, which Optuna's own `get_all_artifact_meta` (5.0) cannot read."""
    metas = [json.loads(text) for name, text in attributes.items() if name.startswith(ARTIFACTS)]
    return {meta["artifact_id"]: meta["filename"] for meta in metas if meta is not None}


def canonical(plain: Any) -> Any:
    """The same data as it comes back from a storage: through JSON."""
    return json.loads(json.dumps(plain))
