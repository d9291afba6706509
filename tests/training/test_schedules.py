"""Learning-rate schedules: values at their corners."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.recipe import ConstantRate, FallingRate, LogCosine, OneCycle, Plateau, Schedule, Sgd, SteppedRate, Training
from tuner.result import Epoch, Scores
from tuner.training.schedules import rates, strengths


def whole(schedule: Schedule, steps: int, epochs: int) -> list[float]:
    """The rates of a whole training with base rate 1."""
    training = Training(optimizer=Sgd(learning_rate=1.0), schedule=schedule, epochs=epochs)
    return [float(rate) for epoch in range(1, epochs + 1) for rate in rates(training, epoch, steps, [])]


def epochs_with(*losses: float) -> list[Epoch]:
    """A curve with these validation losses."""
    return [
        Epoch(
            fold=0,
            number=number,
            training=Scores(loss=loss, figures={"accuracy": 0.5}),
            validation=Scores(loss=loss, figures={"accuracy": 0.5}),
            learning_rate=1.0,
            seconds=1.0,
        )
        for number, loss in enumerate(losses, start=1)
    ]


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


def test_one_cycle_rises_from_its_start_and_falls_to_its_end() -> None:
    values = whole(OneCycle(rise=0.5, start=0.1, final=0.01), 4, 2)
    assert values[0] == pytest.approx(0.1)
    assert max(values) == values[4] == pytest.approx(1.0)
    assert values[-1] == pytest.approx(0.01)
    assert values[:5] == sorted(values[:5])
    assert values[4:] == sorted(values[4:], reverse=True)


def test_waves_of_the_rate_double_in_length_and_end_at_zero() -> None:
    values = np.array(whole(LogCosine(cycles=3), 100, 7))
    valleys = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:])) + 1
    np.testing.assert_allclose(valleys, [100, 300], atol=2)
    assert values[[0, *valleys, -1]].max() < 1e-3
    assert values.max() == pytest.approx(1.0, abs=1e-4)


def test_regularization_stays_for_half_of_the_steps_and_then_falls_to_nothing() -> None:
    fading = Training(regularization="flat_cosine", epochs=4)
    values = np.concatenate([strengths(fading, epoch, 10) for epoch in range(1, 5)])
    assert set(values[:21]) == {1.0}
    assert values[30] == pytest.approx(0.5)
    assert values[39] < 0.01
    assert set(strengths(Training(epochs=4), 4, 10)) == {1.0}


def test_a_plateau_lowers_the_rate_each_time_that_patience_ends() -> None:
    training = Training(optimizer=Sgd(learning_rate=1.0), schedule=Plateau(factor=0.5, epochs=2), epochs=9)
    curve = epochs_with(1.0, 0.9, 0.95, 0.9, 0.8, 0.8, 0.8, 0.8)
    lowered = [float(rates(training, number + 1, 1, curve[:number])[0]) for number in range(len(curve) + 1)]
    assert lowered == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("schedule", [FallingRate(kind="cosine", warmup=0.1, final=0.0), OneCycle()])
@pytest.mark.parametrize(("epochs", "share"), [(1, 0.25), (3, 0.5)])
def test_a_schedule_of_lean_epochs_ends_with_the_training(schedule: Schedule, epochs: int, share: float) -> None:
    steps = 40
    training = Training(schedule=schedule, epochs=epochs, lean_epochs=epochs, lean_share=share)
    taken = int(share * steps)
    lean = [float(each) for epoch in range(1, epochs + 1) for each in rates(training, epoch, steps, [])[:taken]]
    at_full_length = rates(replace(training, epochs=1, lean_epochs=0), 1, epochs * taken, [])
    assert lean == pytest.approx(list(map(float, at_full_length)), rel=1e-6, abs=1e-9)
    assert lean[-1] == pytest.approx(0.0, abs=1e-9)
