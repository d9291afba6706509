"""What more time would buy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.metrics import Direction
from tuner.refit.forecast import EXPONENT, Lengthening, expected_improvement, forecast_of_twice_the_time
from tuner.storage import TrialRecord


def finished(*values: float) -> list[TrialRecord]:
    """Trials with these figures."""
    return [
        TrialRecord(
            number=number,
            first=number,
            state="complete",
            values=(value,),
            params={},
            recipe=None,
            result=None,
            reason="",
            environment={},
        )
        for number, value in enumerate(values)
    ]


def test_without_observations_an_error_falls_as_is_known_beforehand() -> None:
    gain = forecast_of_twice_the_time(0.08, [])
    assert gain.value == pytest.approx(0.08 * (1 - 2**-EXPONENT))
    assert 0 < gain.low < gain.value < gain.high < 0.08


def test_what_a_study_has_seen_puts_the_expectation_right() -> None:
    steep = Lengthening(epochs=(2, 8), errors=(0.16, 0.04), validated=100_000)
    flat = Lengthening(epochs=(2, 8), errors=(0.08, 0.08), validated=100_000)
    assert steep.exponent[0] == pytest.approx(1.0)
    assert forecast_of_twice_the_time(0.04, [steep]).value > forecast_of_twice_the_time(0.04, []).value
    assert forecast_of_twice_the_time(0.04, [flat] * 50).value == pytest.approx(0.0, abs=5e-4)
    alone, many = (forecast_of_twice_the_time(0.04, [flat] * count) for count in (1, 9))
    assert many.high - many.low < alone.high - alone.low


def test_a_few_examples_say_little() -> None:
    few, many = (Lengthening(epochs=(2, 8), errors=(0.16, 0.04), validated=count) for count in (50, 5000))
    assert few.exponent[1] > 5 * many.exponent[1]


@given(st.floats(0.001, 0.5), st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)), max_size=4))
def test_a_gain_is_a_part_of_the_error(error: float, seen: list[tuple[float, float]]) -> None:
    gain = forecast_of_twice_the_time(error, [Lengthening((2, 6), errors, 1000) for errors in seen])
    assert 0 <= gain.low <= gain.value <= gain.high <= error


def test_more_trials_are_worth_what_they_may_improve() -> None:
    assert math.isinf(expected_improvement(finished(0.9, 0.8, 0.7), direction=Direction.MAXIMIZE, trials=5))
    spread = expected_improvement(finished(0.9, 0.8, 0.7, 0.6), direction=Direction.MAXIMIZE, trials=1)
    narrow = expected_improvement(finished(0.9, 0.8999, 0.8998, 0.8997), direction=Direction.MAXIMIZE, trials=1)
    assert spread > 100 * narrow > 0
    assert expected_improvement(finished(0.1, 0.2, 0.3, 0.4), direction=Direction.MINIMIZE, trials=1) == pytest.approx(
        spread
    )
    assert expected_improvement(finished(0.9, 0.8, 0.7, 0.6), direction=Direction.MAXIMIZE, trials=4) == pytest.approx(
        4 * spread
    )
