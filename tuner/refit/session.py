"""The session of one call of `optimize`: a study, its file, its data, and a listener."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import optuna

from tuner.base.metrics import METRICS, Direction, main_metric, metrics_for
from tuner.recipe import Recipe
from tuner.refit.shared_checkpoints import SharedCheckpoints
from tuner.result import OBJECTIVES, Epoch, Event, Objective, Pulse, Result
from tuner.storage import Patience, StudyRecord, TrialRecord, study_record
from tuner.storage.artifacts import Artifacts, Bucket
from tuner.storage.leases import Leases
from tuner.storage.trainings import StoredTraining, Trainings
from tuner.study import StudyFile
from tuner.training.costs import Preflight
from tuner.worker.folder import Folder

CHECKPOINT_SPACE = 20 * 2**30
"""The space for the checkpoints of a study's paused trainings."""


class Listener(Protocol):
    """Receives the events of a call, and shows them. Trials are named by their numbers in the storage."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None: ...

    def advanced(self, number: int, event: Epoch | Pulse) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def phase(self, name: str) -> None: ...

    def refitting(self, recipe: Recipe, event: Event) -> None: ...

    def log(self, message: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Session:
    """A study, its file, and what surrounds a call that works on it: `folder` holds its checkpoints and models;
    `checkpoint_space` is in bytes; `patience` is that with the storage; `reader` links the trials; `epoch_times` are the seconds of epochs
    by the number of a trial that has ended. With `deterministic`, a pruner judges a trial by what had been reported when the trial began,
    and not by what other trials have reported since."""

    study: optuna.Study
    file: StudyFile
    leases: Leases
    listener: Listener
    environment: Mapping[str, str]
    preflight: Preflight
    folder: Folder
    artifacts: Artifacts | None = None
    checkpoint_space: int = CHECKPOINT_SPACE
    deterministic: bool = False
    patience: Patience = field(default_factory=Patience)
    reader: Trainings = field(default_factory=Trainings)
    epoch_times: dict[int, float] = field(default_factory=dict)

    @cached_property
    def shared_checkpoints(self) -> SharedCheckpoints | None:
        """The checkpoints in the bucket of the artifacts; None where these are in a folder."""
        bucket = self.artifacts
        return (
            SharedCheckpoints(self.folder, bucket, self.leases, self.patience) if isinstance(bucket, Bucket) else None
        )

    @property
    def record(self) -> StudyRecord:
        """The study as it is stored now."""
        return study_record(self.study, self.trainings())

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the study optimizes."""
        return tuple(OBJECTIVES[name] for name in self.file.objectives)

    @property
    def direction(self) -> Direction:
        """Which values of the first objective are better."""
        return self.objectives[0].direction

    @property
    def metric(self) -> str:
        """The metric in which winners are reported: the first objective's, or else the task's main one."""
        own, is_metric = self.file.objectives[0].removeprefix("validation_"), self.objectives[0].validated
        return own if is_metric and own != "loss" else main_metric(self.file.data[0].task)

    @property
    def members(self) -> int:
        """The most networks that a final model averages: one where the metric is not of the task, since what it is of an average is not known
        before the test."""
        return self.file.confirmation.members if self.metric in metrics_for(self.file.data[0].task) else 1

    def validation_metric(self, result: Result | None) -> float:
        """The metric of a training's validation; the worst value where there is none."""
        if result is None or result.validation is None:
            return 0.0 if METRICS[self.metric].direction is Direction.MAXIMIZE else math.inf
        return result.validation.value(self.metric)

    def trainings(self) -> tuple[StoredTraining, ...]:
        """All trainings of the study."""
        return self.reader.of(self.study.get_trials(deepcopy=False))

    def swept_trainings(self) -> tuple[StoredTraining, ...]:
        """All trainings, after those whose process is gone have been marked as interrupted."""
        trials = self.study.get_trials(deepcopy=False)
        lost = self.leases.sweep(trials)
        if not lost:
            return self.reader.of(trials)
        self.listener.log(f"trials of a process that is gone go on: {', '.join(map(str, lost))}")
        return self.trainings()
