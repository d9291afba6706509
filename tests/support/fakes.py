"""What tests put in the place of a machine: clocks and executors whose trainings are invented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage

from tests.support.searches import Notes, preflight_of
from tuner.data.sources import Places
from tuner.networks import Dense, Staged
from tuner.recipe import Recipe, fold_count
from tuner.refit.session import Session
from tuner.result import Ending, Epoch, FoldResult, Result, Scores, Watch
from tuner.search.studies import open_study
from tuner.storage.leases import Leases
from tuner.study import StudyFile
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, EpochTime, Failure, Job, Train


@dataclass
class Clock:
    """Both of a machine's clocks at once."""

    now: float = 1000.1234

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def clock_in(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock in the place of that of search, leases and refits."""
    clock = Clock(1000.0)
    for module in ("tuner.search.loop", "tuner.search.clock", "tuner.storage.leases", "tuner.refit.refit"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


def an_epoch(number: int) -> Epoch:
    """An epoch of some training."""
    scores = Scores(loss=0.5, figures={"accuracy": 0.5})
    return Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=0.1)


@dataclass
class Invented:
    """An executor whose trainings are made up. They take `seconds` an epoch by its clock, reach an accuracy by the number of
    their training, fail if that is in `failing`, and of several the latest one ends first. `stuck`: none ends."""

    clock: Clock
    size: int = 1
    seconds: float = 0.0
    accuracies: tuple[float, ...] = (0.5, 0.6, 0.8, 0.7)
    failing: frozenset[int] = frozenset()
    stuck: bool = False
    waiting: list[tuple[int, Train, Watch]] = field(default_factory=list)
    kept: dict[str, tuple[Epoch, ...]] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.size - len(self.waiting)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        assert isinstance(job, Train)
        self.waiting.append((number, job, watch))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        self.clock.sleep(seconds)
        if self.waiting and not self.stuck:
            number, job, watch = self.waiting.pop()
            yield number, self._answer(job, watch)

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    def close(self, grace: float = 1.0) -> None:
        pass

    @property
    def lengths(self) -> dict[str, int]:
        """How many epochs each training has come to."""
        return {first: len(epochs) for first, epochs in self.kept.items()}

    def _answer(self, job: Train, watch: Watch) -> Answer:
        first = int(job.checkpoint or 0)
        if first in self.failing:
            return Failure("exception", "no memory")
        epochs, last = self.kept.get(str(first), ()), job.recipe.training.epochs
        goes_on = all(watch(epoch) for epoch in epochs)
        while goes_on and len(epochs) < last:
            self.clock.sleep(self.seconds)
            epochs = (*epochs, self._epoch(len(epochs) + 1, self.accuracies[first % len(self.accuracies)]))
            goes_on = watch(epochs[-1])
        self.kept[str(first)] = epochs
        ended = "finished" if len(epochs) == last else "pruned"
        folds = (FoldResult(epochs=epochs, kept=len(epochs)),)
        return Result(folds=folds, ended=ended, reason="", parameters=13, seconds=1.0)  # type: ignore[arg-type]

    def _epoch(self, number: int, accuracy: float) -> Epoch:
        scores = Scores(loss=1 - accuracy, figures={"accuracy": accuracy})
        return Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=self.seconds)


def session_in(memory: BaseStorage, file: StudyFile, places: Places, **more: Any) -> Session:
    """All that a search needs, in memory."""
    study, file, _ = open_study(memory, file)
    settings: dict[str, Any] = {
        "leases": Leases(study, seconds=0.5),
        "listener": Notes(),
        "environment": {},
        "preflight": preflight_of(file, places),
        "folder": Folder(Path("nowhere")),
    }
    return Session(study=study, file=file, **{**settings, **more})


@dataclass
class Broken:
    """An executor whose jobs all fail."""

    done: list[tuple[int, Answer]] = field(default_factory=list)
    kind: str = "exception"

    @property
    def size(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 1 - len(self.done)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.done.append((number, Failure(self.kind, "ResourceExhaustedError: no memory", "Traceback …")))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        while self.done:
            yield self.done.pop()

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 1.0) -> None:
        pass


@dataclass
class Paced:
    """An executor for studies where the minutes decide. By its clock an epoch takes as long as the network's first layer is wide, in
    hundredths of a second, and the error falls with the length of the training by its cube root, from
    `errors` after one epoch by the network's width, or 0.3."""

    clock: Clock
    size: int = 1
    errors: Mapping[int, float] = field(default_factory=dict)
    waiting: list[tuple[int, Job, Watch]] = field(default_factory=list)
    trained: list[Recipe] = field(default_factory=list)
    measured: int = 0

    @property
    def free(self) -> int:
        return self.size - len(self.waiting)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.waiting.append((number, job, watch))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        self.clock.sleep(seconds)
        if not self.waiting:
            return
        number, job, watch = self.waiting.pop(0)
        match job:
            case EpochTime(recipe):
                self.measured += 1
                yield number, self._epoch_seconds(recipe)
            case Train(recipe):
                self.trained.append(recipe)
                yield number, self._result(recipe, watch)

    def cancel(self, number: int) -> None:
        self.waiting = [each for each in self.waiting if each[0] != number]

    def close(self, grace: float = 1.0) -> None:
        pass

    def _epoch_seconds(self, recipe: Recipe) -> float:
        return 0.01 * _width(recipe)

    def _result(self, recipe: Recipe, watch: Watch) -> Result:
        folds: list[FoldResult] = []
        began, goes_on = self.clock.now, True
        while goes_on and len(folds) < fold_count(recipe.protocol):
            epochs: list[Epoch] = []
            while goes_on and len(epochs) < recipe.training.epochs:
                epochs.append(self._epoch(recipe, len(folds), len(epochs) + 1))
                goes_on = watch(epochs[-1])
            folds.append(FoldResult(epochs=tuple(epochs), kept=len(epochs)))
        whole = len(folds) == fold_count(recipe.protocol) and len(folds[-1].epochs) == recipe.training.epochs
        seconds = self.clock.now - began
        ended: Ending = "finished" if whole else "pruned"
        return Result(folds=tuple(folds), ended=ended, reason="", parameters=13, seconds=seconds)

    def _epoch(self, recipe: Recipe, fold: int, number: int) -> Epoch:
        seconds = recipe.training.share(number) * self._epoch_seconds(recipe)
        self.clock.sleep(seconds)
        error = self.errors.get(_width(recipe), 0.3) * max(recipe.training.length(number), 1.0) ** -0.33
        scores = Scores(loss=error, figures={"accuracy": 1 - error})
        return Epoch(fold=fold, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=seconds)


def _width(recipe: Recipe) -> int:
    assert isinstance(recipe.network, Dense | Staged)
    return recipe.network.widths[0]
