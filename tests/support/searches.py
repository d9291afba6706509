"""What tests of the search share: a small study, a listener that remembers, a search in this process."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.result import Epoch, Event, Pulse
from tuner.search.loop import Loop
from tuner.search.studies import open_study
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.artifacts import ArtifactFolder
from tuner.storage.leases import Leases
from tuner.study import StudyFile, load, setting
from tuner.training.costs import Preflight
from tuner.worker.executor import Executor, Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer


@dataclass(kw_only=True)
class AtOnce:
    """What an executor has beside `submit` where that answers at once."""

    done: list[tuple[int, Answer]] = field(default_factory=list)
    size: int = 1

    @property
    def free(self) -> int:
        return 1 - len(self.done)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        while self.done:
            yield self.done.pop()

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 0.0) -> None:
        pass


@dataclass
class Notes:
    """A listener that remembers."""

    ended_trials: list[TrialRecord] = field(default_factory=list)
    began_trials: list[tuple[int, int | None]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    epochs: int = 0

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        pass

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.began_trials.append((number, continues))

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        self.epochs += isinstance(event, Epoch)

    def ended(self, trial: TrialRecord) -> None:
        self.ended_trials.append(trial)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def refitting(self, recipe: Recipe, event: Event) -> None:
        pass

    def log(self, message: str) -> None:
        self.messages.append(message)


def small(path: Path, *settings: str) -> StudyFile:
    """The small study with settings."""
    return load(path, "small", [setting(each) for each in settings])


def preflight_of(file: StudyFile, places: Places, memory: int = 2**40) -> Preflight:
    """A preflight that knows the study's data."""
    return Preflight({each.name: training_set(each, places) for each in file.data}, memory)


def folder_of(storage: BaseStorage) -> Folder:
    """The folder around an embedded storage."""
    return Folder(Path(storage.engine.url.database).parent)  # type: ignore[attr-defined]


def context_of(storage: BaseStorage, file: StudyFile, places: Places, **more: Any) -> Session:
    """All that a search on this study needs."""
    study, file, _ = open_study(storage, file)
    settings: dict[str, Any] = {
        "leases": Leases(study, seconds=0.5),
        "listener": Notes(),
        "environment": {},
        "preflight": preflight_of(file, places),
        "folder": folder_of(storage),
    }
    return Session(study=study, file=file, **{**settings, **more})


def search(
    storage: BaseStorage,
    file: StudyFile,
    places: Places,
    trials: int = 4,
    seconds: float = 60,
    executor: Executor | None = None,
    **more: Any,
) -> str:
    """Search in this process."""
    context = context_of(storage, file, places, **more)
    return Loop(context, executor or InProcess(Setup(places, folder=folder_of(storage)))).run(trials, seconds)


def artifacts(folder: Path) -> ArtifactFolder:
    """An artifact store in a new folder."""
    folder.mkdir()
    return ArtifactFolder(folder)


def figures(record: StudyRecord) -> list[tuple[object, ...]]:
    """What two equal studies must agree in: parameters, values, curves without times."""
    return [
        (dict(trial.params), trial.values, trial.result and [epoch.training for epoch in trial.result.folds[0].epochs])
        for trial in record.trials
        if trial.state in ("complete", "pruned")
    ]


def states(study: optuna.Study) -> list[str]:
    """The states of all trials as Optuna has them, in the order of their numbers."""
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]
