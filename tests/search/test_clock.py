"""The deadline of a search: what it leaves, when a trial may begin or go on, and how signals end it."""

import signal
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, Invented, session_in
from tests.support.outcomes import RECIPE, epoch, study_of
from tests.support.searches import small
from tuner.base.metrics import Direction
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.forecast import expected_improvement
from tuner.refit.ranking import leading
from tuner.refit.session import Session
from tuner.refit.time_budget import OVERRUN_SECONDS, FixedEpochs, Minutes
from tuner.result import FoldResult, Result
from tuner.search.clock import FIRST_TRIAL_SHARE, stopping_on_signals
from tuner.search.clock import Clock as SearchClock
from tuner.search.loop import Loop
from tuner.search.steps import steps_of
from tuner.storage import StudyRecord, TrialRecord

FIT = ('budget.epochs="fit"', "budget.trials=0", 'search.pruner="none"', "training.epochs=40")


@pytest.fixture
def session(memory: BaseStorage, small_study: Path, places: Places, clock: Clock) -> Session:
    """Of the small study, at second 1000."""
    return session_in(memory, small(small_study), places)


@pytest.fixture
def fitting(memory: BaseStorage, small_study: Path, places: Places, clock: Clock) -> Session:
    """Of the small study, where the minutes decide."""
    return session_in(memory, small(small_study, *FIT), places)


def taking(record: StudyRecord, seconds: float) -> StudyRecord:
    """The study with trials that took so many seconds."""
    folds = (FoldResult(epochs=(epoch(1),), kept=1),)
    result = Result(folds=folds, ended="finished", reason="", parameters=13, seconds=seconds)
    return replace(record, trials=tuple(replace(trial, result=result) for trial in record.trials))


def running(number: int) -> TrialRecord:
    """A trial that has not ended."""
    return replace(study_of([0.0]).trials[0], number=number, first=number, state="running", values=(), result=None)


@pytest.mark.parametrize(("seconds", "trials"), [(50.0, 2 * 600 / 50), (0.01, 2 * 600 / 0.1)])
def test_a_search_has_enough_once_the_trials_left_are_expected_to_bring_less(
    seconds: float, trials: float, session: Session
) -> None:
    """Two processes have 600 s; a trial counts as a tenth of a second at least."""
    record = taking(study_of([0.9, 0.8, 0.7, 0.6]), seconds)
    expected = expected_improvement(record.finished, Direction.MAXIMIZE, trials)
    for enough, is_enough in ((1.01 * expected, True), (0.99 * expected, False), (0.0, False)):
        searching = SearchClock(session, FixedEpochs(600.0, 2), 600.0, enough)
        assert not searching.is_enough, "nothing has ended yet"
        searching.update(record)
        assert searching.is_enough == is_enough


def test_without_a_least_improvement_it_is_never_enough(session: Session) -> None:
    searching = SearchClock(session, FixedEpochs(600.0, 1), 600.0)
    searching.update(taking(study_of([0.9] * 4), 50.0))
    assert not searching.is_enough


def test_before_the_first_trial_there_is_a_quarter_of_the_time_beyond_the_end(fitting: Session) -> None:
    searching = SearchClock(fitting, Minutes(300.0, 1), 300.0)
    assert (searching.end, searching.last_moment) == (1300.0, 1375.0)
    assert searching.deadline == 1300.0 - Minutes(300.0, 1).reserved_for_refits()


@pytest.mark.parametrize("begins", [1000.0, 1290.0])
def test_the_first_trial_has_a_share_of_the_time_from_its_beginning_or_three_quarters_of_all(
    begins: float, fitting: Session, clock: Clock
) -> None:
    searching = SearchClock(fitting, Minutes(300.0, 1), 300.0)
    record = replace(study_of([]), trials=(running(0),))
    last_moment = max(1300.0 - 75.0, begins + FIRST_TRIAL_SHARE * 300.0)
    for clock.now in (begins, begins + 5.0):
        searching.update(record)
        assert searching.last_moment == pytest.approx(last_moment), "counted from its own beginning"


@pytest.mark.parametrize(("seconds", "overrun"), [(300.0, OVERRUN_SECONDS), (50.0, 1.0)])
def test_looks_may_overrun_the_deadline_a_little(
    seconds: float, overrun: float, fitting: Session, clock: Clock
) -> None:
    """By a fiftieth of the time, at most three seconds."""
    searching = SearchClock(fitting, Minutes(seconds, 1), seconds)
    searching.update(taking(study_of([0.9]), 20.0))
    assert searching.last_moment == pytest.approx(searching.deadline + overrun)
    clock.now = searching.last_moment - 0.01
    assert not searching.is_over
    clock.now = searching.last_moment
    assert searching.is_over


def test_the_seconds_left_are_those_until_the_final_model_is_tested(fitting: Session, clock: Clock) -> None:
    budget = Minutes(300.0, 1)
    searching = SearchClock(fitting, budget, 300.0)
    clock.now = 1100.0
    assert searching.seconds_left == pytest.approx(budget.usable - 100.0)
    clock.now = 1400.0
    assert searching.seconds_left == 0.0


def test_a_recipe_of_unknown_cost_begins_before_the_deadline_only(session: Session, clock: Clock) -> None:
    searching = SearchClock(session, FixedEpochs(300.0, 1), 300.0)
    clock.now = 1299.5
    steps = steps_of(session, FixedEpochs(300.0, 1), searching)
    assert steps.has_time_for(RECIPE)
    clock.now = 1300.0
    assert not steps.has_time_for(RECIPE)


@dataclass(frozen=True)
class SevenSeconds:
    """A preflight that knows the seconds of an epoch."""

    def refusal(self, recipe: Recipe) -> None:
        return None

    def full_epoch(self, recipe: Recipe, seconds: float, epoch: int) -> float:
        return seconds

    def learn(self, recipe: Recipe, seconds: float) -> None:
        pass

    def seconds(self, recipe: Recipe) -> float:
        return 7.0 * recipe.training.epochs


def test_a_paused_training_goes_on_if_its_own_epochs_fit(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    asha = 'search.pruner={kind="asha", min_epochs=2, factor=3}'
    context = session_in(memory, small(small_study, asha, "training.epochs=5"), places)
    Loop(context, Invented(clock, seconds=10.0)).run(1, 60.0)
    (training,) = context.trainings()
    object.__setattr__(context, "preflight", SevenSeconds())
    done = max(training.last.intermediate_values)
    searching, needed = SearchClock(context, FixedEpochs(300.0, 1), 300.0), 10.0 * (5 - done)
    clock.now = searching.deadline - needed - 0.01
    assert searching.can_finish(training)
    clock.now = searching.deadline - needed + 0.01
    assert not searching.can_finish(training)


def test_the_first_signal_stops_in_order_and_the_second_at_once() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    reasons: list[str] = []
    with stopping_on_signals(reasons.append):
        signal.raise_signal(signal.SIGTERM)
        assert reasons == ["interrupt"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert reasons == ["interrupt"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_thread_leaves_signals_alone() -> None:
    inside: list[object] = []

    def search() -> None:
        with stopping_on_signals(lambda _: None):
            inside.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=search)
    thread.start()
    thread.join()
    assert inside == [before]


@pytest.mark.parametrize("enough", [0.0, 1e-9])
def test_the_best_training_alone_decides_on_the_deadline(
    enough: float, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study), places)
    Loop(context, Invented(clock, seconds=10.0)).run(6, 600.0)
    best = context.record.ranking
    for unconfirmed in ({}, {best[0].recipe.key: "no memory"}):  # type: ignore[union-attr]
        context.study.set_user_attr("unconfirmed", unconfirmed)
        searching = SearchClock(context, FixedEpochs(300.0, 1), 300.0, enough)
        deadline = searching.deadline
        searching.update(context.record)
        assert deadline == searching.deadline
        leader = leading(context.trainings(), context.direction, unconfirmed)
        assert leader == (context.record.ranking[0],) != (best[1 - len(unconfirmed)],)
