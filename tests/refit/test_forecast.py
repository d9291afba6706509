"""What more time would buy."""

import math
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage

from tests.support.fakes import session_in
from tests.support.outcomes import RECIPE, confirmed, study_of
from tests.support.searches import small
from tuner.base.metrics import Direction
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.forecast import (
    EXPONENT,
    SPREAD,
    Lengthening,
    expected_improvement,
    forecast,
    forecast_of_twice_the_time,
    lengthenings,
)
from tuner.refit.ranking import validated_examples
from tuner.storage import StudyRecord, TrialRecord


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


def test_an_exponent_is_the_slope_between_two_lengths_and_its_error_that_of_two_counts() -> None:
    """Errors that halve from 2 to 8 epochs: ln 2 / ln 4. The relative variance of an error of n examples is (1 - p) / (p n)."""
    value, deviation = Lengthening(epochs=(2, 8), errors=(0.2, 0.1), validated=1000).exponent
    assert value == pytest.approx(0.5)
    assert deviation == pytest.approx(math.sqrt(0.8 / 200 + 0.9 / 100) / math.log(4))


def test_no_error_at_all_counts_as_one_example() -> None:
    value, _ = Lengthening(epochs=(2, 8), errors=(0.16, 0.0), validated=100).exponent
    assert value == pytest.approx(2.0), "0.16 to 0.01 is a sixteenth, 2 to 8 epochs four times as many"


def test_an_observation_and_the_prior_are_averaged_by_their_precision() -> None:
    """An observation is the study's exponent with its own error and the spread between studies."""
    observed = Lengthening(epochs=(2, 8), errors=(0.2, 0.1), validated=200)
    value, deviation = observed.exponent
    assert deviation > 0.1, "an error that counts beside the spread"
    precisions = 1 / 0.15**2, 1 / (deviation**2 + 0.15**2)
    middle = (precisions[0] * 0.3 + precisions[1] * value) / sum(precisions)
    half = 1.96 / math.sqrt(sum(precisions))
    estimate = forecast_of_twice_the_time(0.1, [observed])
    assert (EXPONENT, SPREAD) == (0.3, 0.15)
    assert estimate.value == pytest.approx(0.1 * (1 - 2**-middle))
    assert estimate.low == pytest.approx(0.1 * (1 - 2 ** -(middle - half)))
    assert estimate.high == pytest.approx(0.1 * (1 - 2 ** -(middle + half)))


def test_equal_values_leave_next_to_nothing_to_improve() -> None:
    assert 0 < expected_improvement(finished(0.9, 0.9, 0.9, 0.9), direction=Direction.MAXIMIZE, trials=1) < 1e-8


def test_the_expected_improvement_is_the_mean_of_what_lies_above_the_best() -> None:
    """Integrated over the normal distribution with the mean and the deviation of the values."""
    normal = NormalDist.from_samples([0.9, 0.8, 0.7, 0.6])
    step = 1e-5
    above = sum(step * (each * step) * normal.pdf(0.9 + each * step) for each in range(60_000))
    found = expected_improvement(finished(0.9, 0.8, 0.7, 0.6), direction=Direction.MAXIMIZE, trials=1)
    assert found == pytest.approx(above, rel=1e-3)


def test_only_the_first_objective_is_improved() -> None:
    one = finished(0.9, 0.8, 0.7, 0.6)
    two = [replace(trial, values=(*trial.values, 10.0 * trial.number)) for trial in one]
    first, both = (expected_improvement(each, direction=Direction.MAXIMIZE, trials=1) for each in (one, two))
    assert first == both


def of_length(epochs: int, seed: int = 0) -> Recipe:
    return replace(RECIPE, training=replace(RECIPE.training, epochs=epochs), seed=seed)


def studied(*trials: tuple[Recipe | None, tuple[float, ...]]) -> StudyRecord:
    """A study of these recipes and values."""
    record = study_of([0.0] * len(trials))
    made = (
        replace(one, recipe=recipe, values=values) for one, (recipe, values) in zip(record.trials, trials, strict=True)
    )
    return replace(record, trials=tuple(made))


def test_a_refit_is_compared_with_the_trial_of_its_recipe_whatever_its_seed_and_length() -> None:
    """The first objective is the accuracy. A trial without values or without a recipe says nothing."""
    record = studied((of_length(2, seed=7), (0.8, 0.1)), (of_length(2), ()), (None, (0.5,)))
    (found,) = lengthenings(record, confirmed((0,), (4,), (0.9,)), 500)
    assert found.epochs == (2, 4)
    assert found.errors == pytest.approx((0.2, 0.1))
    assert found.validated == 500


@pytest.mark.parametrize(("epochs", "counts"), [(2, False), (3, False), (4, True), (5, True)])
def test_a_refit_counts_from_half_as_long_again(epochs: int, counts: bool) -> None:
    record = studied((of_length(2), (0.8,)))
    assert bool(lengthenings(record, confirmed((0,), (epochs,), (0.9,)), 500)) == counts


def test_a_refit_without_a_trial_says_nothing() -> None:
    assert lengthenings(studied(), confirmed((0,), (4,), (0.9,)), 500) == ()


def test_refits_and_their_accuracies_must_be_equally_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        lengthenings(studied(), confirmed((0, 1), (4, 4), (0.9,)), 500)


def test_there_is_a_forecast_where_refits_were_shorter_than_a_whole_training(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    """Its error is that of the final model, or else of the best refit."""
    fits = small(small_study, 'budget.epochs="fit"', "budget.trials=0", 'search.pruner="none"', "training.epochs=40")
    session = session_in(memory, fits, places)
    recipe = session.file.corners[0][1]
    winner = replace(confirmed((0, 1), (10, 10), (0.85, 0.9)), recipe=recipe)
    record = studied((of_length(2), (0.8,)))
    observed = lengthenings(record, winner, validated_examples(session, recipe))
    assert len(observed) == 2
    assert forecast(session, record, winner) == forecast_of_twice_the_time(1 - 0.9, observed)
    averaged = replace(winner, model_validation=0.95)
    assert forecast(session, record, averaged) == forecast_of_twice_the_time(1 - 0.95, observed)
    assert forecast(session, record, None) is None
    assert forecast(session, record, replace(winner, measure="log_loss")) is None
    assert forecast(session, record, confirmed((0, 1), (10, 40), (0.85, 0.9))) is None, "one had all of its epochs"


def test_with_fixed_epochs_there_is_no_forecast(memory: BaseStorage, small_study: Path, places: Places) -> None:
    session = session_in(memory, small(small_study, "training.epochs=40"), places)
    winner = replace(confirmed((0,), (10,), (0.9,)), recipe=session.file.corners[0][1])
    assert forecast(session, studied(), winner) is None
