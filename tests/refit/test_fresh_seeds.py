"""Confirmation around fresh seeds that are invented: what is kept, what is trained again, whose turn it is."""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import AtOnce, Notes, small
from tuner.base.errors import StudyError
from tuner.base.metric_functions import Interval, wilson_interval
from tuner.data.catalogue import CATALOGUE
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.refit.candidates import fresh_seeds
from tuner.refit.refit import Unconfirmed, refit, refit_best
from tuner.refit.session import Session
from tuner.result import Epoch, FoldResult, Result, Scores, Watch
from tuner.search.loop import Loop
from tuner.storage import TrialRecord, study_record
from tuner.storage.confirmed import Confirmed, count_look
from tuner.storage.leases import Leases, Lock
from tuner.study.settings import Confirmation
from tuner.worker import jobs
from tuner.worker.folder import Folder, member
from tuner.worker.jobs import Failure, Job, Measured, Train


def on_test(loss: float, accuracy: float) -> Measured:
    """What came of a test on 250 examples."""
    intervals = {"accuracy": Interval(*wilson_interval(accuracy, 250), "Wilson")}
    return Measured(Scores(loss=loss, figures={"accuracy": accuracy}), intervals)


@dataclass
class Seeds(AtOnce):
    """An executor that makes up what each of the fresh seeds gives: validation and test accuracies by seed, or a failure.
    What it writes for a seed says which one it was."""

    folder: Folder
    validation: tuple[float, ...] = (0.7, 0.9, 0.8)
    failure: Failure | None = None
    ended: str = "finished"
    trained: list[int] = field(default_factory=list)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        assert isinstance(job, Train | jobs.Test)
        place = job.recipe.seed - 1000
        accuracy = self.validation[place]
        if isinstance(job, Train):
            assert job.save is not None
            assert job.checkpoint is not None
            assert job.save == member(job.checkpoint)
            self.trained.append(place)
            self.folder.model(job.save).parent.mkdir(exist_ok=True)
            with zipfile.ZipFile(self.folder.model(job.save), "w") as file:
                file.writestr("config.json", f"model {place}")
            self.folder.checkpoints.mkdir(exist_ok=True)
            self.folder.checkpoint(job.checkpoint).write_text("")
            self.done.append((number, self._result(accuracy, watch)))
        else:
            np.save(self.folder.outputs(job.saved), np.full((2, 2), place))
            self.done.append((number, self.failure or on_test(place, accuracy - 0.5)))

    def _result(self, accuracy: float, watch: Watch) -> Result:
        scores = Scores(loss=0.5, figures={"accuracy": accuracy})
        epoch = Epoch(fold=0, number=1, training=scores, validation=scores, learning_rate=0.1, seconds=1.0)
        assert watch(epoch)
        folds = (FoldResult(epochs=(epoch,), kept=1),)
        return Result(folds=folds, ended=self.ended, reason="it broke", parameters=13, seconds=1.0)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Searched:
    """A search in memory that has ended, its clock, and a folder."""

    context: Session
    folder: Folder
    clock: Clock

    @property
    def winner(self) -> TrialRecord:
        winner = study_record(self.context.study).best
        assert winner is not None
        return winner

    def confirmed(self, executor: Seeds) -> Confirmed:
        return refit(self.context, (self.winner,), executor)

    @property
    def messages(self) -> list[str]:
        assert isinstance(self.context.listener, Notes)
        return self.context.listener.messages


@pytest.fixture
def searched(small_study: Path, places: Places, tmp_path: Path, clock: Clock) -> Searched:
    """Four invented trainings, the third of which is the best."""
    file = small(small_study, "confirmation.seeds=3")
    folder = Folder(tmp_path / "folder")
    folder.path.mkdir()
    context = session_in(InMemoryStorage(), file, places, environment={"processor": "some"}, folder=folder)
    Loop(context, Invented(clock)).run(4, 60.0)
    return Searched(context, folder, clock)


def test_the_best_seeds_model_and_figures_are_kept_and_nothing_else(searched: Searched) -> None:
    executor, folder = Seeds(searched.folder), searched.folder
    found = searched.confirmed(executor)
    assert (executor.trained, found.seeds) == ([0, 1, 2], (1000, 1001, 1002))
    assert found.trial == searched.winner.number == 2
    assert found.validation == (0.7, 0.9, 0.8)
    assert found.tests == pytest.approx((0.2, 0.4, 0.3))
    assert (found.recipe.seed, found.test, found.test_loss) == (1001, found.tests[1], 1)
    assert found.test_examples == CATALOGUE["xor"].test_examples
    assert found.test is not None
    assert found.test_interval == wilson_interval(found.test, found.test_examples)
    assert [curve["validation_accuracy"] for curve in found.curves] == [[0.7], [0.9], [0.8]]
    with zipfile.ZipFile(folder.model("best")) as model:
        assert model.read("config.json") == b"model 1"
    with np.load(folder.path / "predictions.npz") as kept:
        assert kept["outputs"].tolist() == [[[place] * 2] * 2 for place in range(3)]
        assert int(kept["best"]) == 1
    files = sorted(path.name for path in folder.path.rglob("*") if path.is_file())
    assert files == ["best.json", "best.keras", "best.md", "predictions.npz"]
    metadata = json.loads((folder.path / "best.json").read_text())
    assert (metadata["study"], metadata["environment"]) == ("small", {"processor": "some"})
    assert metadata["data"] == searched.context.study.user_attrs.get("data", {})
    assert Confirmed.from_dict(metadata) == found
    assert Confirmed.from_dict(searched.context.study.user_attrs["confirmed"]) == found
    assert searched.messages == ["refitting trial 2 on 3 fresh seeds"]


def test_the_first_of_equal_seeds_is_the_best(searched: Searched) -> None:
    assert searched.confirmed(Seeds(searched.folder, (0.7, 0.9, 0.9))).recipe.seed == 1001


def test_a_winner_is_confirmed_again_only_where_something_is_missing(searched: Searched) -> None:
    first = searched.confirmed(Seeds(searched.folder))
    again = Seeds(searched.folder)
    assert (searched.confirmed(again), again.trained) == (first, [])
    first.model.unlink()
    second = searched.confirmed(again)
    assert (second, again.trained) == (replace(first, looks=2), [0, 1, 2])
    fewer = replace(
        searched,
        context=replace(searched.context, file=replace(searched.context.file, confirmation=Confirmation(seeds=2))),
    )
    assert fewer.confirmed(again).seeds == (1000, 1001)
    other = searched.context.study.user_attrs["confirmed"] | {"winner": "other"}
    searched.context.study.set_user_attr("confirmed", other)
    again.trained.clear()
    assert fewer.confirmed(again).seeds == (1000, 1001)
    assert again.trained == [0, 1]


def test_each_opening_of_the_test_part_is_counted_before_it(searched: Searched) -> None:
    study = searched.context.study
    with pytest.raises(StudyError):
        searched.confirmed(Seeds(searched.folder, failure=Failure("exception", "no memory")))
    assert study.user_attrs["test_looks"] == 1, "what was opened counts, whatever came of it"
    first = searched.confirmed(Seeds(searched.folder))
    assert (first.looks, searched.confirmed(Seeds(searched.folder)).looks) == (2, 2)
    assert read_outcome(study).confirmed == first
    count_look(study)  # such as `distill`
    outcome = read_outcome(study)
    assert outcome.confirmed is not None
    assert (outcome.confirmed.looks, first.best_trial) == (3, 2)


def test_a_study_of_an_older_version_has_had_one_look() -> None:
    study = optuna.create_study()
    study.set_user_attr("confirmed", {})
    assert [count_look(study), count_look(study)] == [2, 3]


def test_seeds_are_trained_by_themselves(searched: Searched) -> None:
    assert fresh_seeds(7, 3) == (1007, 1008, 1009)
    assert fresh_seeds(2**32 - 1002, 3) == (2**32 - 2, 2**32 - 1, 0)


@pytest.mark.parametrize("ended", ["diverged", "finished"])
def test_a_seed_that_diverges_is_kept_as_that_and_one_that_fails_is_not(ended: str, searched: Searched) -> None:
    @dataclass
    class Broken(Seeds):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            super().submit(number, job, watch)
            if ended == "finished" and self.trained == [0, 1]:
                self.done = [(number, Failure("died", "it broke"))]

    executor = Broken(searched.folder, ended=ended)
    why = f"trial 2 cannot be confirmed: with seed {1000 if ended == 'diverged' else 1001} it broke"
    key = searched.winner.recipe.key if searched.winner.recipe else ""
    searched.context.study.set_user_attr("unconfirmed", {"other": "why"})
    with pytest.raises(Unconfirmed, match=f"^{why}$"):
        searched.confirmed(executor)
    kept = {"other": "why", key: why} if ended == "diverged" else {"other": "why"}
    assert searched.context.study.user_attrs["unconfirmed"] == kept
    other = Lock(searched.context.study, "confirmation", Leases(searched.context.study))
    assert other.take(), "others may refit"
    other.release()
    after = Seeds(searched.folder)
    if ended == "finished":
        assert len(searched.confirmed(after).seeds) == 3
        assert after.trained == [1, 2], "the first seed is trained already"


def test_a_model_that_cannot_be_tested_is_an_error(searched: Searched) -> None:
    with pytest.raises(StudyError, match=r"^a confirmed model could not be tested: no memory$"):
        searched.confirmed(Seeds(searched.folder, failure=Failure("exception", "no memory")))


def test_one_process_at_a_time_confirms_and_says_that_it_lives(searched: Searched) -> None:
    other = Lock(searched.context.study, "confirmation", Leases(searched.context.study, seconds=10.0))
    assert other.take()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        searched.clock.now += seconds
        if len(waited) < 3:
            other.renew()
        elif len(waited) == 3:
            other.release()

    searched.clock.sleep = sleep  # type: ignore[method-assign]
    searched.confirmed(Seeds(searched.folder))
    assert len(waited) == 3


def test_without_a_winner_nothing_is_confirmed_and_one_of_another_program_cannot_be(searched: Searched) -> None:
    with pytest.raises(StudyError, match=r"^trial 2 has no recipe: it was not made by this program$"):
        refit(searched.context, (replace(searched.winner, recipe=None),), Seeds(searched.folder))
    everyone = {each.recipe.key: "why" for each in study_record(searched.context.study).ranking if each.recipe}
    searched.context.study.set_user_attr("unconfirmed", everyone)
    assert refit_best(searched.context, Seeds(searched.folder)) is None


def test_where_a_winner_diverges_the_next_best_is_confirmed(searched: Searched) -> None:
    first, second, *_ = study_record(searched.context.study).ranking
    assert first.recipe is not None
    diverges = first.recipe

    class Diverging(Seeds):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            assert isinstance(job, Train | jobs.Test)
            self.ended = "diverged" if replace(job.recipe, seed=diverges.seed) == diverges else "finished"
            super().submit(number, job, watch)
            self.folder.checkpoint(job.recipe.key).unlink(missing_ok=True)  # one that never had to be written

    found = refit_best(searched.context, Diverging(searched.folder))
    assert found is not None
    assert found.trial == second.number != first.number
    why = f"trial {first.number} cannot be confirmed: with seed 1000 it broke; the next best trial takes its place"
    assert searched.messages[1] == why
