"""Claims under one reading: which hold in our runs, which fail, and within what the rest is equal."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from tuner.base.errors import Invalid
from tuner.documents.claims import LOOKS, Decision, judge_claim
from tuner.documents.experiment import Claim

RUNS = {
    "a": [0.80, 0.81, 0.80],
    "b": [0.85, 0.86, 0.85],
    "c": [0.853, 0.857, 0.851],
    "d": [0.90, 0.91, 0.90],
    "n": [math.nan, math.nan, math.nan],
}


def claim(**statement: Any) -> Claim:
    """A claim without its sentence."""
    return Claim(id="it", says="", **statement)


@pytest.mark.parametrize(
    ("statement", "judgement"),
    [
        (claim(rises=("a", "b", "d")), "holds"),
        (claim(rises=("a", "b", "c", "d")), "undecided"),
        (claim(rises=("b", "c")), "undecided"),
        (claim(rises=("a", "d"), by=0.05), "holds"),
        (claim(rises=("a", "b"), by=0.2), "fails"),
        (claim(rises=("a", "b"), by=0.05), "undecided"),
        (claim(falls=("a", "b")), "fails"),
        (claim(best="d", among=("a", "b", "c", "d")), "holds"),
        (claim(best="a", among=("a", "b")), "fails"),
        (claim(worst="a", among=("a", "b", "d")), "holds"),
        (claim(best="a", among=("a", "b"), figure="test_loss"), "holds"),
        (claim(rises=("a", "x")), "undecided"),
        (claim(unsteady=("a",)), "undecided"),
        (claim(of=("b", "d"), above=0.82), "holds"),
        (claim(of=("a", "d"), above=0.88), "fails"),
        (claim(of=("b",), above=0.853), "undecided"),
        (claim(of=("a", "b"), below=0.88), "holds"),
        (claim(of=("a",), below=0.0), "fails"),
        (claim(of=("b",), above=0.85, always=True), "fails"),
        (claim(of=("b",), above=0.849, always=True), "undecided"),
    ],
)
def test_claims(statement: Claim, judgement: str) -> None:
    assert judge_claim(statement, RUNS).judgement == judgement


def test_runs_of_fewer_than_three_decide_nothing() -> None:
    """As a rate of 0.000001 "was not the worst" by one run each of two networks that do not learn."""
    statement = claim(worst="slow", among=("slow", "good", "fast"))
    once = {"slow": [0.1789], "good": [0.91], "fast": [0.1315]}
    assert judge_claim(statement, once) == Decision(
        "undecided", "too few runs, 3 are needed: slow has 1, good has 1, fast has 1", 1
    )
    thrice = {name: [value, value + 0.001, value - 0.001] for name, (value,) in once.items()}
    assert judge_claim(statement, thrice).judgement == "fails"


def test_only_networks_with_too_few_runs_are_named() -> None:
    found = judge_claim(claim(rises=("few", "enough", "many")), {"few": [0.1], "enough": [0.2] * 3, "many": [0.3] * 6})
    assert found == Decision("undecided", "too few runs, 3 are needed: few has 1", 1)
    assert judge_claim(claim(rises=("few", "x")), {"few": [0.1]}).runs == 0


def test_three_of_many_contradicting_runs_are_named() -> None:
    statement = claim(of=("a",), above=0.85, always=True)
    found = judge_claim(statement, {"a": [0.81, 0.82, 0.83, 0.84]})
    assert found.reason == "4 of 4 runs: a has 0.8100, a has 0.8200, a has 0.8300"


def test_losses_that_all_diverged_are_equal() -> None:
    nothing = {"a": [math.nan] * 3, "b": [math.inf] * 3}
    found = judge_claim(claim(best="a", among=("a", "b"), figure="test_loss"), nothing)
    assert (found.judgement, found.reason) == ("equal", "b +0.0000 against a, apart by at most 0")


@pytest.mark.parametrize("runs", [3, 6, 10])
def test_a_bound_is_tested_with_the_error_of_the_mean(runs: int) -> None:
    """Two directions and three looks share the 5 %."""
    spread = np.linspace(-1, 1, runs)
    error = 0.004 * np.std(spread, ddof=1) / math.sqrt(runs)
    for factor, decided in ((0.99, False), (1.01, True)):
        values = 0.5 + 0.004 * spread + error * t.isf(0.05 / 6, runs - 1) * factor
        for statement in (claim(of=("a",), above=0.5), claim(of=("a",), below=1 - 0.5)):
            measured = {"a": list(values if statement.above else 1 - values)}
            assert (judge_claim(statement, measured).judgement == "holds") is decided


def test_one_run_refutes_a_claim_about_each_run() -> None:
    statement = claim(of=("a",), above=0.85, always=True)
    assert judge_claim(statement, {"a": [0.86, 0.84]}) == Decision("fails", "1 of 2 runs: a has 0.8400", 2)
    assert judge_claim(statement, {"a": [0.86, 0.87]}).judgement == "undecided"
    thrice = "each of 3 runs; with 95 % confidence at most 63% of all runs do not"
    found = judge_claim(statement, {"a": [0.86, 0.87, 0.88]})
    assert (found.judgement, found.reason) == ("undecided", thrice)
    assert found.within == pytest.approx(1 - 0.05 ** (1 / 3))
    assert [judge_claim(statement, {"a": [0.86] * runs}).judgement for runs in (4, 5)] == ["undecided", "holds"]


def test_a_training_that_diverged_is_the_worst_by_loss_too() -> None:
    by_accuracy = claim(rises=("n", "a"))
    assert judge_claim(by_accuracy, RUNS).reason == "a +0.8033 against n"
    losses = {"good": [0.1, 0.11, 0.1], "bad": [2.0, 2.1, math.nan], "n": [math.nan, math.nan, math.inf]}
    best = claim(best="good", among=("good", "bad"), figure="test_loss")
    assert judge_claim(best, losses).reason == "bad +1.9633 against good", "2.1 for what is no number"
    assert judge_claim(claim(best="n", among=("n", "good", "bad"), figure="test_loss"), losses).judgement == "fails"
    assert judge_claim(claim(best="good", among=("bad", "good", "n"), figure="test_loss"), losses).judgement == "holds"


@pytest.mark.parametrize(("high", "low"), [(3, 3), (6, 3), (3, 10)])
def test_a_comparison_is_welchs_test(high: int, low: int) -> None:
    rng = np.random.default_rng(high + low)
    for difference in np.linspace(0, 0.03, 31):
        measured = {"low": list(rng.normal(0.5, 0.001, low)), "high": list(rng.normal(0.5 + difference, 0.004, high))}
        tested = ttest_ind(measured["high"], measured["low"], equal_var=False)
        found = judge_claim(claim(rises=("low", "high")), measured)
        assert (found.judgement == "holds") is bool(3 * tested.pvalue <= 0.05 and tested.statistic > 0)
        against = judge_claim(claim(falls=("low", "high")), measured)
        assert (against.judgement == "fails") is (found.judgement == "holds")
        if found.judgement == "holds":
            assert found.chance == pytest.approx(3 * tested.pvalue)


def test_several_comparisons_share_the_chance_of_failing() -> None:
    spread = np.array([-0.001, 0.0, 0.001])
    error = np.std(spread, ddof=1) * math.sqrt(2 / 3)
    between = (t.isf(0.05 / 6, 4) + t.isf(0.05 / 12, 4)) / 2
    measured = {"a": list(0.5 + spread), "b": list(0.5 - error * between + spread), "c": list(0.9 + spread)}
    assert judge_claim(claim(rises=("a", "b")), measured).judgement == "fails"
    assert judge_claim(claim(rises=("a", "b", "c")), measured).judgement != "fails"


def test_three_looks_at_runs_that_do_not_differ_err_in_one_study_of_twenty() -> None:
    """Whoever adds runs until something is decided, up to ten, and looks at 3, 6 and 10: in both directions together."""
    rng = np.random.default_rng(0)
    wrong, studies = 0, 200
    for _ in range(studies):
        runs = rng.normal(0.9, 0.004, (2, LOOKS[-1]))
        looks = (
            judge_claim(claim(rises=("a", "b")), {"a": list(runs[0, :look]), "b": list(runs[1, :look])})
            for look in LOOKS
        )
        wrong += any(each.judgement in ("holds", "fails") for each in looks)
    assert wrong / studies < 0.05 + 2 * math.sqrt(0.05 * 0.95 / studies)


def test_what_is_undecided_is_equal_within_the_bound_of_two_one_sided_tests() -> None:
    measured = {"b": [0.85, 0.86, 0.85, 0.86], "c": [0.853, 0.857, 0.851, 0.857]}
    found = judge_claim(claim(rises=("b", "c")), measured)
    assert found.within is not None
    assert found.reason == f"c -0.0005 against b, apart by at most {found.within:.2g}"
    for bound, significant in ((found.within * 1.001, True), (found.within * 0.999, False)):
        c, b = measured["c"], measured["b"]
        above = ttest_ind([each + bound for each in c], b, equal_var=False, alternative="greater")
        below = ttest_ind([each - bound for each in c], b, equal_var=False, alternative="less")
        assert bool(max(above.pvalue, below.pvalue) < 0.05 / 3) is significant


def test_less_than_a_point_is_equal() -> None:
    many = {"a": [0.850, 0.851, 0.852] * 3, "b": [0.851, 0.850, 0.852] * 3}
    assert judge_claim(claim(rises=("a", "b")), many).judgement == "equal"
    swings = {name: [each - 0.849 for each in runs] for name, runs in many.items()}
    assert judge_claim(claim(rises=("a", "b"), figure="swing_validation_accuracy"), swings).judgement == "undecided", (
        "a tenth of 0.002 is less"
    )


def test_a_judgement_says_what_decided_it() -> None:
    def because(**statement: Any) -> str:
        return judge_claim(claim(**statement), RUNS).reason

    assert because(rises=("a", "b")) == "b +0.0500 against a"
    assert because(rises=("a", "d"), by=0.05) == "d +0.1000 against a (claimed: 0.05 at least)"
    assert because(falls=("d", "b", "a")) == "d +0.0500 against b; b +0.0500 against a"
    assert because(rises=("a", "d", "b")) == "b -0.0500 against d"
    assert because(rises=("a", "x", "y")) == "too few runs, 3 are needed: x has 0, y has 0"
    assert because(best="d", among=("a", "d")) == "d +0.1000 against a"
    assert because(worst="a", among=("a", "d")) == "d +0.1000 against a"
    assert because(of=("a",), above=0.7) == "a has 0.8033"
    assert because(of=("a", "b"), below=0.9, always=True).startswith("each of 6 runs; ")
    assert because(best="a", worst="d", among=("a", "b", "d"), figure="test_loss") == "; ".join(
        ["d +0.1000 against a", "d +0.0500 against b", "b +0.0500 against a", "d +0.1000 against a"]
    )


def test_a_claim_has_the_fewest_runs_of_its_networks() -> None:
    assert LOOKS == (3, 6, 10)
    many = {"a": [0.8] * 10, "b": [0.9] * 6, "c": [0.9] * 3}
    assert judge_claim(claim(rises=("a", "b")), many).runs == 6
    assert judge_claim(claim(rises=("a", "c")), many).runs == 3


def test_unsteady_is_a_standard_deviation_above_one_point() -> None:
    statement = claim(unsteady=("x",))
    assert judge_claim(statement, {"x": [0.5, 0.7, 0.6]}).judgement == "holds"
    steady = [0.5, 0.501, 0.502, 0.5, 0.501, 0.502]
    found = judge_claim(statement, {"x": steady})
    assert (found.judgement, found.reason) == ("fails", "x has a standard deviation of 0.0009")
    assert judge_claim(statement, {"x": [0.5, 0.515, 0.5]}).judgement == "undecided"
    assert judge_claim(statement, {"x": [0.5, 0.7]}).judgement == "undecided"


def test_unsteady_does_not_become_likelier_with_more_runs() -> None:
    """Runs with a standard deviation of half a point: their range grows with their number, the verdict stays."""
    rng = np.random.default_rng(3)
    groups = [list(rng.normal(0.8, 0.005, count)) for count in (3, 6, 10, 30) for _ in range(20)]
    assert not any(judge_claim(claim(unsteady=("x",)), {"x": each}).judgement == "holds" for each in groups)


def test_runs_that_never_differ_are_compared_too() -> None:
    measured = {"a": [0.5] * 3, "b": [0.6] * 3}
    assert judge_claim(claim(rises=("a", "b")), measured).judgement == "holds"


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            {"rises": ("a", "b"), "figure": "speed"},
            "figure: must be a figure of a run, got 'speed'; allowed: training_loss, ",
        ),
        ({"of": ("a",), "above": 0.1, "by": 0.1}, "by: must be of a difference of two experiments, got 0.1"),
        ({"of": ("a",)}, "of: must name experiments where there is one bound, above or below, got ('a',)"),
        ({"of": ("a",), "above": 0.1, "below": 0.2}, "of: must name experiments where there is one bound"),
        ({"above": 0.1, "rises": ("a", "b")}, "of: must name experiments where there is one bound"),
        ({}, "rises: must say of which experiments"),
    ],
)
def test_an_incomplete_claim_is_refused(statement: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Invalid) as raised:
        claim(**statement)
    assert str(raised.value).startswith(complaint)
