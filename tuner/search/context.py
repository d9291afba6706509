"""What all trials of one search have in common."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore

from tuner.base.metrics import METRICS, Direction, main_metric
from tuner.result import OBJECTIVES, Objective, Result
from tuner.search.listener import Listener
from tuner.search.preflight import Preflight
from tuner.search.rungs import Rungs, ladder_of
from tuner.storage.leases import Leases
from tuner.storage.trainings import StoredTraining, chains
from tuner.study import StudyFile
from tuner.study.pruners import ByNumber, OfFolds
from tuner.study.settings import NO_LIMIT


@dataclass(frozen=True, kw_only=True)
class Context:
    """A study, its file, and what surrounds a search on it. `checkpoints` is the folder of its checkpoints as this process
    sees it. With `deterministic` a pruner judges a trial by what had been told when the trial began, and not by what
    other trials happen to have reported since."""

    study: optuna.Study
    file: StudyFile
    leases: Leases
    listener: Listener
    environment: Mapping[str, str]
    preflight: Preflight
    artifacts: FileSystemArtifactStore | None = None
    checkpoints: Path | None = None
    deterministic: bool = False

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the study optimizes."""
        return tuple(OBJECTIVES[name] for name in self.file.objectives)

    @property
    def measure(self) -> str:
        """The figure in which winners are told: the first objective's, or else the task's main one."""
        own = self.file.objectives[0].removeprefix("validation_")
        return own if own in METRICS else main_metric(self.file.data[0].task)

    def figure_of(self, result: Result | None) -> float:
        """The measure's figure of a training's validation; the worst that there may be where there is none."""
        if result is None or result.validation is None:
            return 0.0 if METRICS[self.measure].direction is Direction.MAXIMIZE else math.inf
        return result.validation.figures[self.measure]

    @property
    def ladder(self) -> Rungs:
        """At which epochs trainings pause."""
        return ladder_of(self.file)

    def is_never_stopped(self, chain: StoredTraining) -> bool:
        """Whether a training is one that there must be to compare with: those that the study begins with; where the time
        decides, the first of them."""
        return chain.is_start and (not self.file.fits_epochs or chain.links[0].user_attrs["start"] == 0)

    @property
    def prunes_folds(self) -> bool:
        """Whether the pruner looks at folds and not at epochs."""
        return isinstance(self.file.search.pruner, OfFolds)

    @property
    def prunes_by_number(self) -> bool:
        """Whether the pruner's judgement depends on the trials' numbers or on marks that trials carry."""
        return isinstance(self.file.search.pruner, ByNumber)

    def chains(self) -> tuple[StoredTraining, ...]:
        """All trainings there are."""
        return chains(self.study.get_trials(deepcopy=False))

    def read(self) -> tuple[StoredTraining, ...]:
        """All trainings there are, with those whose process is gone marked as interrupted."""
        trials = self.study.get_trials(deepcopy=False)
        lost = self.leases.sweep(trials)
        if lost:
            self.listener.said(f"trials of a process that is gone go on: {', '.join(map(str, lost))}")
            trials = self.study.get_trials(deepcopy=False)
        return chains(trials)

    def forget_checkpoints(self, trainings: Sequence[StoredTraining], total: int) -> None:
        """Remove what no training will go on from, if `total` of them are to be."""
        if self.checkpoints is None or not self.checkpoints.is_dir():
            return
        kept = self.ladder.hopeful(trainings, min(total, 2 * len(trainings)) if total == NO_LIMIT else total)
        kept |= {chain.first for chain in trainings if chain.state in ("running", "interrupted")}
        for path in self.checkpoints.glob("*.npz"):
            if path.stem.isdigit() and int(path.stem) not in kept:
                path.unlink(missing_ok=True)
