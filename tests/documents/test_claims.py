"""Claims: which hold in our runs, which fail, and the reason where neither is decided."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from tuner.base.errors import Invalid
from tuner.documents.claims import LOOKS, SIGNIFICANT, Decision, judge_claim
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
        (claim(falls=("a", "b")), "fails"),
        (claim(best="d", among=("a", "b", "c", "d")), "holds"),
        (claim(best="a", among=("a", "b")), "fails"),
        (claim(worst="a", among=("a", "b", "d")), "holds"),
        (claim(best="a", among=("a", "b"), figure="test_loss"), "holds"),
        (claim(rises=("a", "x")), "undecided"),
        (claim(unsteady=("a",)), "fails"),
        (claim(of=("b", "d"), above=0.82), "holds"),
        (claim(of=("a", "d"), above=0.88), "fails"),
        (claim(of=("b",), above=0.853), "undecided"),
        (claim(of=("a", "b"), below=0.88), "holds"),
        (claim(of=("a",), below=0.0), "fails"),
        (claim(of=("b",), above=0.85, always=True), "fails"),
        (claim(of=("b",), above=0.849, always=True), "holds"),
    ],
)
def test_claims(statement: Claim, judgement: str) -> None:
    assert judge_claim(statement, RUNS, 0.004).judgement == judgement


def test_runs_of_fewer_than_three_decide_nothing() -> None:
    """As a rate of 0.000001 "was not the worst" by one run each of two networks that do not learn."""
    statement = claim(worst="slow", among=("slow", "good", "fast"))
    once = {"slow": [0.1789], "good": [0.91], "fast": [0.1315]}
    assert judge_claim(statement, once, 0.004) == Decision(
        "undecided", "too few runs, 3 are needed: slow has 1, good has 1, fast has 1", 1
    )
    thrice = {name: [value, value + 0.001, value - 0.001] for name, (value,) in once.items()}
    assert judge_claim(statement, thrice, 0.004).judgement == "fails"


def test_only_networks_with_too_few_runs_are_named() -> None:
    found = judge_claim(
        claim(rises=("few", "enough", "many")), {"few": [0.1], "enough": [0.2] * 3, "many": [0.3] * 6}, 0.1
    )
    assert found == Decision("undecided", "too few runs, 3 are needed: few has 1", 1)
    assert judge_claim(claim(rises=("few", "x")), {"few": [0.1]}, 0.1).runs == 0


def test_three_of_many_contradicting_runs_are_named() -> None:
    statement = claim(of=("a",), above=0.85, always=True)
    found = judge_claim(statement, {"a": [0.81, 0.82, 0.83, 0.84]}, 0.004)
    assert found.reason == "4 of 4 runs: a has 0.8100, a has 0.8200, a has 0.8300"


def test_losses_that_all_diverged_are_equal() -> None:
    nothing = {"a": [math.nan] * 3, "b": [math.inf] * 3}
    found = judge_claim(claim(best="a", among=("a", "b"), figure="test_loss"), nothing, 0.02)
    assert found.reason.startswith("b +0.0000 against a, which may be chance")


@pytest.mark.parametrize("runs", [3, 6, 10])
def test_a_bound_is_tested_with_the_error_of_the_mean(runs: int) -> None:
    """Equal runs, as in the comparison of two: of the typical variance 4 of 4 + n - 1 parts are left."""
    error = 0.004 * math.sqrt(4 / (4 + runs - 1) / runs)
    for factor, judgement in ((0.999, "undecided"), (1.001, "holds")):
        value = 0.5 + error * t.isf(0.05 / 3, 4 + runs - 1) * factor
        assert judge_claim(claim(of=("a",), above=0.5), {"a": [value] * runs}, 0.004).judgement == judgement
        assert judge_claim(claim(of=("a",), below=0.5), {"a": [1 - value] * runs}, 0.004).judgement == judgement


def test_one_run_refutes_a_claim_about_each_run() -> None:
    statement = claim(of=("a",), above=0.85, always=True)
    assert judge_claim(statement, {"a": [0.86, 0.84]}, 0.004) == Decision("fails", "1 of 2 runs: a has 0.8400", 2)
    assert judge_claim(statement, {"a": [0.86, 0.87]}, 0.004).judgement == "undecided"


def test_a_training_that_diverged_is_the_worst_by_loss_too() -> None:
    by_accuracy = claim(rises=("n", "a"))
    assert judge_claim(by_accuracy, RUNS, 0.004).reason == "a +0.8033 against n"
    losses = {"good": [0.1, 0.11, 0.1], "bad": [2.0, 2.1, math.nan], "n": [math.nan, math.nan, math.inf]}
    best = claim(best="good", among=("good", "bad"), figure="test_loss")
    assert judge_claim(best, losses, 0.02).reason == "bad +1.9633 against good", "2.1 for what is no number"
    assert judge_claim(claim(best="n", among=("n", "good"), figure="test_loss"), losses, 0.02).judgement == "fails"
    assert (
        judge_claim(claim(best="good", among=("bad", "good", "n"), figure="test_loss"), losses, 0.02).judgement
        == "holds"
    )


@pytest.mark.parametrize(("high", "low"), [(3, 3), (6, 3), (3, 10)])
def test_a_comparison_is_a_t_test_with_moderated_spreads(high: int, low: int) -> None:
    """Equal runs: of the variance that is typical 4 of 4 + n - 1 parts are left. A look has a third of 5 %."""
    variances = [4 / (4 + count - 1) / count for count in (high, low)]
    threshold = t.isf(0.05 / 3, 8 + high + low - 2) * math.sqrt(sum(variances))
    for factor, judgement in ((0.999, "undecided"), (1.001, "holds")):
        difference = 0.004 * threshold * factor
        measured = {"low": [0.5] * low, "high": [0.5 + difference] * high}
        assert judge_claim(claim(rises=("low", "high")), measured, 0.004).judgement == judgement
        against = {"low": [0.5 + difference] * low, "high": [0.5] * high}
        assert judge_claim(claim(rises=("low", "high")), against, 0.004).judgement == {"holds": "fails"}.get(
            judgement, judgement
        )


def test_several_comparisons_share_the_chance_of_failing() -> None:
    error = 0.004 * math.sqrt(2 * 4 / 6 / 3)
    between = (t.isf(0.05 / 3, 12) + t.isf(0.05 / 6, 12)) / 2
    measured = {"a": [0.5] * 3, "b": [0.5 - error * between] * 3, "c": [0.9] * 3}
    assert judge_claim(claim(rises=("a", "b")), measured, 0.004).judgement == "fails"
    assert judge_claim(claim(rises=("a", "b", "c")), measured, 0.004).judgement == "undecided"


def test_three_looks_at_runs_that_do_not_differ_err_no_more_often_than_one() -> None:
    """Whoever adds runs until something is decided, up to ten, and looks at 3, 6 and 10."""
    rng = np.random.default_rng(0)
    wrong, studies = 0, 400
    for _ in range(studies):
        runs = rng.normal(0.9, 0.004, (2, LOOKS[-1]))
        looks = (
            judge_claim(claim(rises=("a", "b")), {"a": list(runs[0, :look]), "b": list(runs[1, :look])}, 0.004)
            for look in LOOKS
        )
        wrong += any(each.judgement == "holds" for each in looks)
    assert wrong / studies < 0.05 + 2 * math.sqrt(0.05 * 0.95 / studies)
    assert SIGNIFICANT * len(LOOKS) == pytest.approx(0.05)


def test_what_is_undecided_says_how_large_the_difference_can_be() -> None:
    found = judge_claim(claim(rises=("b", "c")), RUNS, 0.004)
    assert found.reason.startswith("c +0.0003 against b, which may be chance: at most 0.00")
    bound = float(found.reason.rpartition(" ")[2])
    spreads = [(4 * 0.004**2 + 2 * np.var(RUNS[name], ddof=1)) / 6 for name in ("b", "c")]
    half = t.ppf(0.975, 12) * math.sqrt(sum(spreads) / 3)
    assert bound == pytest.approx(0.00033333 + half, rel=1e-3)


def test_a_judgement_says_what_decided_it() -> None:
    def because(**statement: Any) -> str:
        return judge_claim(claim(**statement), RUNS, 0.004).reason

    assert because(rises=("a", "b")) == "b +0.0500 against a"
    assert because(falls=("d", "b", "a")) == "d +0.0500 against b; b +0.0500 against a"
    assert because(rises=("a", "d", "b")) == "b -0.0500 against d"
    assert because(rises=("a", "x", "y")) == "not measured: x, y"
    assert because(best="d", among=("a", "d")) == "d +0.1000 against a"
    assert because(worst="a", among=("a", "d")) == "d +0.1000 against a"
    assert because(of=("a",), above=0.7) == "a has 0.8033"
    assert because(of=("a", "b"), below=0.9, always=True) == "each of 6 runs"
    assert because(best="a", worst="d", among=("a", "b", "d"), figure="test_loss") == "; ".join(
        ["d +0.1000 against a", "d +0.0500 against b", "b +0.0500 against a", "d +0.1000 against a"]
    )


def test_looks_are_counted_by_the_fewest_runs() -> None:
    assert LOOKS == (3, 6, 10)
    many = {"a": [0.8] * 10, "b": [0.9] * 6, "c": [0.9] * 3}
    assert judge_claim(claim(rises=("a", "b")), many, 0.004).looks == 2
    assert judge_claim(claim(rises=("a", "b")), many, 0.004).runs == 6
    assert judge_claim(claim(rises=("a", "c")), many, 0.004).looks == 1


def test_unsteady_is_what_varies_by_more_than_two_points_in_three_runs() -> None:
    statement = claim(unsteady=("x", "y"))
    wide, narrow = [0.5, 0.7, 0.6], [0.5, 0.515625, 0.5]
    words = "x varies by 0.2000, y varies by 0.2000"
    assert judge_claim(statement, {"x": wide, "y": wide}, 0.004) == Decision("holds", words, 3)
    words = "x varies by 0.2000, y varies by 0.0156"
    assert judge_claim(statement, {"x": wide, "y": narrow}, 0.004) == Decision("fails", words, 3)
    assert judge_claim(statement, {"x": wide, "y": wide[:2]}, 0.004).judgement == "undecided"


def test_runs_that_never_differ_are_compared_too() -> None:
    measured = {"a": [0.5] * 3, "b": [0.6] * 3}
    assert judge_claim(claim(rises=("a", "b")), measured, 0.0).judgement == "holds"


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ({"rises": ("a", "b"), "figure": "speed"}, "figure: must be a figure of a run, got 'speed'"),
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
