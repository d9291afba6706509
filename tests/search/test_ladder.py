"""Rungs: where trials pause, who goes on, who cannot any more."""

from hypothesis import given
from hypothesis import strategies as st
from tuner.search.rungs import Rungs, levels

from tuner.study.pruners import Asha


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


def test_the_best_third_goes_on_and_nobody_twice() -> None:
    rungs = Rungs((1, 4), 3, maximize=True)
    assert rungs.next(0) == 1
    assert rungs.next(1) == 4
    assert rungs.next(4) is None
    paused = {}
    for number, value in enumerate((0.5, 0.9)):
        rungs.reach(number, {1: value})
        paused[number] = 1
        assert rungs.promotable(paused, at_least=0) is None
    rungs.reach(2, {1: 0.7})
    paused[2] = 1
    assert rungs.promotable(paused, at_least=0) == 1
    del paused[1]
    assert rungs.promotable(paused, at_least=0) is None
    assert rungs.promotable(paused, at_least=1) is None, "the best of the rung has gone on already"
    rungs.reach(1, {1: 0.9, 4: 0.95})
    paused[1] = 4
    assert rungs.promotable(paused, at_least=0) is None
    assert rungs.promotable(paused, at_least=1) == 1


def test_a_loss_is_better_when_lower_and_nan_is_worst() -> None:
    rungs = Rungs((1,), 2, maximize=False)
    for number, value in enumerate((float("nan"), 0.3, 0.2, 0.9)):
        rungs.reach(number, {1: value})
    assert rungs.promotable(dict.fromkeys(range(4), 1), at_least=0) == 2
    assert set(rungs.hopeless(dict.fromkeys(range(4), 1), trials=4)) == {0, 3}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(2, 4), st.integers(1, 40))
def test_whoever_is_hopeless_never_goes_on(values: list[float], factor: int, so_far: int) -> None:
    rungs = Rungs((1,), factor, maximize=True)
    for number, value in enumerate(values[:so_far]):
        rungs.reach(number, {1: value})
    lost = set(rungs.hopeless(dict.fromkeys(range(len(values[:so_far])), 1), trials=len(values)))
    for number, value in enumerate(values[so_far:], start=so_far):
        rungs.reach(number, {1: value})
    waiting = dict.fromkeys(range(len(values)), 1)
    while (number := rungs.promotable(waiting, at_least=0)) is not None:  # type: ignore[assignment]
        assert number not in lost
        del waiting[number]
