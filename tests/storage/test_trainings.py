"""Trainings that pause, are interrupted, lose their process or meet another process: what the storage says of them, and
how they go on."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tests.conftest import SMALL
from tests.support.fakes import Broken, Clock, Invented, an_epoch, session_in
from tests.support.searches import Notes, context_of, figures, folder_of, search, small
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.refit.session import Session
from tuner.result import Epoch, Pulse, Watch
from tuner.run import run
from tuner.search.beginning import begin, continue_training
from tuner.search.loop import Loop
from tuner.search.proposals import Proposer, make_sampler
from tuner.storage import StudyRecord, default_url, open_storage, read_study
from tuner.storage.leases import Leases
from tuner.storage.trainings import Trainings, trainings_of
from tuner.study import StudyFile
from tuner.worker.executor import Executor, Setup
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Train

ASHA = 'search.pruner={kind="asha", min_epochs=1, factor=2}'
STRICT = 'search.pruner={kind="percentile", percentile=99.0, startup_trials=1, warmup_epochs=0}'
TRIALS = 8


def numbered(*trials: FrozenTrial) -> list[FrozenTrial]:
    """The trials with their numbers."""
    for number, trial in enumerate(trials):
        trial.number = number
    return list(trials)


def made(state: TrialState, **marks: object) -> FrozenTrial:
    """A trial with marks of ours."""
    return create_trial(state=state, user_attrs=marks, value=0.5 if state == TrialState.COMPLETE else None)


def spoken(trials: Sequence[FrozenTrial]) -> list[tuple[int, int, str]]:
    """First and last number and state of each training."""
    return [(training.first, training.last.number, training.state) for training in trainings_of(trials)]


PRUNED, FAIL, RUNNING, COMPLETE = TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING, TrialState.COMPLETE


def test_a_training_that_went_on_counts_once() -> None:
    trials = numbered(
        made(PRUNED, key="a", ended="paused", rung=1),
        made(PRUNED, key="b", ended="paused", rung=1),
        made(FAIL, key="a", continues=0, ended="interrupted"),
        made(COMPLETE, key="a", continues=2, ended="finished"),
    )
    assert spoken(trials) == [(0, 3, "complete"), (1, 1, "paused")]
    assert [training.rung for training in trainings_of(trials)] == [1, 1]


def test_who_was_killed_while_it_paused_pauses_again() -> None:
    """Killed between the writes of what it came to and of its state, it has not been judged at that rung."""
    trials = numbered(
        made(FAIL, key="a", ended="interrupted", rung=1),
        made(RUNNING, key="a", continues=0),
    )
    assert [training.rung for training in trainings_of(trials)] == [0]


def test_a_training_says_what_was_asked_for() -> None:
    trials = numbered(made(RUNNING, key="a", asked="b"), made(RUNNING, key="c"), made(FAIL))
    assert [training.asked for training in trainings_of(trials)] == ["b", "c", None]


def test_what_is_known_of_looks_is_that_of_the_last_one_that_has_ended() -> None:
    looks = [
        made(PRUNED, key="a", ended="paused", rung=1, look={}),
        made(PRUNED, key="b", ended="paused", rung=2, look={}, continues=0),
    ]
    later: list[tuple[int, FrozenTrial]] = [
        (2, made(RUNNING, key="c", continues=1)),
        (2, made(RUNNING, key="c", look={}, continues=1)),  # ended, and not yet told
        (2, made(FAIL, key="c", ended="interrupted", continues=1)),
        (2, made(FAIL, key="c", ended="failed", continues=1)),
        (3, made(COMPLETE, key="c", ended="finished", look={}, continues=1)),
        (3, made(PRUNED, key="c", ended="diverged", continues=1)),
    ]
    for count, each in later:
        (training,) = trainings_of(numbered(*looks, each))
        assert len(training.known) == count
    (first,) = trainings_of(numbered(made(FAIL, key="a", ended="interrupted")))
    assert first.known == first.segments


def test_of_two_that_go_on_with_one_training_the_earlier_stands() -> None:
    trials = numbered(
        made(PRUNED, key="a", ended="paused", rung=1),
        made(RUNNING, key="a", continues=0),
        made(RUNNING, key="a", continues=0),
    )
    assert spoken(trials) == [(0, 1, "running")]


def test_of_two_with_one_recipe_the_earlier_stands_unless_it_failed() -> None:
    trials = numbered(made(RUNNING, key="a"), made(RUNNING, key="a"), made(RUNNING, key="b"))
    assert spoken(trials) == [(0, 0, "running"), (2, 2, "running")]
    trials = numbered(made(FAIL, key="a", ended="failed"), made(RUNNING, key="a"))
    assert spoken(trials) == [(0, 0, "failed"), (1, 1, "running")]
    trials = numbered(made(COMPLETE, key="a", ended="finished"), made(COMPLETE, key="a", ended="finished", repeat_of=0))
    assert spoken(trials) == [(0, 0, "complete"), (1, 1, "complete")], (
        "what an earlier version finished twice still counts"
    )


def test_one_death_is_forgiven() -> None:
    first, second = made(FAIL, key="a", ended="died"), made(FAIL, key="a", continues=0, ended="died")
    assert spoken(numbered(first)) == [(0, 0, "interrupted")]
    assert spoken(numbered(first, second)) == [(0, 1, "failed")]


MARKS = st.fixed_dictionaries(
    {"ended": st.sampled_from(["paused", "interrupted", "died", "failed", "superfluous", "finished"])},
    optional={"continues": st.integers(0, 8), "key": st.sampled_from("abc"), "rung": st.integers(1, 4)},
)


@given(st.lists(st.tuples(st.sampled_from([PRUNED, FAIL, RUNNING, COMPLETE]), MARKS), max_size=12))
def test_every_trial_is_in_one_chain_at_most_and_chains_only_grow(
    trials: list[tuple[TrialState, dict[str, object]]],
) -> None:
    whole = numbered(*(made(state, **marks) for state, marks in trials))
    segments = [trial.number for training in trainings_of(whole) for trial in training.segments]
    assert len(set(segments)) == len(segments)
    for training in trainings_of(whole):
        assert [trial.number for trial in training.segments] == sorted(trial.number for trial in training.segments)
        assert all(after.user_attrs["continues"] == before.number for before, after in pairwise(training.segments))


@dataclass
class Ladder:
    """A finished search on rungs with real trainings, its listener and its record."""

    file: StudyFile
    storage: BaseStorage
    notes: Notes
    record: StudyRecord


@pytest.fixture(scope="module")
def ladder(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    """The small study on rungs, searched without interruptions."""
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "small.toml").write_text(SMALL)
    file = small(folder / "small.toml", ASHA, "training.epochs=5", "training.batch_size=50")
    storage, notes = open_storage(default_url(folder)), Notes()
    search(storage, file, places, TRIALS, listener=notes)
    return Ladder(file, storage, notes, read_study(storage, "small"))


@pytest.mark.slow
def test_promoted_trials_go_on_and_are_as_if_they_had_never_paused(ladder: Ladder, places: Places) -> None:
    record, notes = ladder.record, ladder.notes
    assert {trial.state for trial in record.trials} == {"complete", "pruned"}
    assert len(record.trials) == 8
    spent = [trial.result.epochs for trial in record.trials if trial.result]
    assert set(spent) <= {1, 2, 4, 5}
    assert spent.count(5) == record.count("complete") >= 1
    assert spent.count(1) >= 3
    assert notes.epochs == sum(spent), "no epoch is trained twice"
    for trial in record.trials:
        assert trial.recipe is not None
        assert trial.result is not None
        if trial.state == "complete":
            alone = run(trial.recipe, training_set(trial.recipe.data.name, places)).folds[0].epochs
            assert [each.training.loss for each in trial.result.folds[0].epochs] == pytest.approx(
                [each.training.loss for each in alone], rel=1e-5
            )
    assert {trial.reason for trial in record.trials if trial.state == "pruned"} <= {
        f"paused after epoch {rung}" for rung in (1, 2, 4)
    }
    assert search(ladder.storage, ladder.file, places, trials=12, listener=Notes()) == "budget"
    assert read_study(ladder.storage, "small").count("complete", "pruned") == 12


class Crossing(Invented):
    """Invented trainings whose curves cross each other. They depend on the recipe, since interruptions change numbers."""

    def _answer(self, job: Train, watch: Watch) -> Answer:
        self.accuracies = (int(job.recipe.key, 16) % 1000 / 1000,)
        return super()._answer(job, watch)

    def _epoch(self, number: int, accuracy: float) -> Epoch:
        return super()._epoch(number, accuracy + 0.2 * math.sin(20 * accuracy * number))


def interrupted_search(session: Callable[..., Session], executor: Executor, stop_at: int | None) -> int:
    """Search to the end, interrupted after each epoch of this number that is new; the number of calls."""

    class Hasty(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            if isinstance(event, Epoch) and event.number == stop_at:
                loop.stop("interrupt")

    for calls in range(1, 100):
        loop = Loop(session(listener=Hasty()), executor)
        if loop.run(TRIALS, 60) == "budget":
            return calls
    raise AssertionError("the search does not end")


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
@pytest.mark.parametrize("pruner", [ASHA, STRICT, "search.pruner=none"], ids=["asha", "strict", "none"])
def test_an_interrupted_search_is_the_search_uninterrupted(
    pruner: str, stop_at: int, small_study: Path, places: Places, clock: Clock
) -> None:
    """Also where a training is interrupted at a rung, or where the strict pruner judges it, which prunes at each epoch all but the
    best."""
    file, records = small(small_study, pruner, "training.epochs=5", f"budget.trials={TRIALS}"), []
    for each in (stop_at, None):
        memory, executor = InMemoryStorage(), Crossing(clock)
        calls = interrupted_search(partial(session_in, memory, file, places), executor, each)
        assert (calls > 1) == (each is not None)
        records.append(read_study(memory, "small"))
        assert not [
            each for each in optuna.load_study(study_name="small", storage=memory).trials if each.state == RUNNING
        ]
    assert figures(records[0]) == figures(records[1])
    assert (records[1].count("pruned") > 0) == (pruner in (ASHA, STRICT))


@pytest.mark.slow
def test_an_interrupted_ladder_is_the_ladder_uninterrupted(
    storage: BaseStorage, places: Places, ladder: Ladder
) -> None:
    """The same with trainings, checkpoints and an embedded storage."""
    executor = InProcess(Setup(places, folder=folder_of(storage)))
    assert interrupted_search(partial(context_of, storage, ladder.file, places), executor, stop_at=2) > 2
    assert figures(read_study(storage, "small")) == figures(ladder.record)


@pytest.mark.slow
def test_an_interrupted_training_keeps_its_epochs(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(small_study, "training.epochs=6", "search.pruner=none")

    class Hasty(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            super().advanced(number, event)
            if isinstance(event, Epoch) and event.number == 4:
                loop.stop("interrupt")

    hasty, after, checkpoints = Hasty(), Notes(), folder_of(storage).checkpoints
    loop = Loop(context_of(storage, file, places, listener=hasty), InProcess(Setup(places, folder=folder_of(storage))))
    assert loop.run(1, 60) == "interrupt"
    assert [path.name for path in checkpoints.iterdir()] == ["0.npz"]
    before = read_study(storage, "small").trials[0]
    search(storage, file, places, 1, listener=after)
    (done,) = read_study(storage, "small").trials
    assert (before.state, done.state, done.number, done.first) == ("interrupted", "complete", 1, 0)
    assert before.result is not None
    assert done.result is not None
    assert done.result.folds[0].epochs[:4] == before.result.folds[0].epochs, "the same epochs, times included"
    assert (hasty.epochs, after.epochs) == (4, 2)
    frozen = optuna.load_study(study_name="small", storage=storage).trials[1]
    assert sorted(frozen.intermediate_values) == [1, 2, 3, 4, 5, 6]
    assert not list(checkpoints.iterdir())


@dataclass
class Stuck(Broken):
    """An executor whose job never answers."""

    cancelled: list[int] = field(default_factory=list)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        time.sleep(seconds)
        return iter(())

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)


@pytest.mark.slow
def test_a_trial_that_does_not_hear_is_cancelled_at_the_time_limit(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    executor, started = Stuck(), time.monotonic()
    assert search(storage, small(small_study), places, 4, 0.3, executor) == "timeout"
    assert time.monotonic() - started < 5
    assert executor.cancelled == [0]
    assert [trial.state for trial in read_study(storage, "small").trials] == ["interrupted"]


def test_a_training_whose_process_died_is_tried_once_more(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    search(storage, small(small_study), places, 100, executor=Broken(kind="died"))
    trials = optuna.load_study(study_name="small", storage=storage).trials
    assert trials[0].params == trials[1].params
    assert trials[1].user_attrs["continues"] == 0
    assert trials[1].params != trials[2].params


def test_a_process_that_does_not_renew_its_lease_loses_its_trial_and_one_that_does_keeps_it(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study)
    alive, dead = (context_of(storage, file, places) for _ in range(2))
    kept, lost = (
        begin(each, next(iter(Proposer(each).proposals(each.trainings()))), total=9) for each in (alive, dead)
    )
    assert kept is not None
    assert lost is not None
    looking = Leases(dead.study, seconds=0.5)
    assert looking.sweep(dead.study.get_trials(deepcopy=False)) == []
    assert looking.unclear == {0, 1}
    deadline = time.monotonic() + 10
    swept: list[int] = []
    while not swept and time.monotonic() < deadline:
        time.sleep(0.05)
        alive.leases.renew()
        swept = looking.sweep(dead.study.get_trials(deepcopy=False))
    assert swept == [lost.number]
    assert looking.unclear == set()
    assert [training.state for training in dead.trainings()] == ["running", "interrupted"]
    assert not lost.watch(an_epoch(1)), "whoever lost its trial hears of it when it reports"
    assert lost.stop == "lost"
    assert kept.watch(an_epoch(1))


def test_only_one_of_two_processes_goes_on_with_a_training(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    contexts = [context_of(storage, small(small_study), places) for _ in range(2)]
    first = begin(contexts[0], next(iter(Proposer(contexts[0]).proposals(()))), total=9)
    assert first is not None
    first.stop = "interrupted"
    first.end(first.partial_result(), "the search was ended")
    (training,) = contexts[0].trainings()
    taken = [continue_training(context, training) for context in contexts]
    assert [each is not None for each in taken] == [True, False]
    assert spoken(contexts[0].study.trials) == [(0, 1, "running")]


def test_the_total_is_kept_when_two_processes_begin_the_last_trial(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    contexts = [context_of(storage, small(small_study), places) for _ in range(2)]
    proposals = [list(zip(range(2), Proposer(context).proposals(()), strict=False)) for context in contexts]
    taken = [
        begin(context, each[index][1], total=1)
        for index, (context, each) in enumerate(zip(contexts, proposals, strict=True))
    ]
    assert [each is not None for each in taken] == [True, False]
    assert len(contexts[0].trainings()) == 1


@pytest.mark.slow
def test_what_somebody_queued_comes_first(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(small_study, "search.sampler=random")
    study = context_of(storage, file, places).study
    study.enqueue_trial({"training.optimizer.kind": "sgd", "training.optimizer.sgd.momentum": 0.125})
    search(storage, file, places, trials=2)
    first = next(trial for trial in read_study(storage, "small").trials if trial.state == "complete")
    assert first.params["training.optimizer.sgd.momentum"] == 0.125
    assert [trial.state for trial in study.trials if trial.state == TrialState.WAITING] == []
    assert read_study(storage, "small").count("complete") == 2


def test_a_study_of_a_later_version_is_refused_in_one_line(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    from tuner.base.errors import StudyError

    study = context_of(storage, small(small_study), places).study
    study.set_user_attr("version", 99)
    with pytest.raises(
        StudyError, match=r"^the study 'small' was kept by a later version of tuner \(records of version 99"
    ):
        context_of(storage, small(small_study), places)


def test_a_study_that_was_created_and_not_described_is_described(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    optuna.create_study(study_name="small", storage=storage, direction="maximize")
    study = context_of(storage, small(small_study), places).study
    assert study.user_attrs["objectives"] == ["validation_accuracy"]


def test_a_process_that_begins_something_new_is_known_to_live(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    """Nobody waits for the leases of others that have just begun."""
    working = context_of(storage, small(small_study), places)
    assert begin(working, next(iter(Proposer(working).proposals(()))), total=9)
    looking = Leases(working.study, seconds=5.0)
    looking.sweep(working.study.get_trials(deepcopy=False))
    assert looking.unclear == {0}
    assert begin(working, next(iter(Proposer(working).proposals(working.trainings()))), total=9)
    looking.sweep(working.study.get_trials(deepcopy=False))
    assert looking.unclear == set()


def test_quasi_random_points_are_one_sequence(storage: BaseStorage, small_study: Path, places: Places) -> None:
    """Also where each is proposed by a process of its own: they are those of one sampler on one study."""
    fixed = "training.optimizer.sgd.momentum=0.5", "network.widths={repeat=2, each={low=1, high=4096}}"
    file = small(small_study, "search.sampler=qmc", *fixed)
    alone = optuna.create_study(sampler=make_sampler(file.search.sampler, file.search.seed))
    first = {"training.optimizer.kind": "sgd", "network.widths[0]": 7, "network.widths[1]": 9}
    study = context_of(storage, file, places).study
    for each in (alone, study):
        each.enqueue_trial(first)
    points = []
    for _ in range(5):
        context = context_of(storage, file, places)
        running = begin(context, next(iter(Proposer(context).proposals(context.trainings()))), total=99)
        assert running is not None
        points.append(running.trial.params)
        study.tell(running.trial, 0.5)
        trial = alone.ask()
        file.fill(trial)
        alone.tell(trial, 0.5)
    assert points[1:] == [trial.params for trial in alone.trials[1:]]


def test_what_was_given_up_hides_nothing_that_comes_after_it() -> None:
    trials = numbered(
        made(FAIL, key="a", ended="superfluous"),
        made(PRUNED, key="b", ended="refused"),
        made(RUNNING, key="c", continues=7),
        made(PRUNED, key="c", ended="pruned"),
    )
    assert spoken(trials) == [(1, 1, "refused"), (3, 3, "pruned")]
    assert [(training.rung, training.counts) for training in trainings_of(trials)] == [(0, False), (0, True)]


def test_a_training_that_the_study_began_with_stays_one_when_it_goes_on() -> None:
    trials = numbered(made(PRUNED, key="a", ended="paused", rung=1, start=0), made(RUNNING, key="a", continues=0))
    (training,) = trainings_of(trials)
    assert (training.start, training.rung) == (0, 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([PRUNED, FAIL, COMPLETE]), st.booleans()), max_size=12))
def test_trainings_that_are_read_again_and_again_are_those_of_all_trials(
    steps: list[tuple[int, TrialState, bool]],
) -> None:
    """Each trial continues one of the last trials or begins a training, runs, and ends at once or after the next one."""
    reader, trials, late = Trainings(), list[FrozenTrial](), list[FrozenTrial]()
    for back, state, ends_late in steps:
        marks = {"continues": len(trials) - back} if 0 < back <= len(trials) else {"key": f"{len(trials) % 5}"}
        trials = numbered(*trials, made(RUNNING, **marks))
        assert reader.of(trials) == trainings_of(trials)
        for each in late if not ends_late else []:
            trials = numbered(*(made(state, **each.user_attrs) if other is each else other for other in trials))
        late = [trials[-1], *late] if ends_late else [trials[-1]]
        assert reader.of(trials) == trainings_of(trials)
    assert reader.of(trials[:1]) == trainings_of(trials[:1]), "another study"
