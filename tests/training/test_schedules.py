"""Learning-rate schedules: values at their corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.recipe import ConstantRate, FallingRate, SteppedRate
from tuner.training.schedules import rates


def whole(schedule: ConstantRate | FallingRate | SteppedRate, steps: int, epochs: int) -> list[float]:
    """The rates of a whole training with base rate 1."""
    return [float(rate) for epoch in range(1, epochs + 1) for rate in rates(schedule, 1.0, epoch, steps, epochs)]


def test_a_constant_rate_stays() -> None:
    assert whole(ConstantRate(), 3, 2) == [1.0] * 6


def test_steps_come_after_whole_epochs() -> None:
    np.testing.assert_allclose(whole(SteppedRate(every=2, factor=0.1), 1, 5), [1, 1, 0.1, 0.1, 0.01], rtol=1e-6)


def test_falling_rates_end_at_their_final_share() -> None:
    np.testing.assert_allclose(whole(FallingRate(kind="linear", final=0.0), 2, 2), [1, 2 / 3, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(whole(FallingRate(kind="exponential", final=0.01), 1, 3), [1, 0.1, 0.01], rtol=1e-6)
    np.testing.assert_allclose(whole(FallingRate(kind="cosine", final=0.0), 1, 3), [1, 0.5, 0], atol=1e-6)


def test_a_warm_up_rises_to_the_full_rate() -> None:
    np.testing.assert_allclose(
        whole(FallingRate(kind="linear", final=1.0, warmup=0.4), 5, 2)[:5], [0.25, 0.5, 0.75, 1, 1]
    )


@given(st.sampled_from(["cosine", "linear", "exponential"]), st.floats(0.01, 1), st.floats(0, 0.9), st.integers(1, 7))
def test_a_falling_rate_stays_between_zero_and_the_full_rate(
    kind: str, final: float, warmup: float, epochs: int
) -> None:
    schedule = FallingRate(kind=kind, final=final, warmup=warmup)  # type: ignore[arg-type]
    values = whole(schedule, 4, epochs)
    assert all(0 <= value <= 1 + 1e-6 for value in values)
    assert values[-1] == pytest.approx(final, rel=1e-4) or len(values) * warmup >= len(values) - 1
