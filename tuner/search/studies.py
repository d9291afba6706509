"""Studies in the storage: creating one, continuing one only with the file that it began with, taking back the trials of
processes that died."""

import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import StudyError, join
from tuner.result import OBJECTIVES
from tuner.space import Assignment, centre
from tuner.storage import artifacts, canonical
from tuner.study import StudyFile
from tuner.study.pruners import make_pruner
from tuner.study.samplers import Learner

CHANGEABLE = ("title", "budget", "search", "confirmation", "start")


@dataclass(frozen=True)
class Difference:
    """One address at which a study file and the study in the storage disagree; `absent` stands for nothing there."""

    address: str
    stored: Any
    now: Any

    @property
    def compatible(self) -> bool:
        """Whether old trials stay comparable with new ones."""
        return self.address.partition(".")[0] in CHANGEABLE

    def __str__(self) -> str:
        return f"{self.address}: {self.stored} in the storage, {self.now} in the file"


ABSENT = "absent"
SECONDS_TO_SIGN = 30.0


def open_study(storage: BaseStorage, file: StudyFile) -> tuple[optuna.Study, tuple[Difference, ...]]:
    """The Optuna study for a file, created if need be, and what differs from when it began.

    Raises `StudyError` if the difference would mix trials that cannot be compared: nothing has been changed then.
    """
    directions = [OBJECTIVES[name].direction for name in file.objectives]
    exists = file.name in optuna.get_all_study_names(storage)
    file = as_begun(storage, file)
    if exists:
        study = optuna.load_study(study_name=file.name, storage=storage)
    else:
        study = optuna.create_study(study_name=file.name, storage=storage, directions=directions)
        for assignment in first_trials(file):
            study.enqueue_trial(assignment, user_attrs={"start": True})
    differences: tuple[Difference, ...] = ()
    if exists:
        differences = tuple(compare(study.user_attrs.get("file", {}), canonical(file.resolved)))
        _refuse_incompatible(file.name, differences)
    maximize = directions[0] == "maximize"
    study.pruner = make_pruner(file.search.pruner, file.epochs, maximize)
    if not exists or differences:
        _describe(study, file)
    return study, differences


def as_begun(storage: BaseStorage, file: StudyFile) -> StudyFile:
    """The study as it goes on here: what its file leaves to the machine stays as it was on the machine that began it."""
    if file.name not in optuna.get_all_study_names(storage):
        return file
    study = optuna.load_study(study_name=file.name, storage=storage)
    return file.as_begun(study.user_attrs.get("file", {}))


def first_trials(file: StudyFile) -> tuple[Assignment, ...]:
    """What is tried first: the study's own starts; or the middle of its space, with layers of medium and of full width."""
    if file.start:
        return file.start
    if not file.search.centre or not isinstance(file.search.sampler, Learner):
        return ()
    middles = [centre(file.space), centre(file.space, largest=("widths", "filters"))]
    return tuple(each for index, each in enumerate(middles) if each and each not in middles[:index])


def compare(stored: Any, now: Any, place: str = "") -> Iterator[Difference]:
    """The addresses at which two plain nested values differ, outermost where one of them has nothing."""
    if isinstance(stored, Mapping) and isinstance(now, Mapping):
        for key in [*stored, *(key for key in now if key not in stored)]:
            yield from compare(stored.get(key, ABSENT), now.get(key, ABSENT), join(place, key))
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for index, (old, new) in enumerate(zip(stored, now, strict=True)):
            yield from compare(old, new, f"{place}[{index}]")
    elif stored != now or type(stored) is not type(now):
        yield Difference(place, stored, now)


def delete_study(storage: BaseStorage, name: str, runs: Path) -> int:
    """Remove a study with its trials, their artifacts and checkpoints and its model; how many trials there were."""
    if name not in optuna.get_all_study_names(storage):
        return 0
    study = optuna.load_study(study_name=name, storage=storage)
    trials = study.get_trials(deepcopy=False)
    attached = [storage.get_study_system_attrs(study._study_id), *(trial.system_attrs for trial in trials)]
    optuna.delete_study(study_name=name, storage=storage)
    for path in (
        *(runs / "artifacts" / id_ for attributes in attached for id_ in artifacts(attributes)),
        *(runs / name).glob("best.*"),
        runs / name / "predictions.npz",
        *(runs / name / "checkpoints").glob("*.npz"),
    ):
        path.unlink(missing_ok=True)
    return len(trials)


def owner() -> dict[str, Any]:
    """Who runs a trial, so that a later call can see whether it still does."""
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": process.create_time()}


def take_back_orphans(study: optuna.Study) -> int:
    """Mark the running trials of dead processes of this machine as failed and queue their parameters again; how many.

    Trials that run on other machines are left alone.
    """
    orphans = [
        trial for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)) if not _is_alive(trial)
    ]
    for trial in orphans:
        study.tell(trial.number, state=TrialState.FAIL)
        queue_again(study, trial)
    return len(orphans)


def queue_again(study: optuna.Study, trial: FrozenTrial | optuna.Trial) -> None:
    """Have the same parameters tried again before any new ones."""
    if trial.params:
        start = {"start": True} if trial.user_attrs.get("start") else {}
        study.enqueue_trial(dict(trial.params), user_attrs={"again": trial.number, **start})


def _is_alive(trial: FrozenTrial) -> bool:
    owner = trial.user_attrs.get("owner")
    if owner is None:  # its process is about to say who it is, or died just before
        return trial.datetime_start is not None and _seconds_since(trial.datetime_start) < SECONDS_TO_SIGN
    if owner["host"] != socket.gethostname():
        return True
    try:
        return bool(abs(psutil.Process(owner["pid"]).create_time() - owner["started"]) < 1.0)
    except psutil.Error:
        return False


def _seconds_since(moment: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (datetime.now(UTC) - aware).total_seconds()


def _refuse_incompatible(name: str, differences: tuple[Difference, ...]) -> None:
    grave = [difference for difference in differences if not difference.compatible]
    if not grave:
        return
    lines = "\n".join(f"  {difference}" for difference in grave)
    raise StudyError(
        f"the study {name!r} began with another search space or objective:\n{lines}\n"
        f"Its trials cannot be compared with new ones. Search under another name (--name), or start over and delete "
        f"the old trials (--reset)."
    )


def _describe(study: optuna.Study, file: StudyFile) -> None:
    study.set_user_attr("file", canonical(file.resolved))
    study.set_user_attr("title", file.title)
    study.set_user_attr("objectives", list(file.objectives))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(file.objectives))
