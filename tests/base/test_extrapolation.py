"""Beliefs about recipes after longer trainings: what looks teach about slopes, about changes and about one recipe."""

import math
import random
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.curve_learning import CHANGE, LATER, LEAST_SPREAD, PERSISTENCE, SLOPE, learned, learned_by_kind
from tuner.base.extrapolation import (
    OWN_SHARE,
    SEED_SPREAD,
    Belief,
    Curves,
    Look,
    Segment,
    expected_gain,
    leveled,
    until_best,
)

LENGTHS = (0.5, 2.0, 8.0, 32.0)


def look(length: float, error: float, folds: int = 1, standard_error: float = 0.0) -> Look:
    """A look at a recipe with this error."""
    return Look(length, folds, 1 - error, error, standard_error)


def falling(error: float, slope: float, *lengths: float) -> list[Look]:
    """Looks at a recipe whose error falls by a power of the length."""
    return [look(length, error * (length / 0.5) ** -slope) for length in lengths]


ERRORS = st.floats(1e-4, 1.0)
LOOKS = st.builds(
    lambda errors, folds, spread: [
        look(length, error, folds, spread * error) for length, error in zip(LENGTHS, errors, strict=False)
    ],
    st.lists(ERRORS, min_size=1, max_size=4),
    st.integers(1, 5),
    st.floats(0.0, 0.5),
)
SEARCHES = st.lists(LOOKS, min_size=1, max_size=12)


def test_noise_is_that_of_the_examples_and_of_the_seed_in_each_fold() -> None:
    assert look(1.0, 0.1, folds=1).noise == pytest.approx(SEED_SPREAD**2)
    assert look(1.0, 0.1, folds=4, standard_error=0.01).noise == pytest.approx(OWN_SHARE * 0.01 + SEED_SPREAD**2 / 4)


def test_a_recipe_whose_longer_look_is_worse_overfits_and_is_refitted_no_longer_than_its_best_look() -> None:
    first, all_folds, best, worse = look(2.0, 0.1), look(2.0, 0.3, 5), look(8.0, 0.25, 5), look(32.0, 0.27, 5)
    assert until_best([first, all_folds, best, worse]) == [first, all_folds, best]
    by_chance = [first, all_folds, best, look(32.0, 0.26, 5)]
    assert until_best(by_chance) == by_chance, "another seed may make that difference"
    assert until_best([first, all_folds]) == [first, all_folds], "other folds are other examples"
    assert until_best([]) == []
    curves = learned([[first, all_folds, best, worse], falling(0.4, 0.3, 2.0, 8.0, 32.0)])
    assert curves.useful_length([first, all_folds, best, worse], 100.0) == 8.0
    assert curves.useful_length([first, all_folds, best, worse], 4.0) == 4.0
    assert curves.refitted([first, all_folds, best, worse], 100.0) == curves.belief([first, all_folds, best])
    assert curves.useful_length([first, all_folds, best], 100.0) == 100.0


def test_looks_in_one_fold_have_the_errors_that_all_folds_would_show() -> None:
    easy, promoted, all_folds, long = look(2.0, 0.05), look(2.0, 0.04), look(2.0, 0.08, 5), look(8.0, 0.06, 5)
    (one,), (two, *others) = leveled([[easy], [promoted, all_folds, long]])
    factor = math.sqrt(0.08 / 0.04)  # one pair, and a prior one without a difference
    assert (one.error, two.error) == pytest.approx((0.05 * factor, 0.04 * factor))
    assert others == [all_folds, long]
    assert one.value == easy.value
    assert leveled([[easy], [promoted]]) == [(easy,), (promoted,)]
    assert leveled([[]]) == [()]


def test_where_longer_trainings_were_worse_so_will_be_others() -> None:
    curves = learned([falling(0.2 + place / 50, -0.5, 2.0, 8.0) for place in range(6)])
    assert curves.useful_length([look(2.0, 0.2)], 100.0) == 2.0
    assert curves.refitted([look(2.0, 0.2)], 100.0).length == 2.0


def test_a_recipe_without_errors_has_a_finite_logarithm() -> None:
    assert math.isfinite(look(1.0, 0.0).log_error)
    assert math.isfinite(look(1.0, -1e-12, standard_error=0.01).noise)


def test_without_longer_looks_the_slope_is_that_of_recorded_curves() -> None:
    curves = learned([falling(0.3, 9.9, 0.5)])
    assert curves.segments == (Segment(0.5, math.log(0.3), SLOPE, PERSISTENCE, CHANGE**2),)
    assert curves.at(curves.first, 2.0).mean == pytest.approx(math.log(0.3) - SLOPE * math.log(4))
    assert curves.first == Belief(math.log(0.3), LEAST_SPREAD**2, 0.5)


@pytest.mark.parametrize("slope", [0.05, 0.6])
def test_slopes_are_learned_from_recipes_with_looks_of_two_lengths(slope: float) -> None:
    few, many = (slopes([falling(0.3, slope, 0.5, 2.0) for _ in range(count)]) for count in (2, 50))
    assert abs(many[0] - slope) < 0.02 < abs(few[0] - slope), "the prior counts as two recipes"
    assert many[1] == pytest.approx(LATER * many[0]), "nothing is known of longer looks"


def test_each_step_has_a_slope_of_its_own_and_beyond_the_last_length_it_is_that_after_it() -> None:
    recipes = [[*falling(0.4, 0.5, 0.5, 2.0), look(8.0, 0.4 * 4**-0.5 * 4**-0.1)] for _ in range(200)]
    curves = learned(recipes)
    assert slopes(recipes) == pytest.approx([0.5, 0.1, 0.05], abs=0.005)
    assert curves.last_slope == slopes(recipes)[-1]
    means = {length: curves.at(curves.first, length).mean for length in (2.0, 4.0, 8.0, 32.0)}
    assert means[32.0] == pytest.approx(means[8.0] - curves.last_slope * math.log(4), abs=5e-3)
    assert means[4.0] == pytest.approx(means[2.0] - slopes(recipes)[1] * math.log(2), abs=5e-3)


def test_the_best_of_many_bad_recipes_is_not_expected_to_become_worse() -> None:
    """Only good ones get longer looks: how fast these fall is known, and not that they would approach the mean of all."""
    bad = [[look(0.5, 0.2 + 0.02 * number)] for number in range(30)]
    good = [[look(0.5, 0.11), look(2.0, 0.09), look(8.0, 0.068)], [look(0.5, 0.12), look(2.0, 0.092), look(8.0, 0.07)]]
    curves = learned([*bad, *good])
    assert curves.useful_length(good[0], 32.0) == 32.0
    assert curves.refitted(good[0], 32.0).mean < math.log(0.065)


def test_a_kind_without_longer_looks_is_expected_to_fall_like_all_recipes() -> None:
    """And not by the prior slope, which would put it ahead of kinds that are known better."""
    flat = [("dense", falling(0.3, 0.0, 0.5, 2.0)) for _ in range(20)]
    curves = learned_by_kind([*flat, ("staged", falling(0.4, 9.9, 0.5)), ("ensemble", ())])
    assert set(curves) == {"dense", "staged"}
    common, staged = learned([looks for _, looks in flat] + [falling(0.4, 9.9, 0.5)]), curves["staged"]
    assert [each.slope for each in staged.segments] == [each.slope for each in common.segments]
    assert abs(staged.segments[0].slope) < SLOPE / 5
    assert staged.segments[0].mean == pytest.approx(math.log(0.4)), "where it is now is its own"
    assert staged.first.mean == pytest.approx(math.log(0.4))


def slopes(recipes: list[list[Look]]) -> list[float]:
    """Those of the segments that are learned from them."""
    return [segment.slope for segment in learned(recipes).segments]


def test_how_much_an_early_look_says_is_learned_too() -> None:
    """Of recipes that keep their order and distances much remains, and little changes; if they cross, the other way round."""
    places = [math.exp(0.1 * place) for place in range(-4, 5)]
    parallel = learned([[look(0.5, 0.2 * place), look(2.0, 0.1 * place)] for place in places]).segments[0]
    crossing = learned([[look(0.5, 0.2 * place), look(2.0, 0.1 / place)] for place in places]).segments[0]
    assert crossing.remains < PERSISTENCE < parallel.remains <= 1
    assert parallel.change < CHANGE**2 < crossing.change


def test_two_recipes_say_nothing_of_what_remains() -> None:
    pair = [[look(0.5, 0.2), look(2.0, 0.1)], [look(0.5, 0.3), look(2.0, 0.05)]]
    assert learned(pair).segments[0].remains == pytest.approx(PERSISTENCE)


def test_recipes_that_differ_more_than_their_noise_make_an_unknown_one_less_certain() -> None:
    alike, different = (
        learned([[look(0.5, error)] for error in errors]).first.variance for errors in ([0.2] * 5, [0.02, 0.2, 0.9])
    )
    assert alike == LEAST_SPREAD**2
    assert different > 1.0
    assert learned([[look(0.5, 0.1)], [look(0.5, 0.9)]]).first.variance == LEAST_SPREAD**2, "two say too little"


def test_recipes_that_learn_nothing_do_not_make_better_ones_likely() -> None:
    some, worse = (
        learned([[look(0.5, error)] for error in errors]).first
        for errors in ([0.1, 0.15, 0.2, 0.21, 0.22], [0.1, 0.15, 0.2, 0.8, 0.9])
    )
    assert some == worse


def test_a_look_moves_the_belief_by_its_share_of_the_uncertainty() -> None:
    """A Kalman filter's gain: three quarters where the belief is three times as uncertain as the look."""
    after = Belief(-1.0, 0.3, 2.0).after(-2.0, noise=0.1)
    assert after.mean == pytest.approx(-1.75)
    assert after.variance == pytest.approx(0.075)
    assert after.length == 2.0


def test_what_a_recipe_is_ahead_shrinks_with_the_length_and_becomes_less_certain() -> None:
    segments = Segment(0.5, -1.0, 0.3, 0.8, 0.04), Segment(2.0, -1.0 - 0.3 * math.log(4), 0.15, 0.5, 0.01)
    curves, belief = Curves(segments, Belief(-1.0, 0.04, 0.5)), Belief(-1.5, 0.01, 0.5)
    after = curves.at(belief, 2.0)
    assert after.mean == pytest.approx(-1.0 - 0.3 * math.log(4) - 0.8 * 0.5)
    assert after.variance == pytest.approx(0.8**2 * 0.01 + 0.04)
    later = curves.at(belief, 8.0)
    assert later.mean == pytest.approx(-1.0 - 0.45 * math.log(4) - 0.5 * 0.8 * 0.5)
    assert later.variance == pytest.approx(0.5**2 * after.variance + 0.01)
    shorter = curves.at(later, 1.0)
    assert shorter.mean == pytest.approx(later.mean + 0.15 * math.log(8)), "along the slope before it"
    assert shorter.variance > later.variance


def test_a_shorter_training_is_worse_by_the_slope_and_less_certain() -> None:
    segments = Segment(0.5, -1.0, 0.3, 0.8, 0.04), Segment(2.0, -1.0 - 0.3 * math.log(4), 0.15, 0.5, 0.01)
    curves, belief = Curves(segments, Belief(-1.0, 0.04, 0.5)), Belief(-1.5, 0.01, 2.0)
    shorter = curves.at(belief, 0.5)
    assert shorter.mean == pytest.approx(-1.5 + 0.3 * math.log(4))
    assert shorter.variance == pytest.approx(0.01 + 0.04)
    assert curves.at(belief, 2.0) == belief


def test_of_recipes_with_equal_first_looks_that_with_the_better_longer_look_is_believed_better() -> None:
    recipes = [falling(0.3, slope, 0.5, 2.0) for slope in (0.2, 0.5)] + [falling(0.3, 0.0, 0.5)] * 6
    curves = learned(recipes)
    slow, fast, unknown, *_ = (curves.at(curves.belief(looks), 32.0) for looks in recipes)
    assert fast.mean < unknown.mean < slow.mean
    assert fast.variance < unknown.variance


@given(SEARCHES)
def test_beliefs_are_finite_and_never_more_certain_than_possible(recipes: list[list[Look]]) -> None:
    curves = learned(recipes)
    assert all(segment.change > 0 and 0 <= segment.remains <= 1 for segment in curves.segments)
    for looks in recipes:
        for length in LENGTHS:
            belief = curves.at(curves.belief(looks), length)
            assert math.isfinite(belief.mean)
            assert belief.variance >= 0


@given(SEARCHES, ERRORS, st.integers(1, 5))
def test_one_more_look_of_a_length_never_makes_a_belief_less_certain(
    recipes: list[list[Look]], error: float, folds: int
) -> None:
    curves = learned(recipes)
    for looks in recipes:
        before = curves.belief(looks)
        more = curves.belief([*looks, look(looks[-1].length, error, folds)])
        assert more.variance <= before.variance
        assert min(before.mean, math.log(error)) - 1e-9 <= more.mean <= max(before.mean, math.log(error)) + 1e-9


@given(SEARCHES, st.lists(ERRORS, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_looks_of_one_length_decides_nothing(
    recipes: list[list[Look]], errors: list[float], chance: random.Random
) -> None:
    curves = learned(recipes)
    looks = [look(0.5, error, folds) for folds, error in enumerate(errors, start=1)]
    first = curves.belief(looks)
    chance.shuffle(looks)
    second = curves.belief(looks)
    assert (second.mean, second.variance) == pytest.approx((first.mean, first.variance), rel=1e-6, abs=1e-9)


@given(SEARCHES, st.randoms(use_true_random=False))
def test_the_order_of_recipes_teaches_nothing(recipes: list[list[Look]], chance: random.Random) -> None:
    before = learned(recipes)
    chance.shuffle(recipes)
    after = learned([*recipes, []])
    for one, two in zip(before.segments, after.segments, strict=True):
        assert astuple(two) == pytest.approx(astuple(one), rel=1e-6, abs=1e-4)
    assert after.first.variance == pytest.approx(before.first.variance, rel=1e-6)


@given(SEARCHES, st.sampled_from(LENGTHS), st.floats(0.5, 200.0))
def test_a_belief_by_way_of_a_rung_is_that_at_once(recipes: list[list[Look]], rung: float, length: float) -> None:
    """From the end of one segment to that of another."""
    curves = learned([*recipes, falling(0.5, 0.3, *LENGTHS)])
    for looks in recipes:
        belief = curves.belief(looks)
        if belief.length <= rung <= length:
            at_once, by_way = curves.at(belief, length), curves.at(curves.at(belief, rung), length)
            assert (by_way.mean, by_way.variance) == pytest.approx((at_once.mean, at_once.variance), abs=1e-9)


def test_the_expected_gain_is_that_of_a_normal_distribution() -> None:
    assert expected_gain(0.0, 1.0) == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert expected_gain(1.0, 1.0) == pytest.approx(0.0833155, rel=1e-5)
    assert expected_gain(0.5, 0.0) == 0.0
    assert expected_gain(-0.5, 0.0) == 0.5


@given(st.floats(-5, 5), st.floats(1e-6, 5), st.floats(0, 5))
def test_the_expected_gain_grows_with_uncertainty(ahead: float, deviation: float, more: float) -> None:
    assert expected_gain(ahead, deviation) + 1e-12 >= 0
    assert max(0.0, -ahead) <= expected_gain(ahead, deviation) + 1e-9
    assert expected_gain(ahead, deviation) <= expected_gain(ahead, deviation + more) + 1e-9
