"""The search around trainings that are invented and a clock of the test's own: who begins, who goes on, how it ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import Notes, preflight_of, small
from tuner.base.forking import NotStarted
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.result import Epoch, Event, Pulse, Watch
from tuner.search.loop import Loop
from tuner.storage import TrialRecord, read_study
from tuner.storage.leases import Leases
from tuner.worker.jobs import Answer, Job

ASHA = 'search.pruner={kind="asha", min_epochs=1, factor=2}'


@dataclass(frozen=True)
class TenSeconds:
    """A preflight that knows how long every epoch takes."""

    def refusal(self, recipe: Recipe) -> None:
        return None

    def full_epoch(self, recipe: Recipe, seconds: float, epoch: int) -> float:
        return seconds

    def learn(self, recipe: Recipe, seconds: float) -> None:
        assert seconds == 10.0

    def seconds(self, recipe: Recipe) -> float:
        return 10.0 * recipe.training.epochs


def states(memory: BaseStorage) -> list[str]:
    """The states of the trainings, in the order in which they began."""
    return [trial.state for trial in read_study(memory, "small").trials]


def began(context: Session) -> list[tuple[int, int | None]]:
    """Which trials began, and which ones they go on with."""
    assert isinstance(context.listener, Notes)
    return context.listener.began_trials


def test_a_search_ends_with_its_budget(memory: BaseStorage, small_study: Path, places: Places, clock: Clock) -> None:
    notes = Notes()
    context = session_in(memory, small(small_study), places, listener=notes)
    assert Loop(context, Invented(clock)).run(3, 60.0) == "budget"
    assert began(context) == [(0, None), (1, None), (2, None)]
    assert [trial.number for trial in notes.ended_trials] == [0, 1, 2]
    assert states(memory) == ["complete"] * 3
    assert Loop(context, Invented(clock)).run(3, 60.0) == "budget"
    assert len(began(context)) == 3


@pytest.mark.parametrize("deterministic", [True, False])
def test_as_many_run_at_once_as_the_executor_has_room_for(
    deterministic: bool, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    executor, most = Invented(clock, size=3), []

    class Watching(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            most.append(len(loop.running))

    context = session_in(memory, small(small_study), places, listener=Watching(), deterministic=deterministic)
    loop = Loop(context, executor)
    assert loop.run(7, 60.0) == "budget"
    assert max(most) == 3
    assert states(memory) == ["complete"] * 7


@pytest.mark.parametrize(("deterministic", "order"), [(True, [0, 1, 2, 3]), (False, [2, 3, 1, 0])])
def test_a_deterministic_study_tells_of_results_in_the_order_in_which_they_began(
    deterministic: bool, order: list[int], memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    notes = Notes()
    context = session_in(memory, small(small_study), places, listener=notes, deterministic=deterministic)
    Loop(context, Invented(clock, size=3)).run(4, 60.0)
    assert [trial.number for trial in notes.ended_trials] == order


def test_the_best_of_each_rung_goes_on_and_the_best_of_all_to_its_end(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study, ASHA, "training.epochs=5", "budget.trials=4"), places)
    executor = Invented(clock)
    assert Loop(context, executor).run(4, 60.0) == "budget"
    beginnings = [(0, None), (1, None), (2, 1), (3, None), (4, 3), (5, 4), (6, None)]
    beginnings += [(7, 5), (8, 6), (9, 8), (10, 9)]
    assert began(context) == beginnings, (
        "1 is the better one of two, 3 of three; with the last one begun the best go on"
    )
    assert executor.lengths == {"0": 1, "1": 2, "3": 5, "6": 5}
    assert states(memory) == ["pruned", "pruned", "complete", "complete"]


def test_a_training_that_lost_its_node_may_tell_its_epochs_again(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    @dataclass
    class Restarting(Invented):
        """Each training goes back to its first epoch once."""

        def submit(self, number: int, job: Job, watch: Watch) -> None:
            before: list[Event] = []

            def twice(event: Event) -> bool:
                before.append(event)
                return watch(event) and (len(before) != 2 or all(map(watch, before)))

            super().submit(number, job, twice)

    context = session_in(memory, small(small_study, ASHA, "training.epochs=5", "budget.trials=4"), places)
    executor = Restarting(clock)
    assert Loop(context, executor).run(4, 60.0) == "budget"
    assert executor.lengths == {"0": 1, "1": 2, "3": 5, "6": 5}
    assert states(memory) == ["pruned", "pruned", "complete", "complete"]


def test_a_deterministic_study_does_not_depend_on_how_many_nodes_are_there(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    @dataclass
    class Crowded(Invented):
        """All jobs wait."""

        free = 0

    notes, executor = Notes(), Crowded(clock, size=3)
    context = session_in(memory, small(small_study), places, listener=notes, deterministic=True)
    assert Loop(context, executor).run(4, 60.0) == "budget"
    assert notes.began_trials[:3] == [(0, None), (1, None), (2, None)]
    assert [trial.number for trial in notes.ended_trials] == [0, 1, 2, 3]


def test_an_interrupted_training_goes_on_first(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    class Hasty(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            if number == 1:
                loop.stop("interrupt")
                loop.stop("timeout")

    executor = Invented(clock)
    loop = Loop(session_in(memory, small(small_study), places, listener=Hasty()), executor)
    assert loop.run(4, 60.0) == "interrupt", "the first reason stands"
    assert states(memory) == ["complete", "interrupted"]
    assert read_study(memory, "small").trials[1].reason == "the search was ended (interrupt)"
    after = session_in(memory, small(small_study), places)
    assert Loop(after, executor).run(3, 60.0) == "budget"
    assert began(after) == [(2, 1), (3, None)]
    assert states(memory) == ["complete"] * 3


def test_a_start_that_is_interrupted_where_others_pause_goes_on_to_its_end(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """It would have waited for its promotion, and other trials would have followed than in a search that nobody interrupts."""

    class Hasty(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            loop.stop("interrupt")

    file, executor = small(small_study, "search.centre=true", "training.epochs=3", ASHA), Invented(clock)
    loop = Loop(session_in(memory, file, places, listener=Hasty()), executor)
    assert loop.run(4, 60.0) == "interrupt"
    assert executor.lengths == {"0": 1}
    assert states(memory) == ["interrupted"]
    after = session_in(memory, file, places)
    assert Loop(after, executor).run(1, 60.0) == "budget"
    assert (began(after), states(memory)) == ([(1, 0)], ["complete"])


def test_ten_failures_in_a_row_end_a_search_and_nine_do_not(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study), places)
    failing = frozenset(range(30)) - {9}
    assert Loop(context, Invented(clock, failing=failing)).run(100, 60.0) == "failures"
    assert states(memory) == ["failed"] * 9 + ["complete"] + ["failed"] * 10


def test_thirty_refusals_in_a_row_end_a_search(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study)
    context = session_in(memory, file, places, preflight=preflight_of(file, places, memory=0))
    assert Loop(context, Invented(clock)).run(100, 60.0) == "failures"
    assert states(memory) == ["refused"] * 30
    assert began(context) == []
    trial = read_study(memory, "small").trials[0]
    assert re.match(r"needs about [\d.]+ GiB of memory", trial.reason)
    assert read_study(memory, "small").count("complete", "pruned") == 0, "it costs no budget"
    assert optuna.load_study(study_name="small", storage=memory).trials[0].state == optuna.trial.TrialState.PRUNED


def test_a_small_space_is_exhausted(memory: BaseStorage, small_study: Path, places: Places, clock: Clock) -> None:
    file = small(small_study, "training.optimizer=adam", "network.widths={choice=[[2],[3],[4]]}")
    assert Loop(session_in(memory, file, places), Invented(clock)).run(8, 60.0) == "exhausted"
    assert states(memory) == ["complete"] * 3


def test_a_search_stops_at_its_time_and_cancels_a_training_that_does_not_answer_three_seconds_later(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    executor = Invented(clock, stuck=True)
    assert Loop(session_in(memory, small(small_study), places), executor).run(4, 10.0) == "timeout"
    assert clock.now == pytest.approx(1013.0, abs=0.25)
    assert (executor.cancelled, states(memory)) == ([0], ["interrupted"])
    assert read_study(memory, "small").trials[0].reason == "the search was ended (timeout)"


def test_a_training_stops_between_its_epochs_at_the_end_of_the_time(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file, executor = small(small_study, "training.epochs=10"), Invented(clock, seconds=2.0)
    assert Loop(session_in(memory, file, places), executor).run(4, 5.0) == "timeout"
    assert executor.lengths == {"0": 3}
    assert (executor.cancelled, states(memory)) == ([], ["interrupted"])


def test_what_would_not_end_in_time_is_not_begun(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study), places, preflight=TenSeconds())
    assert Loop(context, Invented(clock, seconds=10.0)).run(100, 45.0) == "timeout"
    assert states(memory) == ["complete"] * 2, "a third one would end after 60.2 seconds"
    assert clock.now < 1041.0, "the search does not wait for its end"
    assert Loop(context, Invented(clock, seconds=10.0)).run(100, 20.0) == "timeout"
    assert states(memory) == ["complete"] * 2, "twenty seconds and no moment more are not enough"


def test_once_time_is_short_the_best_that_can_be_trained_to_its_end_goes_on(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, 'search.pruner={kind="asha", min_epochs=2, factor=3}', "training.epochs=4")
    context = session_in(memory, file, places, preflight=TenSeconds())
    executor = Invented(clock, seconds=10.0, accuracies=(0.6, 0.8))
    assert Loop(context, executor).run(100, 75.0) == "timeout"
    assert began(context) == [(0, None), (1, None), (2, 1)], "a new one would take forty seconds, 1 only twenty"
    assert executor.lengths == {"0": 2, "1": 4}


def test_a_training_of_another_process_is_waited_for_and_taken_over_when_it_is_lost(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    other, executor = session_in(memory, small(small_study), places), Invented(clock, stuck=True)
    theirs = Loop(other, executor)
    theirs.total = 1
    theirs._begin_trials()
    assert list(theirs.running) == [0]

    class Alive(Invented):
        """While the other process lives it renews its lease."""

        def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
            if self.clock.now < 1005.0:
                other.leases.renew()
            return super().answers(seconds)

    context = session_in(memory, small(small_study), places)
    assert Loop(context, Alive(clock)).run(1, 60.0) == "budget"
    assert began(context) == [(1, 0)]
    assert 1005.0 < clock.now < 1008.0, "half a second without a lease, observed once a second"
    assert states(memory) == ["complete"]


def test_an_idle_search_reads_the_storage_every_second(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    other = Loop(session_in(memory, small(small_study), places), Invented(clock, stuck=True))
    other.total = 1
    other._begin_trials()
    moments: list[float] = []

    class Sweeping(Leases):
        def sweep(self, trials: Any) -> list[int]:
            moments.append(clock.now)
            other.session.leases.renew()
            return super().sweep(trials)

    context = session_in(memory, small(small_study), places)
    object.__setattr__(context, "leases", Sweeping(context.study, seconds=5.0))
    assert Loop(context, Invented(clock)).run(1, 4.0) == "timeout"
    assert moments == pytest.approx([1000.0, 1001.0, 1002.0, 1003.0], abs=0.15)


def test_a_training_that_another_process_has_taken_is_not_ended_twice(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    @dataclass
    class Ending(Notes):
        records: list[TrialRecord] = field(default_factory=list)

        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            if number == 0:
                context.study.tell(0, state=optuna.trial.TrialState.FAIL)

    context = session_in(memory, small(small_study), places, listener=Ending())
    assert Loop(context, Invented(clock)).run(2, 60.0) == "budget"
    assert isinstance(context.listener, Ending)
    assert context.listener.messages == ["trial 0 was taken over by another process"]
    assert states(memory) == ["failed", "complete", "complete"]


@dataclass(frozen=True)
class ByTurn:
    """A preflight that knows how long each recipe takes, by the order in which it is first asked for them."""

    takes: tuple[float, ...]
    asked: list[str] = field(default_factory=list)

    def refusal(self, recipe: Recipe) -> None:
        return None

    def full_epoch(self, recipe: Recipe, seconds: float, epoch: int) -> float:
        return seconds

    def learn(self, recipe: Recipe, seconds: float) -> None:
        pass

    def seconds(self, recipe: Recipe) -> float:
        if recipe.key not in self.asked:
            self.asked.append(recipe.key)
        return self.takes[self.asked.index(recipe.key) % len(self.takes)]


def test_two_proposals_in_a_row_may_take_too_long_and_three_end_it(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study)
    context = session_in(memory, file, places, preflight=ByTurn((900.0, 900.0, 1.0)))
    assert Loop(context, Invented(clock)).run(3, 60.0) == "budget"
    assert states(memory) == ["complete"] * 3
    context = session_in(memory, file, places, preflight=ByTurn((900.0, 900.0, 900.0, 1.0)))
    assert Loop(context, Invented(clock)).run(6, 60.0) == "timeout"
    assert states(memory) == ["complete"] * 3


@dataclass(frozen=True)
class OneFits:
    """A preflight that accepts the first recipe only."""

    asked: list[str] = field(default_factory=list)

    def refusal(self, recipe: Recipe) -> str | None:
        self.asked.append(recipe.key)
        return None if recipe.key == self.asked[0] else "too large"

    def full_epoch(self, recipe: Recipe, seconds: float, epoch: int) -> float:
        return seconds

    def learn(self, recipe: Recipe, seconds: float) -> None:
        pass

    def seconds(self, recipe: Recipe) -> None:
        return None


def test_refusals_are_counted_from_the_last_training(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    context = session_in(memory, small(small_study), places, preflight=OneFits())
    assert Loop(context, Invented(clock)).run(1, 0.5) == "budget", "a recipe of unknown cost begins"
    assert Loop(context, Invented(clock)).run(100, 60.0) == "failures"
    assert states(memory) == ["complete"] + ["refused"] * 30


def test_thirty_refusals_after_a_training_end_a_search_and_twenty_nine_before_it_do_not_count(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    @dataclass(frozen=True)
    class ThirtiethFits(OneFits):
        def refusal(self, recipe: Recipe) -> str | None:
            self.asked.append(recipe.key)
            return None if len(self.asked) == 30 else "too large"

    context = session_in(memory, small(small_study), places, preflight=ThirtiethFits())
    assert Loop(context, Invented(clock)).run(100, 60.0) == "failures"
    assert states(memory) == ["refused"] * 29 + ["complete"] + ["refused"] * 30


def test_once_time_is_short_all_go_on_that_can_be_trained_to_their_end(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, 'search.pruner={kind="asha", min_epochs=3, factor=3}', "training.epochs=4")
    context = session_in(memory, file, places, preflight=TenSeconds())
    executor = Invented(clock, seconds=10.0, accuracies=(0.6, 0.8))
    assert Loop(context, executor).run(100, 95.0) == "timeout"
    assert began(context) == [(0, None), (1, None), (2, 1), (3, 0)], "also the one behind those that have gone on"
    assert executor.lengths == {"0": 4, "1": 4}


@pytest.mark.parametrize("moment", ["before its process starts", "while its process starts"])
def test_a_trial_that_a_signal_meets_at_its_beginning_is_interrupted_at_once(
    moment: str, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    class Signalled(Notes):
        def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
            if moment.startswith("before"):
                loop.stop("interrupt")

    class Starting(Invented):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            loop.stop("interrupt")
            raise NotStarted

    notes, before = Signalled(), clock.now
    loop = Loop(session_in(memory, small(small_study), places, listener=notes), Starting(clock))
    assert loop.run(3, 60.0) == "interrupt"
    assert states(memory) == ["interrupted"]
    assert [trial.number for trial in notes.ended_trials] == [0]
    assert clock.now - before < 1.0
    assert Loop(session_in(memory, small(small_study), places), Invented(clock)).run(3, 60.0) == "budget"
    assert states(memory) == ["complete"] * 3
