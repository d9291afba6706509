"""The command line with one more executor, `invented`: trainings without TensorFlow, so that a whole search takes a second. What a
training reaches depends on its recipe alone. Each opening of the test part is a line in the file that CHAOS_OPENINGS may name."""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from typing import Self
from zipfile import ZipFile

import numpy as np
import optuna.storages._rdb.storage
import optuna.storages.journal._storage

from tuner.__main__ import run
from tuner.base.writing import atomic_path, when_there_is_space
from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult, Result, Scores, Watch
from tuner.worker import EXECUTORS
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, EpochTime, Job, Measured, Test, Train

IMPORTED = (
    *("tuner.commands.cli", "tuner.commands.optimize", "tuner.commands.progress", "tuner.search.optimize"),
    *("optuna_dashboard", "pandas", "scipy.stats", "sklearn.model_selection", "sqlalchemy.dialects.sqlite"),
)
"""What a search imports."""

EPOCH_SECONDS = 0.02
TEST_SECONDS = 0.3


class Invented:
    """Does its jobs one after another in this process."""

    size = 1

    def __init__(self, setup: Setup) -> None:
        assert setup.folder is not None
        self.folder = setup.folder
        self.waiting: list[tuple[int, Job, Watch]] = []

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return 1 - len(self.waiting)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Accept a job."""
        self.waiting.append((number, job, watch))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """Do the job."""
        while self.waiting:
            number, job, watch = self.waiting[0]
            answer = self._answer(job, watch)
            self.waiting.clear()
            yield number, answer

    def cancel(self, number: int) -> None:
        """Forget the job."""
        self.waiting.clear()

    def close(self, grace: float = 0.0) -> None:
        """There is no process to end."""

    def _answer(self, job: Job, watch: Watch) -> Answer:
        match job:
            case Train():
                return self._train(job, watch)
            case Test():
                return self._test(job)
            case EpochTime():
                return EPOCH_SECONDS
        raise TypeError(job)

    def _train(self, job: Train, watch: Watch) -> Result:
        """A training, whose checkpoint holds its number of epochs. One that continues reports its earlier epochs again."""
        epochs: list[Epoch] = []
        goes_on, last = True, job.recipe.training.epochs
        file = job.checkpoint and self.folder.checkpoint(job.checkpoint)
        while goes_on and len(epochs) < last:
            time.sleep(EPOCH_SECONDS)
            epochs.append(epoch(job.recipe, len(epochs) + 1))
            if file:
                with suppress(OSError), atomic_path(file) as temporary:  # a full disk
                    temporary.write_text(str(len(epochs)))
            goes_on = watch(epochs[-1])
        is_whole = len(epochs) == last
        if file and is_whole:
            file.unlink(missing_ok=True)
        if job.save and is_whole:
            when_there_is_space(self._save, job.save, job.recipe.key)
        folds = (FoldResult(epochs=tuple(epochs), kept=len(epochs)),)
        ended = "finished" if is_whole else "pruned"
        return Result(folds=folds, ended=ended, reason="", parameters=13, seconds=1.0)  # type: ignore[arg-type]

    def _save(self, name: str, key: str) -> None:
        with atomic_path(self.folder.model(name)) as temporary, ZipFile(temporary, "w") as archive:
            archive.writestr("recipe", key)  # with a checksum

    def _test(self, job: Test) -> Measured:
        with open(os.environ.get("CHAOS_OPENINGS", os.devnull), "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {job.recipe.key}\n")
        time.sleep(TEST_SECONDS)
        when_there_is_space(np.save, self.folder.outputs(job.saved), np.zeros((4, 2), np.float32))
        return Measured(scores(accuracy(job.recipe, 1)))


def epoch(recipe: Recipe, number: int) -> Epoch:
    """An epoch of this recipe's training."""
    reached = scores(accuracy(recipe, number))
    return Epoch(fold=0, number=number, training=reached, validation=reached, learning_rate=0.1, seconds=EPOCH_SECONDS)


def accuracy(recipe: Recipe, number: int) -> float:
    """What the recipe reaches after so many epochs."""
    return round((0.5 + 0.5 * Random(recipe.key).random()) * number / (number + 1), 6)


def scores(accuracy: float) -> Scores:
    """Scores with this accuracy."""
    return Scores(loss=1 - accuracy, figures={"accuracy": accuracy})


class Shifted(datetime):
    """What Optuna takes for the time: the machine's, by so many seconds later as the file says that CHAOS_CLOCK names."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """The time."""
        return super().now(tz) + timedelta(seconds=shift())


def shift() -> float:
    """The seconds by which the clock is wrong."""
    path = Path(os.environ.get("CHAOS_CLOCK", ""))
    return float(path.read_text()) if path.is_file() else 0.0


def shift_clock() -> None:
    """Let this process take the time from there."""
    machine = time.time
    time.time = lambda: machine() + shift()
    for module in (optuna.storages._rdb.storage, optuna.storages.journal._storage):
        vars(module)["datetime"] = Shifted


def call(folder: str, messages: str, environment: dict[str, str], arguments: list[str]) -> None:
    """Be a process with this command: in a session of its own, with its messages in a file. It never returns."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(environment)
    EXECUTORS["invented"] = Invented
    shift_clock()
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(messages, os.O_WRONLY | os.O_CREAT), 2)
        status = run(arguments)
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)
