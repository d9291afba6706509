"""Where the minutes decide: how long trials are, how much time the search leaves for refits, and which trials are refitted."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, session_in
from tests.support.searches import small
from tuner.base.errors import Invalid, StudyError
from tuner.data.sources import Places
from tuner.recipe import Augmentation, Holdout, KFold
from tuner.refit.candidates import (
    RankedTrial,
    candidates,
    close_to_best,
    ranked_trial,
    reserved_seconds,
)
from tuner.refit.final_model import Refit
from tuner.refit.refit import with_measured_epochs
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    LARGEST_REFIT_SHARE,
    REFIT_SHARE,
    UNKNOWN,
    UNLIMITED,
    FixedEpochs,
    Minutes,
    Reference,
    fitted_epochs,
    time_budget,
    usable_seconds,
    with_fitted_epochs,
)
from tuner.result import Epoch, FoldResult, Result, Scores, Watch
from tuner.search.clock import Clock as SearchClock
from tuner.search.loop import Loop
from tuner.storage import study_record
from tuner.study import StudyFile
from tuner.worker.jobs import Answer, EpochTime, Failure, Job, Train

FIT = (
    'budget.epochs="fit"',
    "budget.trials=0",
    'search.pruner="asha"',
    "training.epochs=40",
    "training.optimizer={kind='sgd', momentum={low=0.0, high=0.9}}",
    "network.widths=[{low=2, high=1000}]",
)


@dataclass
class Paced:
    """An executor whose epochs take as long as their network is wide, in hundredths of a second, by a clock of its own; its
    figures rise with the epochs that are done."""

    clock: Clock
    size: int = 1
    waiting: list[tuple[int, Job, Watch]] = field(default_factory=list)
    measured: int = 0

    @property
    def free(self) -> int:
        return self.size - len(self.waiting)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.waiting.append((number, job, watch))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        self.clock.sleep(seconds)
        if self.waiting:
            number, job, watch = self.waiting.pop(0)
            assert isinstance(job, EpochTime | Train)
            epoch_seconds = 0.01 * job.recipe.network.widths[0]  # type: ignore[union-attr]
            if isinstance(job, EpochTime):
                self.measured += 1
                yield number, epoch_seconds
            else:
                yield number, self._trained(job, watch, epoch_seconds)

    def _trained(self, job: Train, watch: Watch, epoch_seconds: float) -> Result:
        epochs: list[Epoch] = []
        goes_on = True
        while goes_on and len(epochs) < job.recipe.training.epochs:
            self.clock.sleep(epoch_seconds)
            scores = Scores(loss=0.5, figures={"accuracy": 1 - 0.5 / (1 + len(epochs))})
            number = len(epochs) + 1
            epochs.append(
                Epoch(
                    fold=0, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=epoch_seconds
                )
            )
            goes_on = watch(epochs[-1])
        ended = "finished" if len(epochs) == job.recipe.training.epochs else "pruned"
        folds = (FoldResult(epochs=tuple(epochs), kept=len(epochs)),)
        return Result(folds=folds, ended=ended, reason="", parameters=13, seconds=1.0)  # type: ignore[arg-type]

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 1.0) -> None:
        pass


def searched(memory: BaseStorage, file: StudyFile, places: Places, clock: Clock, seconds: float) -> Session:
    """A search of so many seconds."""
    context = session_in(memory, file, places)
    Loop(context, Paced(clock), Minutes(seconds, 1)).run(10**9, seconds)
    return context


def ranked_trials(context: Session) -> list[RankedTrial]:
    """The ranked trials of a search."""
    return [ranked_trial(context, trial) for trial in study_record(context.study).ranking]


def test_the_kind_of_budget_is_the_study_files(small_study: Path) -> None:
    assert time_budget(small(small_study, *FIT), 600.0, 2) == Minutes(600.0, 2)
    assert time_budget(small(small_study, "confirmation.seeds=3"), 600.0, 2) == FixedEpochs(600.0, 2, seeds=3)
    assert FixedEpochs(math.inf, 1, 0) == UNLIMITED
    assert Reference(0.0, 0) == UNKNOWN


@pytest.mark.parametrize(("seconds", "usable"), [(600.0, 587.0), (60.0, 54.4), (20.0, 16.8), (4.0, 2.0)])
def test_selecting_testing_and_saving_have_a_share_of_the_time(seconds: float, usable: float) -> None:
    """0.99 of the time without 2 s and 5 % of it, of these at most 7 s; but at least half."""
    assert usable_seconds(seconds) == pytest.approx(usable)
    assert Minutes(seconds, 1).usable == usable_seconds(seconds)


@pytest.mark.parametrize(
    ("seconds", "reference", "share", "slot"),
    [
        (600.0, 0.0, 0.62, (0.38 * 587 - 4.5) / 2 - 3),
        (600.0, 100.0, 0.62, 106.28),
        (600.0, 1000.0, 0.62 + 0.2 * (1 - 106.28 / 250), 72.534544),
        (20.0, 0.0, 0.62, 0.3 * 0.38 * 16.8 / 2),
        (40.0, 0.0, 0.62, (0.38 * 35.6 - 4.5) / 2 - 2),
    ],
)
def test_a_slot_is_half_of_the_searchs_time(seconds: float, reference: float, share: float, slot: float) -> None:
    """The search's time without the start; each trial without what it takes to build its network."""
    minutes = Minutes(seconds, 2, Reference(reference, 10))
    assert minutes.refit_share == pytest.approx(share)
    assert minutes.slot == pytest.approx(slot)
    assert minutes.is_short == (share > 0.62)


def test_the_search_leaves_the_time_of_four_refits_at_most() -> None:
    minutes = Minutes(600.0, 2)
    assert minutes.reserved_for_refits() == pytest.approx(0.62 * 587 + 13)
    assert minutes.reserved_for_refits(20.0) == pytest.approx(4 * 20 / 0.95 + 3 + 13)
    assert [minutes.rounds(100.0, each) for each in (10.0, 25.0, 26.0, 30.0, 60.0, 300.0)] == [4, 4, 4, 3, 2, 1]


def test_with_fixed_epochs_the_search_leaves_the_time_of_its_refits() -> None:
    """Three refits on two processes take two rounds; at most half of the time, and none where nothing is refitted."""
    budget = FixedEpochs(600.0, 2, seeds=3)
    assert budget.reserved_for_refits(50.0) == pytest.approx(13 + 2 * 50)
    assert budget.reserved_for_refits(200.0) == 300.0
    assert budget.reserved_for_refits(0.0) == pytest.approx(13)
    assert FixedEpochs(600.0, 2).reserved_for_refits(50.0) == 0.0


@pytest.mark.parametrize(
    ("slot", "epoch_seconds", "epochs", "lean"),
    [(10.0, 1.0, 10, (0, 1.0)), (10.0, 0.1, 30, (0, 1.0)), (5.0, 20.0, 1, (1, 0.25)), (5.0, 1e4, 1, (1, 0.01))],
)
def test_a_recipe_gets_the_epochs_that_fit(
    slot: float, epoch_seconds: float, epochs: int, lean: tuple[int, float], small_study: Path
) -> None:
    fitted = with_fitted_epochs(small(small_study, *FIT).corners[0][1], slot, epoch_seconds, bound=30).training
    assert fitted.epochs == epochs
    assert fitted.lean_epochs == lean[0]
    assert not lean[0] or fitted.lean_share == lean[1]


def test_all_trials_have_the_same_time_and_as_many_epochs_as_it_has_room_for(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT), places, clock, 300.0)
    begun = [(trial.recipe, trial.state) for trial in study_record(context.study).trials]
    assert len(begun) > 3
    for recipe, _ in begun:
        assert recipe is not None
        epoch_seconds = 0.01 * recipe.network.widths[0]  # type: ignore[union-attr]
        slots = recipe.training.epochs * epoch_seconds
        assert recipe.training.epochs == 40 or slots <= 60 < slots + 30, "a whole number of epochs in a slot"
    assert any(state == "complete" for _, state in begun)


def test_where_epochs_are_searched_for_a_whole_training_has_those_that_it_was_proposed_with(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    hole = "training.epochs={low=10, high=4000, log=true}"
    context = session_in(memory, small(small_study, *FIT, hole), places)
    searching = SearchClock(context, Minutes(300.0, 1), 300.0)
    (_, recipe), *_ = context.file.corners
    searching.fitted(replace(recipe, training=replace(recipe.training, epochs=40)), 0.5)
    assert searching.budget == Minutes(300.0, 1, Reference(20.0, 40))
    assert searching.budget.refit_share == REFIT_SHARE, "a trial has time for all of it"


def test_a_later_call_measures_by_the_best_trial_of_the_earlier_ones(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT, 'search.pruner="none"'), places, clock, 300.0)
    best, *others = [each.reference for each in ranked_trials(context)]
    assert others
    assert best not in others
    assert SearchClock(context, Minutes(300.0, 1), 300.0).budget == Minutes(300.0, 1, best)


def test_the_search_leaves_time_for_refits(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[900]")
    context = searched(memory, file, places, clock, 300.0)
    budget = Minutes(300.0, 1, Reference(40 * 9.0, 40))
    left = 1300.0 - clock.now
    share = budget.refit_share
    assert REFIT_SHARE < share < LARGEST_REFIT_SHARE, "trials are short beside a whole training"
    assert left >= share * budget.usable
    chosen = candidates(context, budget, ranked_trials(context), left - 7.0)
    epochs = [each.recipe.training.epochs for each in chosen]
    assert len(epochs) == 1, "a whole one would take longer than what is left"
    assert left - 60 < 9.0 * epochs[0] < left, "it takes what is left, and not more"
    assert chosen[0].recipe.seed == 1000


def test_small_networks_leave_the_time_to_the_search(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[10]", 'search.pruner="none"')
    context = searched(memory, file, places, clock, 120.0)
    left = 1120.0 - clock.now
    assert left < 40, "four trainings of four seconds, testing and saving"
    chosen = candidates(context, Minutes(120.0, 2), ranked_trials(context), left - 7.0)
    assert [each.recipe.training.epochs for each in chosen] == [40] * 8
    assert len({each.recipe.seed for each in chosen}) == len(chosen) // len({each.trial for each in chosen})


def test_a_slow_first_start_has_time_for_its_refit_after_fast_winners(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study, *FIT, 'search.pruner="none"'), places)
    context.study.set_user_attr("starts", [{"network.widths[0]": width} for width in (900, 2, 3, 4)])
    Loop(context, Paced(clock), Minutes(300.0, 1)).run(4, 300.0)
    record, budget = study_record(context.study), Minutes(300.0, 1, Reference(40 * 9.0, 40))
    assert [trial.start for trial in record.ranking] == [1, 2, 3, 0], "the fast ones had all of their epochs"
    reserve = reserved_seconds(context, budget, record)
    assert reserve > budget.refit_share * budget.usable
    chosen = candidates(context, replace(budget, workers=2), ranked_trials(context), reserve - 7.0)
    slow = [each.recipe.training.epochs for each in chosen if each.trial == 0]
    assert slow
    assert all(epochs >= 20 for epochs in slow)


def test_refits_of_cross_validation_have_time_for_all_folds_and_for_the_network_on_everything(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT, "network.widths=[100]"), places, clock, 300.0)
    (leader, *_) = ranked_trials(context)
    folded = [replace(leader, recipe=replace(leader.recipe, protocol=KFold(folds=5)))]
    for seconds, count in ((2000.0, 4), (520.0, 2), (130.0, 1)):  # one of full length takes 5 × 40 s, and 50 s
        chosen = candidates(context, Minutes(600.0, 1), folded, seconds)
        assert len(chosen) == count
        lengths = [6.25 * 1.0 * each.recipe.training.epochs for each in chosen]
        assert 0.75 * seconds < sum(lengths) <= seconds or [each.recipe.training.epochs for each in chosen] == [40] * 4


def test_a_trial_whose_refit_would_be_shorter_than_itself_is_left_out(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study, *FIT), places)
    context.study.set_user_attr("starts", [{"network.widths[0]": width} for width in (10, 200)])
    Loop(context, Paced(clock), Minutes(600.0, 1)).run(2, 600.0)
    fast, slow = ranked_trials(context)
    long, short = (candidates(context, Minutes(600.0, 1), [slow, fast], seconds) for seconds in (200.0, 20.0))
    assert slow.trial.number in {each.trial for each in long}
    assert {each.trial for each in short} == {fast.trial.number}


def test_refits_are_as_long_as_the_present_epoch_times_allow(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT, "network.widths=[900]"), places, clock, 300.0)
    trials = ranked_trials(context)
    assert trials[0].epoch_seconds == 9.0
    now = [replace(each, epoch_seconds=4.5) for each in trials]
    before, after = (candidates(context, Minutes(300.0, 1), each, 200.0) for each in (trials, now))
    assert after[0].recipe.training.epochs in (2 * before[0].recipe.training.epochs + extra for extra in (0, 1))

    @dataclass
    class Slower(Paced):
        """Epochs take three times as long as in the search."""

        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            for number, answer in super().answers(seconds):
                yield number, 3 * answer if isinstance(answer, float) else answer

    slower = with_measured_epochs(context, Minutes(300.0, 1), trials, Slower(clock))
    assert slower[0].epoch_seconds == 27.0


def test_with_no_time_for_one_epoch_a_part_of_it_is_trained(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[1000]")
    context = searched(memory, file, places, clock, 20.0)
    (trial, *_) = study_record(context.study).trials
    assert trial.recipe is not None
    assert trial.state == "complete"
    assert trial.recipe.training.epochs == trial.recipe.training.lean_epochs == 1
    assert 0 < trial.recipe.training.lean_share < 0.5


@pytest.mark.parametrize("late", [200.0, 290.0, 310.0])
def test_where_the_first_trial_begins_late_there_is_one_nevertheless(
    late: float, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    class Loaded(Paced):
        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            if not self.measured:
                self.clock.sleep(late)
            yield from super().answers(seconds)

    context = session_in(memory, small(small_study, *FIT, "network.widths=[{low=900, high=901}]"), places)
    context.study.set_user_attr("starts", [{"network.widths[0]": 900}])
    Loop(context, Loaded(clock), Minutes(300.0, 1)).run(10**9, 300.0)
    (trial, *_) = study_record(context.study).ranking
    assert (trial.start, trial.state) == (0, "complete")
    assert clock.now < 1300 + 0.25 * 300 + 60


def test_only_the_first_start_is_never_stopped(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT)
    context = session_in(memory, file, places)
    wide = [{"network.widths[0]": width} for width in (500, 501, 502, 503)]
    context.study.set_user_attr("starts", wide)
    Loop(context, Paced(clock), Minutes(600.0, 1)).run(4, 600.0)
    trials = study_record(context.study).trials
    assert [trial.start for trial in trials] == [0, 1, 2, 3]
    assert trials[0].state == "complete"
    assert trials[0].numbers == (0,)
    assert all(trial.state == "pruned" or len(trial.numbers) > 1 for trial in trials[1:])


def test_a_pruner_that_counts_epochs_is_refused(small_study: Path) -> None:
    with pytest.raises(StudyError, match=r"search.pruner: must be 'asha' or 'none' where trials differ in length"):
        small(small_study, 'budget.epochs="fit"', 'search.pruner={kind="median", startup_trials=1, warmup_epochs=1}')


@given(st.floats(10, 100_000), st.integers(1, 16), st.floats(0, 1e6))
def test_a_plan_never_spends_more_than_there_is(seconds: float, workers: int, whole: float) -> None:
    budget = Minutes(seconds, workers, Reference(whole))
    assert 0 < budget.slot < budget.usable <= seconds
    assert 0 <= budget.reserved_for_refits(whole) <= seconds
    assert 0 <= budget.reserved_for_refits() <= seconds
    assert 1 <= budget.rounds(seconds, whole) <= 4


@given(st.floats(0.1, 1000), st.floats(0.001, 1000), st.integers(1, 1000))
def test_fitted_epochs_end_in_their_slot(slot: float, epoch_seconds: float, bound: int) -> None:
    epochs, share = fitted_epochs(slot, epoch_seconds, bound)
    assert 1 <= epochs <= bound
    assert epochs * share * epoch_seconds <= slot * 1.0001 or share == 0.01
    assert share == 1.0 or epochs == 1


def test_contenders_are_those_that_another_seed_may_put_first() -> None:
    assert close_to_best("accuracy", [0.95, 0.949, 0.90], examples=5000, places=8) == 2
    assert close_to_best("accuracy", [0.95, 0.949, 0.948], examples=5000, places=8) == 3
    assert close_to_best("accuracy", [0.95, 0.949], examples=5000, places=2) == 1, "two seeds of one"
    assert close_to_best("accuracy", [0.95, 0.949], examples=10**7, places=8) == 1
    assert close_to_best("accuracy", [], examples=100, places=4) == 0


def test_distortion_must_leave_the_truth(small_study: Path) -> None:
    with pytest.raises(Invalid, match=r"distortion.mixup: must be 0: it changes the targets"):
        Holdout(distortion=Augmentation(mixup=0.2))


def test_what_is_too_slow_for_its_slot_is_refused(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[{choice=[100, 999]}]", "search.sampler=random")
    context = session_in(memory, file, places)
    context.study.set_user_attr("starts", [{"network.widths[0]": 100}])
    Loop(context, Paced(clock), Minutes(100.0, 1)).run(10**9, 100.0)
    trials = study_record(context.study).trials
    assert trials[0].state == "complete"
    refused = [trial for trial in trials if trial.params["network.widths[0]"] == 999]
    assert refused
    assert {trial.state for trial in refused} == {"refused"}
    reason = r"the 1\d s of a trial have room for 1 epochs; the reference recipe has 1\d"
    assert re.match(reason, refused[0].reason)


def test_a_second_call_trains_others_than_the_first_unless_they_would_be_no_match(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[300]")
    context = searched(memory, file, places, clock, 300.0)
    record, budget = study_record(context.study), Minutes(300.0, 1)
    (leader, *_) = trials = ranked_trials(context)
    assert leader.trial.result is not None
    reserve = reserved_seconds(context, budget, record)
    first = candidates(context, budget, trials, reserve)
    context.study.set_user_attr("confirmed", {"winner": leader.recipe.key})
    assert reserved_seconds(context, budget, record) == reserve > 100
    refits = [Refit(each.trial, each.recipe, leader.trial.result) for each in first]
    assert [Refit.from_dict(each.to_dict()) for each in refits] == refits
    before = [each.recipe for each in first]
    second = candidates(context, budget, trials, reserve, before)
    seeds = [each.recipe.seed for each in (*first, *second)]
    assert len(seeds) == len(set(seeds)) == 2 * len(first)
    assert candidates(context, budget, trials, reserve / 10, before) == ()


def test_the_first_epoch_time_is_measured_alone_and_later_ones_as_there_are_processes(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study, *FIT, 'search.pruner="none"'), places)
    at_once: list[tuple[int, int]] = []

    @dataclass
    class Watching(Paced):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            super().submit(number, job, watch)
            at_once.append((len(loop.measured), len(loop.running)))

    loop = Loop(context, Watching(clock, size=3), Minutes(300.0, 3))
    loop.run(6, 300.0)
    assert at_once[:2] == [(1, 0), (0, 1)], "its trial begins before the second one is measured"
    assert max(measured for measured, _ in at_once) > 1
    assert max(measured + running for measured, running in at_once) == 3


def test_a_measurement_that_does_not_end_is_cancelled(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    cancelled: list[int] = []

    @dataclass
    class Stuck(Paced):
        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            self.clock.sleep(seconds)
            yield from ()

        def cancel(self, number: int) -> None:
            cancelled.append(number)

    context = session_in(memory, small(small_study, *FIT), places)
    assert Loop(context, Stuck(clock), Minutes(20.0, 1)).run(10**9, 20.0) == "timeout"
    assert cancelled == [-1]
    assert study_record(context.study).trials == (), "what never began is no trial"


def test_a_trial_whose_epoch_time_cannot_be_measured_says_why(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """It begins with all of its epochs, and fails as its measurement did."""

    @dataclass
    class Failing(Paced):
        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            for number, _ in super().answers(seconds):
                yield number, Failure("exception", "no memory")

    context = session_in(memory, small(small_study, *FIT), places)
    Loop(context, Failing(clock), Minutes(300.0, 1)).run(10**9, 300.0)
    trial = study_record(context.study).trials[0]
    assert (trial.state, trial.reason) == ("failed", "no memory")
    assert trial.recipe is not None
    assert trial.recipe.training.epochs == 40
