"""Refits where the minutes decide, around trainings that are invented: how long, which ones, and what is left out."""

import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from optuna.storages import InMemoryStorage

from tests.support.fakes import Clock, session_in
from tests.support.outcomes import RECIPE, epoch, study_of
from tests.support.searches import AtOnce, Notes, small
from tuner.data.sources import Places
from tuner.refit.refit import Unconfirmed, refit
from tuner.refit.session import Session
from tuner.refit.time_budget import Minutes
from tuner.result import FoldResult, Result, Scores, Watch
from tuner.storage import TrialRecord
from tuner.storage.confirmed import Confirmed
from tuner.worker import jobs
from tuner.worker.folder import Folder, member
from tuner.worker.jobs import EpochTime, Failure, Job, Measured, Train

FIT = ('budget.epochs="fit"', "budget.trials=0", 'search.pruner="none"', "training.epochs=40", "confirmation.members=1")


def result_of(accuracy: float) -> Result:
    """Of one epoch of a tenth of a second."""
    last = replace(epoch(1), validation=Scores(loss=0.5, figures={"accuracy": accuracy}))
    folds = (FoldResult(epochs=(last,), kept=1),)
    return Result(folds=folds, ended="finished", reason="", parameters=13, seconds=0.1)


@dataclass
class Timed(AtOnce):
    """An executor that answers at once: epoch times in turn, and trainings that fail for some seeds."""

    folder: Folder
    clock: Clock
    times: list[float] = field(default_factory=list)
    failing: frozenset[int] = frozenset()
    trained: list[tuple[int, int]] = field(default_factory=list)
    measured: int = 0
    stopped_after: list[float] = field(default_factory=list)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        match job:
            case EpochTime():
                self.measured += 1
                self.done.append((number, self.times.pop(0)))
            case Train():
                self.trained.append((job.recipe.seed, job.recipe.training.epochs))
                self.done.append((number, self._trained(job, watch)))
            case jobs.Test():
                np.save(self.folder.outputs(job.saved), np.zeros((2, 2)))
                self.done.append((number, Measured(Scores(loss=0.5, figures={"accuracy": 0.6}))))

    def _trained(self, job: Train, watch: Watch) -> Result | Failure:
        if job.recipe.seed in self.failing:
            return Failure("exception", f"no memory for {job.recipe.seed}")
        began = self.clock.now
        while watch(epoch(1)) and self.clock.now < began + 10.0:
            self.clock.sleep(0.25)
        self.stopped_after.append(self.clock.now - began)
        self.clock.now = began
        assert job.save is not None
        self.folder.model(job.save).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(self.folder.model(job.save), "w") as file:
            file.writestr("config.json", f"model {job.recipe.seed}")
        return result_of(0.9)


@dataclass(frozen=True)
class Stage:
    """A study with a trial that nobody trained."""

    session: Session
    folder: Folder
    clock: Clock
    trials: tuple[TrialRecord, ...]

    def refit(self, executor: Timed, seconds: float, workers: int = 1) -> Confirmed:
        """What becomes of the best trial in so many seconds from now on."""
        return refit(self.session, self.trials, executor, Minutes(600.0, workers), self.clock.now + seconds)

    def executor(self, *times: float, failing: tuple[int, ...] = ()) -> Timed:
        return Timed(self.folder, self.clock, list(times), frozenset(failing))

    @property
    def messages(self) -> list[str]:
        assert isinstance(self.session.listener, Notes)
        return self.session.listener.messages


@pytest.fixture
def stage(small_study: Path, places: Places, tmp_path: Path, clock: Clock) -> Stage:
    """Epochs take a tenth of a second, a whole training has forty."""
    folder = Folder(tmp_path / "folder")
    folder.path.mkdir()
    session = session_in(InMemoryStorage(), small(small_study, *FIT), places, folder=folder)
    (trial,) = study_of([0.99]).trials
    return Stage(session, folder, clock, (replace(trial, recipe=RECIPE, result=result_of(0.99)),))


def test_a_first_model_has_five_seconds_after_the_end(stage: Stage) -> None:
    """Of these two are for training, less a margin: 23.75 epochs of a tenth of a second in the other half."""
    executor = stage.executor()
    found = stage.refit(executor, -10.0)
    assert executor.trained == [(1000, 24)]
    assert executor.stopped_after == [5.0]
    assert (found.trial, found.seeds) == (0, (1000,))


def test_a_later_call_without_time_keeps_the_model(stage: Stage) -> None:
    first = stage.refit(stage.executor(), 30.0)
    assert [recipe.training.epochs for recipe in first.recipes] == [40] * 4
    later = stage.executor()
    assert stage.refit(later, -10.0) == first
    assert later.trained == [], "one second has nine epochs, less than a quarter of forty"


def test_a_later_call_with_time_adds_refits_on_seeds_that_no_earlier_one_had(stage: Stage) -> None:
    """Also where the models of earlier refits are gone, since they are not in the final model."""
    stage.refit(stage.executor(), 30.0)
    later = stage.executor()
    found = stage.refit(later, 30.0)
    assert [seed for seed, _ in later.trained] == [1004, 1005, 1006, 1007]
    assert found.seeds == (1000, 1004, 1005, 1006, 1007)
    assert stage.messages[-1] == "refitting trial 0 on 4 fresh seeds; 1 refits of earlier calls"


@pytest.mark.parametrize("ending", [".keras", ".validation.npy"])
def test_a_damaged_refit_of_an_earlier_call_is_left_out_before_others_are_trained(ending: str, stage: Stage) -> None:
    first = stage.refit(stage.executor(), 30.0)
    model = stage.folder.model(member(first.recipe.key))
    content = model.read_bytes()
    model.with_name(f"{first.recipe.key}{ending}").write_bytes(content.replace(b"model", b"m0del"))
    later = stage.executor()
    assert stage.refit(later, 30.0).seeds == (1004, 1005, 1006, 1007)
    assert stage.messages[-2:] == [
        f"left out: {model} or its outputs are damaged",
        "refitting trial 0 on 4 fresh seeds",
    ]


def test_a_damaged_final_model_is_made_again(stage: Stage) -> None:
    first = stage.refit(stage.executor(), 30.0)
    first.model.write_bytes(first.model.read_bytes()[:-9])
    assert stage.refit(stage.executor(), -10.0).model.read_bytes()[:2] == b"PK"
    assert f"{first.model} is damaged: it is made again" in stage.messages


@pytest.mark.parametrize(("seconds", "measured"), [(59.5, 0), (60.5, 1)])
def test_epoch_times_are_measured_again_where_a_minute_is_left(seconds: float, measured: int, stage: Stage) -> None:
    executor = stage.executor(1.0)
    stage.refit(executor, seconds)
    assert executor.measured == measured
    assert executor.trained[0] == (1000, 40 if not measured else 28), "two of 27 s, or four of four"


def test_the_slowest_measurement_of_a_recipe_counts(stage: Stage) -> None:
    """Two processes measure the same recipe: 100 s have two rounds of 40 epochs of a second."""
    executor = stage.executor(1.0, 0.2)
    stage.refit(executor, 100.0, workers=2)
    assert [epochs for _, epochs in executor.trained] == [40] * 4
    fast = stage.executor(0.2, 0.2)
    stage.session.study.set_user_attr("confirmed", None)
    stage.session.study.set_user_attr("confirming", {})
    stage.refit(fast, 100.0, workers=2)
    assert len(fast.trained) == 8, "four rounds of eight seconds"


def test_a_refit_that_fails_is_left_out(stage: Stage) -> None:
    found = stage.refit(stage.executor(failing=(1000, 1002)), 30.0)
    assert found.seeds == (1001, 1003)
    assert "left out: trial 0 with seed 1002 no memory for 1002" in stage.messages


@pytest.mark.parametrize(("seconds", "seeds"), [(30.0, 4), (9.0, 2), (-10.0, 1)])
def test_where_all_refits_fail_there_is_no_model(seconds: float, seeds: int, stage: Stage) -> None:
    executor = stage.executor(failing=(1000, 1001, 1002, 1003))
    with pytest.raises(Unconfirmed, match=r"^trial 0 cannot be confirmed: with seed 1000 no memory"):
        stage.refit(executor, seconds)
    assert len(executor.trained) == seeds
