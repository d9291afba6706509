"""The ladder of looks: how long they are, in how many folds, and how the first ones are chosen."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.outcomes import RECIPE
from tuner.recipe import KFold, Recipe, fold_count
from tuner.search.ladder import (
    FACTOR,
    FEWEST_EXAMPLES,
    LARGEST_SHARE,
    LONGEST,
    LOOK_SECONDS,
    SHORTEST,
    first_length,
    ladder_from,
)

FOLDED = replace(RECIPE, protocol=KFold(folds=5))


def length(recipe: Recipe) -> float:
    """The length of its training in epochs."""
    return recipe.training.length(recipe.training.epochs)


def test_each_rung_is_four_times_as_long_as_that_before_and_the_last_one_whole() -> None:
    ladder = ladder_from(0.5, 40, folds=1)
    assert [rung.length for rung in ladder.rungs] == [0.5, 2.0, 8.0, 32.0, 40.0]
    assert [rung.is_last for rung in ladder.rungs] == [False] * 4 + [True]
    assert ladder.after(0) == ladder.rungs[0]
    assert ladder.after(5) is None


def test_a_second_look_is_longer_and_a_third_one_in_all_folds() -> None:
    rungs = [(rung.length, rung.folds) for rung in ladder_from(2.0, 20, folds=5).rungs]
    assert rungs == [(2.0, 1), (8.0, 1), (8.0, 5), (20.0, 5)]


def test_where_a_first_look_is_a_whole_training_there_is_one_rung_for_each_number_of_folds() -> None:
    assert [(rung.length, rung.folds) for rung in ladder_from(9.0, 2, folds=1).rungs] == [(2.0, 1)]
    assert [(rung.length, rung.folds) for rung in ladder_from(9.0, 2, folds=3).rungs] == [(2.0, 1), (2.0, 3)]


@given(st.floats(1e-3, 1e3), st.integers(1, 2000), st.integers(1, 10))
def test_every_ladder_rises_to_a_whole_training_in_all_folds(first: float, epochs: int, folds: int) -> None:
    ladder = ladder_from(first, epochs, folds)
    costs = [(rung.length, rung.folds) for rung in ladder.rungs]
    assert costs == sorted(set(costs))
    assert costs[0] == (min(first, epochs), 1)
    assert costs[-1] == (epochs, folds)
    assert [rung.number for rung in ladder.rungs] == list(range(1, len(costs) + 1))
    lengths = sorted({rung.length for rung in ladder.rungs})
    assert all(long <= FACTOR * short * 1.0001 for short, long in pairwise(lengths))


@given(st.floats(0.01, 30), st.sampled_from([1, 5]))
def test_a_look_has_the_length_and_the_folds_of_its_rung(first: float, folds: int) -> None:
    recipe = FOLDED if folds == 5 else RECIPE
    ladder = ladder_from(first, 40, folds)
    for rung in ladder.rungs:
        look = ladder.look(recipe, 1.0, rung)
        assert length(look) == pytest.approx(rung.length, rel=0.01)
        assert fold_count(look.protocol) == rung.folds
    assert look.protocol == recipe.protocol
    assert look.training == replace(recipe.training, epochs=40)


def test_a_recipe_that_time_allows_fewer_epochs_has_shorter_looks_in_proportion() -> None:
    ladder = ladder_from(0.5, 40, folds=1)
    assert [length(ladder.look(RECIPE, 0.5, rung)) for rung in ladder.rungs] == [0.25, 1.0, 4.0, 16.0, 20.0]


def test_looks_differ_in_length_and_folds_only() -> None:
    ladder = ladder_from(0.5, 40, folds=5)
    look = ladder.look(FOLDED, 1.0, ladder.rungs[0])
    assert replace(look, training=FOLDED.training, protocol=FOLDED.protocol) == FOLDED


@pytest.mark.parametrize(
    ("seconds", "factor"), [(30.0, SHORTEST), (60 * (LOOK_SECONDS + 9.0), 2.0), (36_000.0, LONGEST)]
)
def test_first_looks_are_as_long_as_lets_the_search_have_sixty_of_them(seconds: float, factor: float) -> None:
    """They take between one and four times what a look takes besides; every rung takes about as much in all."""
    assert first_length(seconds, 1, 10.0, 40, 10**6) == pytest.approx(factor * LOOK_SECONDS / 10.0)


def test_first_looks_have_as_many_examples_as_rank_recipes_and_no_more_than_a_whole_training() -> None:
    assert first_length(600.0, 1, 100.0, 40, 55_000) == pytest.approx(FEWEST_EXAMPLES / 55_000)
    assert first_length(600.0, 1, 1e-9, 40, 100) == 40.0


@pytest.mark.parametrize(("workers", "share"), [(1, 0.5), (2, 1.0), (4, 1.0)])
def test_on_a_slow_machine_first_looks_have_fewer_examples(workers: int, share: float) -> None:
    """Each process has a hundred seconds, in which there must be some, and slower recipes than the usual one have a look too."""
    length = first_length(workers * 100.0, workers, 100.0, 40, 1000)
    assert length == pytest.approx(share * LARGEST_SHARE * 100.0 / 100.0)
    assert 2 * length * 100.0 <= LARGEST_SHARE * workers * 100.0 * 1.0001


@given(st.floats(0, 1e5), st.integers(1, 16), st.floats(0, 1e4), st.integers(1, 4000), st.integers(1, 10**7))
def test_first_looks_are_never_longer_than_a_whole_training(
    seconds: float, workers: int, epoch_seconds: float, epochs: int, examples: int
) -> None:
    assert 0 < first_length(seconds, workers, epoch_seconds, epochs, examples) <= epochs
