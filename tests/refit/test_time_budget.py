"""Where the minutes decide: how long trainings are, how much time the search leaves for refits, and which trials are refitted."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, Paced, session_in
from tests.support.outcomes import RECIPE
from tests.support.searches import Notes, small
from tuner.base.errors import Invalid, StudyError
from tuner.data.sources import Places
from tuner.recipe import Augmentation, Holdout, KFold, fold_count
from tuner.refit.candidates import candidates, reserved_seconds
from tuner.refit.final_model import Refit
from tuner.refit.ranking import RankedTrial
from tuner.refit.ranking import ranked_trials as ranked
from tuner.refit.refit import with_measured_epochs
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    LEAST_REFIT_SHARE,
    UNLIMITED,
    FixedEpochs,
    Minutes,
    time_budget,
    usable_seconds,
    with_folds,
    with_length,
)
from tuner.result import Watch
from tuner.search.loop import Loop
from tuner.storage import TrialRecord, study_record
from tuner.study import StudyFile
from tuner.worker.jobs import Answer, Failure, Job

FIT = (
    'budget.epochs="fit"',
    "budget.trials=0",
    'search.pruner="asha"',
    "training.epochs=40",
    "training.optimizer={kind='sgd', momentum={low=0.0, high=0.9}}",
    "network.widths=[{low=2, high=1000}]",
)


def searched(memory: BaseStorage, file: StudyFile, places: Places, clock: Clock, seconds: float) -> Session:
    """A search of so many seconds."""
    context = session_in(memory, file, places)
    Loop(context, Paced(clock), Minutes(seconds, 1)).run(10**9, seconds)
    return context


def ranked_trials(context: Session) -> list[RankedTrial]:
    """The ranked trials of a search."""
    return ranked(context, study_record(context.study).ranking)


def test_the_kind_of_budget_is_the_study_files(small_study: Path) -> None:
    assert time_budget(small(small_study, *FIT), 600.0, 2) == Minutes(600.0, 2)
    assert time_budget(small(small_study, "confirmation.seeds=3"), 600.0, 2) == FixedEpochs(600.0, 2, seeds=3)
    assert FixedEpochs(math.inf, 1, 0) == UNLIMITED


@pytest.mark.parametrize(("seconds", "usable"), [(600.0, 587.0), (60.0, 54.4), (20.0, 16.8), (4.0, 2.0)])
def test_selecting_testing_and_saving_have_a_share_of_the_time(seconds: float, usable: float) -> None:
    """0.99 of the time without 2 s and 5 % of it, of these at most 7 s; but at least half."""
    assert usable_seconds(seconds) == pytest.approx(usable)
    assert Minutes(seconds, 1).usable == usable_seconds(seconds)


@pytest.mark.parametrize(
    ("seconds", "workers", "search"), [(600.0, 2, 2 * (0.4 * 587 - 4.5)), (20.0, 1, 0.5 * 0.4 * 16.8)]
)
def test_the_search_expects_a_share_of_the_time_without_its_start(seconds: float, workers: int, search: float) -> None:
    """Of all processes together; at least half of the share."""
    assert Minutes(seconds, workers).search_seconds == pytest.approx(search)


def test_the_search_leaves_the_time_of_four_refits_at_most() -> None:
    minutes = Minutes(600.0, 2)
    assert minutes.reserved_for_refits() == pytest.approx(LEAST_REFIT_SHARE * 587 + 13)
    assert minutes.reserved_for_refits(20.0) == pytest.approx(4 * 20 / 0.95 + 3 + 13)
    assert minutes.reserved_for_refits(100.0) == pytest.approx(2 * 100 / 0.95 + 3 + 13), "a third one does not fit"
    assert minutes.reserved_for_refits(400.0) == minutes.reserved_for_refits()
    assert [minutes.rounds(100.0, each) for each in (10.0, 25.0, 26.0, 30.0, 60.0, 300.0)] == [4, 4, 4, 3, 2, 1]


def test_with_fixed_epochs_the_search_leaves_the_time_of_its_refits() -> None:
    """Three refits on two processes take two rounds; at most half of the time, and none where nothing is refitted."""
    budget = FixedEpochs(600.0, 2, seeds=3)
    assert budget.reserved_for_refits(50.0) == pytest.approx(13 + 2 * 50)
    assert budget.reserved_for_refits(200.0) == 300.0
    assert budget.reserved_for_refits(0.0) == pytest.approx(13)
    assert FixedEpochs(600.0, 2).reserved_for_refits(50.0) == 0.0


@pytest.mark.parametrize(
    ("length", "epochs", "lean"),
    [(10.0, 10, (0, 1.0)), (2.5, 3, (3, 0.8333)), (0.1, 1, (1, 0.1)), (1e-9, 1, (1, 1e-4)), (39.99999, 40, (0, 1.0))],
)
def test_a_length_is_so_many_epochs_of_equal_length(length: float, epochs: int, lean: tuple[int, float]) -> None:
    training = with_length(RECIPE, length).training
    assert (training.epochs, training.lean_epochs) == (epochs, lean[0])
    assert not lean[0] or training.lean_share == lean[1]


@given(st.floats(1e-3, 4000), st.floats(1e-3, 4000))
def test_a_recipe_of_any_length_gets_any_other(before: float, length: float) -> None:
    recipe = with_length(with_length(RECIPE, before), length)
    assert recipe == with_length(RECIPE, length), "nothing remains of the length before"
    assert recipe.training.length(recipe.training.epochs) == pytest.approx(length, rel=0.06)


def test_folds_are_those_of_a_cross_validation() -> None:
    folded = replace(RECIPE, protocol=KFold(folds=5))
    assert with_folds(folded, 2).protocol == KFold(folds=5, trained=2)
    assert with_folds(with_folds(folded, 2)) == with_folds(with_folds(folded, 1), 5) == folded
    assert with_folds(RECIPE, 2) == RECIPE


def test_where_epochs_are_searched_for_a_whole_training_has_those_that_it_was_proposed_with(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    hole = "training.epochs={low=10, high=4000, log=true}"
    context = session_in(memory, small(small_study, *FIT, hole, "network.widths=[10]"), places)
    context.study.set_user_attr("starts", [{"training.epochs": epochs} for epochs in (40, 4000, 400)])
    Loop(context, Paced(clock), Minutes(300.0, 1)).run(3, 300.0)
    whole = {each.trial.start: each.epochs for each in ranked_trials(context)}
    assert whole == pytest.approx({0: 40, 1: 4000, 2: 400})
    lengths = {trial.start: trial.looks[0].length for trial in study_record(context.study).trials}
    assert len(set(lengths.values())) == 1, "looks are equal shares of what time allows"


def test_the_search_leaves_time_for_refits(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[900]")
    context = searched(memory, file, places, clock, 300.0)
    budget, left = Minutes(300.0, 1), 1300.0 - clock.now
    assert left >= LEAST_REFIT_SHARE * budget.usable
    chosen = candidates(budget, ranked_trials(context), left - 7.0)
    lengths = [each.recipe.training.length(each.recipe.training.epochs) for each in chosen]
    assert len(lengths) == 1, "a whole one would take longer than what is left"
    assert 0.8 * left - 10 < 9.0 * lengths[0] < left, "it takes what is left, and not more"
    assert chosen[0].recipe.seed == 1000


def test_small_networks_leave_the_time_to_the_search(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT, "network.widths=[10]"), places, clock, 120.0)
    left = 1120.0 - clock.now
    assert left < 40, "four trainings of four seconds, testing and saving"
    chosen = candidates(Minutes(120.0, 2), ranked_trials(context), left - 7.0)
    assert [each.recipe.training.epochs for each in chosen] == [40] * 8
    assert len({each.recipe.seed for each in chosen}) == len(chosen) // len({each.trial for each in chosen})


def test_a_slow_first_start_has_time_for_its_refit_after_fast_winners(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """Where it may still be the best one."""
    context = session_in(memory, small(small_study, *FIT, "training.epochs=400"), places)
    context.study.set_user_attr("starts", [{"network.widths[0]": width} for width in (100, 2, 3, 4)])

    class Ending(Notes):
        def ended(self, trial: TrialRecord) -> None:
            super().ended(trial)
            if len(self.ended_trials) == 4:
                loop.stop("timeout")

    object.__setattr__(context, "listener", Ending())
    loop = Loop(context, Paced(clock, errors={100: 0.22, 2: 0.2, 3: 0.3, 4: 0.4}), Minutes(600.0, 1))
    loop.run(4, 600.0)
    record, budget = study_record(context.study), Minutes(600.0, 1)
    assert record.ranking[0].start == 1, "a fast one is better"
    reserve = reserved_seconds(context, budget, record.ranking)
    assert reserve == budget.reserved_for_refits(400 * 1.0)
    chosen = candidates(replace(budget, workers=2), ranked_trials(context), reserve - 7.0)
    slow = [each.recipe.training.epochs for each in chosen if each.trial == 0]
    assert slow
    assert all(epochs >= 30 for epochs in slow)


def test_refits_of_cross_validation_have_fewer_folds_where_all_would_leave_too_little_time(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """One of full length in all folds takes 5 × 40 s, and 50 s for the network on everything."""
    context = searched(memory, small(small_study, *FIT, "network.widths=[100]"), places, clock, 300.0)
    (leader, *_) = ranked_trials(context)
    folded = [replace(leader, recipe=replace(leader.recipe, protocol=KFold(folds=5)))]
    for seconds, count, folds, epochs in (
        (2000.0, 4, 5, 40),
        (520.0, 2, 4, 40),
        (130.0, 1, 2, 37.5),
        (65.0, 1, 2, 18.5),
    ):
        chosen = candidates(Minutes(600.0, 1), folded, seconds)
        assert len(chosen) == count
        assert {fold_count(each.recipe.protocol) for each in chosen} == {folds}
        for each in chosen:
            length = each.recipe.training.length(each.recipe.training.epochs)
            assert length == pytest.approx(epochs, abs=1.0)
    earlier = [each.recipe for each in candidates(Minutes(600.0, 1), folded, 130.0)]
    assert fold_count(candidates(Minutes(600.0, 1), folded, 2000.0, earlier)[0].recipe.protocol) == 2


def test_a_trial_whose_refit_would_be_shorter_than_its_look_is_left_out(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study, *FIT), places)
    context.study.set_user_attr("starts", [{"network.widths[0]": width} for width in (10, 200)])
    Loop(context, Paced(clock), Minutes(600.0, 1)).run(2, 600.0)
    fast, slow = sorted(ranked_trials(context), key=lambda each: each.epoch_seconds)
    long, short = (candidates(Minutes(600.0, 1), [slow, fast], seconds) for seconds in (200.0, 20.0))
    assert slow.trial.number in {each.trial for each in long}
    assert {each.trial for each in short} == {fast.trial.number}


def test_refits_are_as_long_as_the_present_epoch_times_allow(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = searched(memory, small(small_study, *FIT, "network.widths=[900]"), places, clock, 300.0)
    trials = ranked_trials(context)
    assert trials[0].epoch_seconds == pytest.approx(9.0, rel=0.05)
    now = [replace(each, epoch_seconds=each.epoch_seconds / 2) for each in trials]
    before, after = (candidates(Minutes(300.0, 1), each, 150.0) for each in (trials, now))
    assert after[0].recipe.training.epochs in (2 * before[0].recipe.training.epochs + extra for extra in (-1, 0, 1))

    @dataclass
    class Slower(Paced):
        """Epochs take three times as long as in the search."""

        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            for number, answer in super().answers(seconds):
                yield number, 3 * answer if isinstance(answer, float) else answer

    slower = with_measured_epochs(Minutes(300.0, 1), trials, Slower(clock), 200.0)
    assert slower[0].epoch_seconds == pytest.approx(27.0)


@pytest.mark.parametrize("seconds", [20.0, 60.0])
def test_with_no_time_for_one_epoch_a_part_of_it_is_trained(
    seconds: float, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """There is a first look, however slow the machine is."""
    context = searched(memory, small(small_study, *FIT, "network.widths=[1000]"), places, clock, seconds)
    (trial, *_) = study_record(context.study).ranking
    assert trial.looks
    assert 0 < trial.looks[0].epochs < 1


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
    assert trial.start == 0
    assert trial.looks
    assert clock.now < 1300 + 0.25 * 300 + 60


def test_a_pruner_that_counts_epochs_is_refused(small_study: Path) -> None:
    with pytest.raises(
        StudyError, match=r"search.pruner: must be 'asha' or 'none' where the minutes decide the length of trials"
    ):
        small(small_study, 'budget.epochs="fit"', 'search.pruner={kind="median", startup_trials=1, warmup_epochs=1}')


@given(st.floats(10, 100_000), st.integers(1, 16), st.floats(1e-6, 1e6))
def test_a_plan_never_spends_more_than_there_is(seconds: float, workers: int, whole: float) -> None:
    budget = Minutes(seconds, workers)
    assert 0 < budget.search_seconds < workers * budget.usable <= workers * seconds
    assert 0 <= budget.reserved_for_refits(whole) <= budget.reserved_for_refits() <= seconds
    assert 1 <= budget.rounds(seconds, whole) <= 4
    assert budget.rounds(seconds, whole) * min(whole, seconds / budget.rounds(seconds, whole)) <= seconds * 1.0001


def test_distortion_must_leave_the_truth(small_study: Path) -> None:
    with pytest.raises(Invalid, match=r"distortion.mixup: must be 0: it changes the targets"):
        Holdout(distortion=Augmentation(mixup=0.2))


def test_a_second_call_trains_others_than_the_first_unless_they_would_be_no_match(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, *FIT, "network.widths=[300]")
    context = searched(memory, file, places, clock, 300.0)
    record, budget = study_record(context.study), Minutes(300.0, 1)
    (leader, *_) = trials = ranked_trials(context)
    assert leader.trial.result is not None
    reserve = reserved_seconds(context, budget, record.ranking)
    first = candidates(budget, trials, reserve)
    context.study.set_user_attr("confirmed", {"winner": leader.recipe.key})
    assert reserved_seconds(context, budget, record.ranking) == reserve > 0.3 * budget.usable
    refits = [Refit(each.trial, each.recipe, leader.trial.result) for each in first]
    assert [Refit.from_dict(each.to_dict()) for each in refits] == refits
    before = [each.recipe for each in first]
    second = candidates(budget, trials, reserve, before)
    seeds = [each.recipe.seed for each in (*first, *second)]
    assert len(seeds) == len(set(seeds)) == 2 * len(first)
    assert candidates(budget, trials, reserve / 10, before) == ()


def test_one_epoch_time_is_measured_alone_and_none_in_later_calls(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """It decides on the length of first looks, which is stored with the study."""
    context = session_in(memory, small(small_study, *FIT), places)
    at_once: list[tuple[bool, int]] = []

    @dataclass
    class Watching(Paced):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            super().submit(number, job, watch)
            at_once.append((loop.measured is not None, len(loop.running)))

    executor = Watching(clock, size=3)
    loop = Loop(context, executor, Minutes(300.0, 3))
    loop.run(6, 300.0)
    assert at_once[:2] == [(True, 0), (False, 1)]
    assert max(running for _, running in at_once) == 3
    later = Loop(context, executor, Minutes(3000.0, 3))
    later.run(12, 300.0)
    assert executor.measured == 1
    assert len({trial.looks[0].length for trial in study_record(context.study).trials if trial.looks}) == 1


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
    """The length of its look is estimated, and it fails as its measurement did."""

    @dataclass
    class Failing(Paced):
        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            for number, _ in super().answers(seconds):
                yield number, Failure("exception", "no memory")

    context = session_in(memory, small(small_study, *FIT, "network.widths=[20]"), places)
    assert Loop(context, Failing(clock), Minutes(300.0, 1)).run(10**9, 300.0) == "failures"
    trial = study_record(context.study).trials[0]
    assert (trial.state, trial.reason) == ("failed", "no memory")
    assert trial.recipe is not None
    assert 0 < trial.recipe.training.length(trial.recipe.training.epochs) <= 40
