"""Verdicts: what counts as reproduced, and which claims hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.documents.document import Claim
from tuner.documents.verdicts import judge, judge_claim, pooled_spread


def verdict(reported: float, measured: list[float], figure: str = "test_accuracy", examples: int = 10_000) -> str:
    """The verdict on one reported figure."""
    return judge(figure, [reported], measured, examples, None).verdict


def test_an_accuracy_within_chance_and_sampling_error_is_reproduced() -> None:
    runs = [0.880, 0.882, 0.884]
    assert verdict(0.886, runs) == "reproduced"
    assert verdict(0.8915, runs) == "reproduced", "0.002 of spread over three runs, 0.006 of sampling error"
    assert verdict(0.900, runs) == "close"
    assert verdict(0.85, runs) == "not reproduced"
    assert (
        judge("test_accuracy", [0.886], runs, 0, None).margin < judge("test_accuracy", [0.886], runs, 100, None).margin
    )


def test_several_reported_figures_narrow_the_interval() -> None:
    once = judge("test_accuracy", [0.88], [0.87, 0.88, 0.89], 10_000, None)
    thrice = judge("test_accuracy", [0.87, 0.88, 0.89], [0.87, 0.88, 0.89], 10_000, None)
    assert thrice.margin < once.margin


def test_a_single_run_takes_the_spread_of_the_others() -> None:
    narrow, wide = (judge("test_accuracy", [0.9], [0.89], 10_000, spread).margin for spread in (0.001, 0.01))
    assert narrow < wide
    assert pooled_spread([[0.1], [0.2]]) is None
    assert pooled_spread([[0.1, 0.3], [0.5]]) == pytest.approx(math.sqrt(0.02))


def test_counts_bounds_and_divergence_have_rules_of_their_own() -> None:
    assert verdict(118282, [118282, 118282], "parameters") == "reproduced"
    assert verdict(118283, [118282], "parameters") == "not reproduced"
    assert verdict(0.07, [0.05, 0.06], "test_loss_at_most") == "reproduced"
    assert verdict(0.07, [0.2], "test_loss_at_most") == "not reproduced"
    assert verdict(0.5, [float("nan"), 0.5], "test_loss") == "not reproduced"
    assert verdict(0.5, []) == "cannot be checked"


@given(st.lists(st.floats(0.1, 0.9), min_size=1, max_size=6), st.floats(0, 1))
def test_the_further_away_the_worse(runs: list[float], distance: float) -> None:
    order = ["reproduced", "close", "not reproduced"]
    mean = sum(runs) / len(runs)
    near = judge("test_loss", [mean], runs, 0, None)
    far = judge("test_loss", [mean + distance], runs, 0, 0.0)
    assert near.verdict == "reproduced"
    assert order.index(far.verdict) >= order.index(near.verdict)


RUNS = {"a": [0.80, 0.81, 0.80], "b": [0.85, 0.86, 0.85], "c": [0.853, 0.857, 0.851], "d": [0.90, 0.91, 0.90]}


@pytest.mark.parametrize(
    ("claim", "judgement"),
    [
        (Claim(says="", rises=("a", "b", "d")), "holds"),
        (Claim(says="", rises=("a", "b", "c", "d")), "undecided"),
        (Claim(says="", falls=("a", "b")), "fails"),
        (Claim(says="", best="d", among=("a", "b", "c", "d")), "holds"),
        (Claim(says="", best="a", among=("a", "b")), "fails"),
        (Claim(says="", worst="a", among=("a", "b", "d")), "holds"),
        (Claim(says="", best="a", among=("a", "b"), figure="test_loss"), "holds"),
        (Claim(says="", rises=("a", "x")), "undecided"),
        (Claim(says="", unsteady=("a",)), "fails"),
    ],
)
def test_claims(claim: Claim, judgement: str) -> None:
    assert judge_claim(claim, RUNS, None)[0] == judgement


def test_unsteady_runs_differ_by_more_than_chance() -> None:
    claim = Claim(says="", unsteady=("x",))
    assert judge_claim(claim, {"x": [0.2, 0.7, 0.4]}, None)[0] == "holds"
    assert judge_claim(claim, {"x": [0.2, 0.7]}, None)[0] == "undecided"
