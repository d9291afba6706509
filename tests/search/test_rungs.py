"""Rungs: where trainings pause, which continue, which cannot continue any more."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from tests.support.fakes import session_in
from tests.support.searches import small
from tuner.base.metrics import Direction
from tuner.data.sources import Places
from tuner.search.rungs import Rungs, forget_checkpoints, levels, rungs_of
from tuner.storage.trainings import StoredTraining
from tuner.study import load, setting
from tuner.study.pruners import Asha
from tuner.worker.folder import Folder


@given(st.integers(2, 200), st.integers(3, 5000), st.integers(2, 5), st.integers(0, 20))
def test_rungs_rise_and_end_before_the_last_epoch(epochs: int, trials: int, factor: int, first: int) -> None:
    found = levels(Asha(min_epochs=first, factor=factor), epochs, trials)
    assert list(found) == sorted(set(found))
    assert all(1 <= level < epochs for level in found)
    if first < epochs:
        assert found
        assert not first or found[0] == first


def test_the_budget_sets_the_rungs() -> None:
    assert levels(Asha(), 30, 60) == (1, 3, 10)
    assert levels(Asha(), 30, 10) == (3, 10), "with few trials, fewer rungs: one trial must come to the end"
    assert levels(Asha(), 2, 100) == (1,)
    assert levels(Asha(min_epochs=1), 27, 5) == (1, 3, 9)


def paused(first: int, rung: int, **values: float) -> StoredTraining:
    """A training that paused at a rung, with its figures by epoch (`at_1=0.5`)."""
    figures = {int(name.removeprefix("at_")): value for name, value in values.items()}
    trial = create_trial(
        state=TrialState.PRUNED, user_attrs={"ended": "paused", "rung": rung}, intermediate_values=figures
    )
    trial.number = first
    return StoredTraining((trial,))


def gone(training: StoredTraining, **values: float) -> StoredTraining:
    """The same training, finished."""
    figures = training.last.intermediate_values | {int(name.removeprefix("at_")): each for name, each in values.items()}
    trial = create_trial(state=TrialState.COMPLETE, value=0.0, intermediate_values=figures)
    trial.number = 1000 + training.first
    return StoredTraining((*training.segments, trial))


def first_of(training: StoredTraining | None) -> int | None:
    return None if training is None else training.first


def test_the_best_third_continues_each_once() -> None:
    rungs = Rungs((1, 4), 3, direction=Direction.MAXIMIZE)
    assert [rungs.next(epoch) for epoch in (0, 1, 4)] == [1, 4, None]
    two = [paused(0, 1, at_1=0.5), paused(1, 1, at_1=0.9)]
    assert rungs.promotable(two) is None
    three = [*two, paused(2, 1, at_1=0.7)]
    assert first_of(rungs.promotable(three)) == 1
    assert rungs.promotable(three, allowed=lambda training: training.first != 1) is None
    after = [three[0], gone(three[1]), three[2]]
    assert rungs.promotable(after) is None
    assert rungs.promotable(after, at_least=1) is None, "the best of the rung has continued already"
    higher = [three[0], paused(1, 4, at_1=0.9, at_4=0.95), three[2]]
    assert rungs.promotable(higher) is None
    assert first_of(rungs.promotable(higher, at_least=1)) == 1


def test_the_highest_rung_is_promoted_first() -> None:
    rungs = Rungs((1, 2), 2, direction=Direction.MAXIMIZE)
    trainings = [
        paused(0, 2, at_1=0.9, at_2=0.8),
        gone(paused(1, 1, at_1=0.1), at_2=0.1),
        paused(2, 1, at_1=0.95),
        paused(3, 1, at_1=0.0),
    ]
    assert first_of(rungs.promotable(trainings)) == 0
    assert first_of(rungs.promotable(trainings, allowed=lambda training: training.first != 0)) == 2


def test_among_equals_the_earlier_is_better() -> None:
    trainings = [paused(0, 1, at_1=0.5), paused(1, 1, at_1=0.5)]
    assert first_of(Rungs((1,), 2, direction=Direction.MAXIMIZE).promotable(trainings)) == 0


def test_a_loss_is_better_when_lower_and_nan_is_worst() -> None:
    rungs = Rungs((1,), 2, direction=Direction.MINIMIZE)
    trainings = [paused(number, 1, at_1=value) for number, value in enumerate((float("nan"), 0.3, 0.2, 0.9))]
    assert first_of(rungs.promotable(trainings)) == 2
    assert rungs.hopeful(trainings, trials=4) == [2, 1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(2, 4), st.integers(1, 40))
def test_every_promoted_training_was_hopeful_before(values: list[float], factor: int, partial_result: int) -> None:
    rungs = Rungs((1,), factor, direction=Direction.MAXIMIZE)
    trainings = [paused(number, 1, at_1=value) for number, value in enumerate(values)]
    hopeful = set(rungs.hopeful(trainings[:partial_result], trials=len(values))) | set(
        range(partial_result, len(values))
    )
    while (training := rungs.promotable(trainings)) is not None:
        assert training.first in hopeful
        trainings[training.first] = gone(training)


def test_a_study_without_asha_has_no_rungs(small_study: Path) -> None:
    assert rungs_of(load(small_study, "small")).epochs == ()


def test_where_the_minutes_decide_looks_take_the_place_of_rungs(small_study: Path) -> None:
    fit = [setting(each) for each in ("budget.epochs=fit", "budget.trials=0", "search.pruner=asha")]
    assert rungs_of(load(small_study, "small", fit)).epochs == ()


def test_few_trials_fill_few_rungs() -> None:
    assert levels(Asha(), 81, 9) == (9, 27), "a third of nine, and a third of these"
    assert levels(Asha(), 81, 8) == (27,)
    assert levels(Asha(), 81, 3) == (27,)
    assert levels(Asha(), 81, 2) == (27,), "one rung at least"
    assert levels(Asha(factor=5), 2, 100) == (1,), "no rung before the first epoch"


def test_rungs_know_the_direction_of_the_objective(small_study: Path) -> None:
    asha = [setting('search.pruner={kind="asha", factor=2, min_epochs=1}'), setting("training.epochs=5")]
    file = load(small_study, "small", asha)
    assert rungs_of(file) == Rungs((1, 2, 4), 2, direction=Direction.MAXIMIZE)
    lower = load(small_study, "small", [*asha, setting("objective=validation_loss")])
    assert rungs_of(lower) == Rungs((1, 2, 4), 2, direction=Direction.MINIMIZE)
    small_study.write_text(
        small_study.read_text().replace('"validation_accuracy"', '["validation_accuracy", "seconds"]')
    )
    assert rungs_of(load(small_study, "small")).direction is Direction.MAXIMIZE, "the first objective says"


def test_only_paused_trainings_are_hopeful() -> None:
    two = [paused(0, 1, at_1=0.5), paused(1, 1, at_1=0.9)]
    assert Rungs((1,), 3, direction=Direction.MAXIMIZE).hopeful(two, trials=2) == [1], (
        "one of each rung continues at the end"
    )
    after = [two[0], gone(two[1], at_2=0.9)]
    assert Rungs((1,), 3, direction=Direction.MAXIMIZE).hopeful(after, trials=2) == []
    came_further = [paused(0, 2, at_1=0.9, at_2=0.9), paused(1, 2, at_1=0.8, at_2=0.8)]
    assert Rungs((1, 2), 2, direction=Direction.MAXIMIZE).hopeful(came_further, trials=4) == [0], (
        "two of four come to the second rung"
    )


def test_the_order_in_which_trainings_are_given_decides_nothing() -> None:
    trainings = [paused(1, 1, at_1=0.5), paused(0, 1, at_1=0.5)]
    assert first_of(Rungs((1,), 2, direction=Direction.MAXIMIZE).promotable(trainings)) == 0


def test_checkpoints_of_the_worst_trainings_go_first_where_space_is_short(
    memory: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    rungs = Rungs((1, 4), 1, direction=Direction.MAXIMIZE)
    running = StoredTraining((create_trial(state=TrialState.RUNNING),))
    running.last.number = 9
    trainings = [paused(0, 1, at_1=0.5), paused(1, 4, at_1=0.6, at_4=0.6), paused(2, 1, at_1=0.9), running]
    folder = Folder(tmp_path)
    folder.checkpoints.mkdir()
    for name in (0, 1, 2, 7, 9, "a-refit"):
        folder.checkpoint(str(name)).write_bytes(bytes(100))
    session = session_in(memory, small(small_study), places, folder=folder)

    def left(limit: int) -> set[str]:
        forget_checkpoints(replace(session, checkpoint_space=limit), rungs, trainings, total=10)
        return {path.stem for path in folder.checkpoints.iterdir()}

    assert left(300) == {"0", "1", "2", "9", "a-refit"}
    assert left(299) == {"1", "2", "9", "a-refit"}
    assert left(100) == {"1", "9", "a-refit"}
    assert left(0) == {"9", "a-refit"}, "a running training keeps its own"
