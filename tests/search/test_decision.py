"""Where the next seconds of a search go, as a function of what is known."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.curve_learning import learned
from tuner.base.extrapolation import Look
from tuner.search.decision import (
    AVERAGED,
    FEWEST_FIRST_LOOKS,
    Contender,
    Longer,
    New,
    Price,
    Refit,
    Situation,
    decide,
    price_of_a_second,
)
from tuner.search.ladder import ladder_from

LADDER = ladder_from(0.5, 32, folds=1)
"""Looks of 0.5, 2, 8 and 32 epochs."""


def contender(
    number: int, *errors: float, is_open: bool = True, epoch_seconds: float = 2.0, kind: str = "dense"
) -> Contender:
    """A recipe with looks of growing length, which had these errors."""
    looks = tuple(
        Look(rung.length, 1, 1 - error, error, 0.05 * error) for rung, error in zip(LADDER.rungs, errors, strict=False)
    )
    begun = len(looks) + (not is_open)
    return Contender(number, looks, len(looks), begun, Price(epoch_seconds), kind, is_open)


def situation(*contenders: Contender, seconds: float = 600.0, workers: int = 1, most: float = math.inf) -> Situation:
    """A search with so many seconds left, in which an epoch takes two."""
    return Situation(contenders, LADDER, seconds, workers, Price(2.0), most)


def alike(count: int, error: float = 0.3) -> list[Contender]:
    """Recipes with nearly equal first looks."""
    return [contender(number, error * (1 + 0.01 * number)) for number in range(count)]


def test_the_first_looks_are_at_new_recipes() -> None:
    assert decide(situation()) == New()
    assert decide(situation(*alike(FEWEST_FIRST_LOOKS - 1))) == New()


def test_looks_that_still_run_count_among_the_first() -> None:
    running = [contender(number, is_open=False) for number in range(FEWEST_FIRST_LOOKS)]
    assert decide(situation(*running[1:], seconds=1e9)) == New()
    assert decide(situation(*running[1:], seconds=1e9), new_ones=False) == Refit(), "there is nothing to compare yet"


def test_a_clearly_better_recipe_with_rivals_gets_a_longer_look() -> None:
    """Two of twenty are good: which of them is better is worth more than another recipe."""
    others = [contender(number, 0.5) for number in range(2, 20)]
    good = [contender(0, 0.20), contender(1, 0.205)]
    action = decide(situation(*good, *others))
    assert isinstance(action, Longer)
    assert action.number in (0, 1)


def gone_on(recipe: Contender) -> Contender:
    """The same while a longer look at it runs."""
    return replace(recipe, is_open=False, begun=recipe.rung + 1)


def test_of_three_first_looks_one_is_followed_by_a_longer_one() -> None:
    """However much new recipes promise: what longer looks would show is not known while there are none."""
    spread = [contender(number, error) for number, error in enumerate((0.9, 0.3, 0.8, 0.7, 0.6, 0.5, 0.4, 0.8))]
    assert decide(situation(*spread, seconds=6000.0)) == Longer(1)
    spread[1] = gone_on(spread[1])
    assert decide(situation(*spread, seconds=6000.0)) == Longer(6)
    spread[6] = gone_on(spread[6])
    assert decide(situation(*spread, seconds=6000.0)) == New()


def test_each_kind_of_networks_gets_longer_looks() -> None:
    """However much better the other kind is in short ones."""
    dense = [contender(number, 0.1 + 0.05 * number) for number in range(5)]
    others = [contender(number, 0.9 - 0.05 * number, kind="staged") for number in range(5, 8)]
    assert decide(situation(gone_on(dense[0]), *dense[1:], *others, seconds=6000.0)) == Longer(7)
    assert decide(situation(gone_on(dense[0]), *dense[1:], *others[1:], contender(5, 0.4), seconds=6000.0)) == Longer(1)


def test_each_start_gets_a_second_look_whatever_its_first_one_showed() -> None:
    """It is known to be good in long trainings. In the first look at Fashion-MNIST the better start was behind every dense network."""
    spread = [contender(number, 0.9 - 0.1 * number) for number in range(8)]
    spread[:2] = [replace(each, is_start=True) for each in spread[:2]]
    assert decide(situation(*spread, seconds=6000.0)) == Longer(0)
    spread[0] = gone_on(spread[0])
    assert decide(situation(*spread, seconds=6000.0)) == Longer(1)
    spread[1] = gone_on(spread[1])
    assert decide(situation(*spread, seconds=6000.0)) == New(), "two of three have longer looks"


def test_the_best_start_of_each_kind_gets_a_second_look_where_that_says_much() -> None:
    """Starts are known to be good in long trainings. In the first look at rotated digits mutations without augmentation were ahead."""
    spread = [
        replace(contender(number, 0.3 + 0.02 * number, kind=kind), is_start=number < 4)
        for number, kind in enumerate(["dense", "dense", "staged", "staged", *["dense"] * 5])
    ]
    ladder, found = ladder_from(4.0, 32, folds=1), []
    for _ in range(2):
        action = decide(replace(situation(*spread, seconds=1e5), ladder=ladder))
        assert isinstance(action, Longer)
        found.append(action.number)
        spread[action.number] = replace(spread[action.number], is_open=False, begun=2)
    assert sorted(found) == [0, 2]


def test_other_starts_get_no_second_look_where_that_is_nearly_a_refit() -> None:
    """It would take most of a short search."""
    spread = [contender(number, 0.9 - 0.1 * number) for number in range(8)]
    spread[:2] = [replace(each, is_start=True) for each in spread[:2]]
    short = replace(situation(*spread, seconds=6000.0), ladder=ladder_from(0.5, 8, folds=1))
    assert decide(short) == Longer(1)
    spread[1] = gone_on(spread[1])
    assert decide(replace(short, contenders=spread)) == Longer(7)


def test_a_recipe_that_runs_gets_no_further_look() -> None:
    others = [contender(number, 0.5) for number in range(2, 20)]
    good = [contender(0, 0.20, is_open=False), contender(1, 0.205)]
    assert decide(situation(*good, *others), new_ones=False) == Longer(1)


def test_hopeless_recipes_get_no_longer_look() -> None:
    """One is known to be far better in the long run: nothing can change the choice, and longer refits gain."""
    recipes = [contender(0, 0.1, 0.06, 0.04, 0.03), *(contender(number, 0.8) for number in range(1, 9))]
    assert decide(situation(*recipes, seconds=30.0), new_ones=False) == Refit()


def test_new_recipes_are_worth_more_than_longer_looks_where_they_differ_much() -> None:
    """All but one were looked at to the end, and the recipes of this space differ by factors."""
    known = [contender(number, error, error, error, error) for number, error in enumerate((0.9, 0.5, 0.2, 0.4))]
    rest = [contender(number, 0.9) for number in range(4, 9)]
    assert decide(situation(*known, *rest, seconds=6000.0)) == New()


def test_without_new_ones_and_nothing_open_refits_begin() -> None:
    closed = [replace(each, is_open=False) for each in alike(12)]
    assert decide(situation(*closed), new_ones=False) == Refit()
    assert decide(situation(), new_ones=False) == Refit()


def test_a_single_recipe_needs_no_longer_look() -> None:
    assert decide(situation(contender(0, 0.3)), new_ones=False) == Refit()


def test_with_no_time_left_refits_begin() -> None:
    assert decide(situation(*alike(20), seconds=0.0)) == Refit()
    assert not isinstance(decide(situation(*alike(20), seconds=3600.0)), Refit)


def test_the_price_of_a_second_rises_as_the_time_runs_out() -> None:
    curves = learned([each.looks for each in alike(20)])
    prices = [price_of_a_second(situation(seconds=seconds), curves) for seconds in (1000.0, 100.0, 10.0, 0.0)]
    assert prices == sorted(prices)
    assert prices[0] == pytest.approx(curves.last_slope / 1000)
    assert price_of_a_second(situation(seconds=100.0, workers=4), curves) == pytest.approx(prices[1] / 4)


def test_seconds_that_refits_do_not_need_cost_nothing() -> None:
    curves = learned([each.looks for each in alike(20)])
    assert price_of_a_second(situation(seconds=101.0, most=100.0), curves) == 0.0
    assert price_of_a_second(situation(seconds=100.0, most=100.0), curves) > 0.0


def test_a_second_costs_less_where_refits_have_full_length() -> None:
    """It takes a share of a member from the average, not length from each refit."""
    curves = learned([each.looks for each in alike(20)])
    full, more, shorter = (
        price_of_a_second(replace(situation(seconds=100.0, workers=2), refit_seconds=seconds), curves)
        for seconds in (100.0, 50.0, 101.0)
    )
    assert shorter == pytest.approx(curves.last_slope / 200)
    assert full == pytest.approx(AVERAGED / 2 / 200)
    assert more == pytest.approx(full / 2)


def test_of_equally_good_recipes_the_faster_one_gets_the_longer_look() -> None:
    others = [contender(number, 0.5, is_open=False) for number in range(3, 12)]
    good = [contender(0, 0.2, is_open=False), contender(1, 0.21, epoch_seconds=20.0), contender(2, 0.21)]
    assert decide(situation(*good, *others), new_ones=False) == Longer(2)


def test_a_longer_look_that_the_search_has_no_time_for_does_not_begin() -> None:
    """The next one takes four seconds, and one and a half besides, and may take a fifth longer."""
    others = [contender(number, 0.5, is_open=False) for number in range(2, 12)]
    now = situation(contender(0, 0.20), contender(1, 0.205), *others)
    assert isinstance(decide(replace(now, seconds_for_looks=6.7), new_ones=False), Longer)
    assert decide(replace(now, seconds_for_looks=6.5), new_ones=False) == Refit()


ERRORS = st.lists(st.floats(0.01, 0.9), min_size=0, max_size=4)
SITUATIONS = st.builds(
    lambda errors, seconds, workers: situation(
        *(contender(number, *each, is_open=0 < len(each) < 4) for number, each in enumerate(errors)),
        seconds=seconds,
        workers=workers,
    ),
    st.lists(ERRORS, max_size=15),
    st.floats(0, 1e4),
    st.integers(1, 8),
)


@given(SITUATIONS, st.booleans())
def test_equal_situations_give_equal_actions_that_are_possible(now: Situation, new_ones: bool) -> None:
    action = decide(now, new_ones)
    assert decide(replace(now, contenders=tuple(now.contenders)), new_ones) == action
    match action:
        case New():
            assert new_ones
        case Longer(number):
            (one,) = (each for each in now.contenders if each.number == number)
            assert one.is_open
            assert LADDER.after(one.rung) is not None
