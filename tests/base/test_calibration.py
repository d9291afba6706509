"""Temperatures of probabilities."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.base.calibration import at_temperature, calibrated_log_loss, fitted_temperature

LABELS = np.array([0, 0, 1, 1])


def sure(*right: float) -> NDArray[np.float32]:
    """Probabilities of two classes, with so much for the true one of each example."""
    rows = [[p, 1 - p] if label == 0 else [1 - p, p] for p, label in zip(right, LABELS, strict=True)]
    return np.array(rows, dtype=np.float32)


def test_classes_have_the_log_loss_at_the_temperature_that_makes_it_lowest() -> None:
    """Sharpened and flattened probabilities have the same one."""
    outputs = sure(0.9, 0.8, 0.7, 0.2)
    powers = [outputs.astype(np.float64) ** power for power in (0.5, 1.0, 2.0)]
    losses = [calibrated_log_loss(each / each.sum(axis=1, keepdims=True), LABELS) for each in powers]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-3)
    assert losses[0] <= -np.log([0.9, 0.8, 0.7, 0.2]).mean()


@pytest.mark.parametrize(("right", "temperature"), [(0.6, 0.1), (0.01, 10.0)])
def test_temperatures_are_from_a_tenth_to_ten(right: float, temperature: float) -> None:
    """Where all are right the lowest one is best, where all are wrong the highest one."""
    shares = np.array([right, 1 - right]) ** (1 / temperature)
    expected = -np.log(shares[0] / shares.sum())
    assert calibrated_log_loss(sure(right, right, right, right), LABELS) == pytest.approx(expected, rel=0.01)


def test_a_probability_of_zero_counts_as_a_ten_millionth() -> None:
    wrong = sure(0.0, 1.0, 1.0, 1.0)
    smallest = sure(1e-7, 1.0, 1.0, 1.0)
    assert calibrated_log_loss(wrong, LABELS) == pytest.approx(calibrated_log_loss(smallest, LABELS), rel=1e-4)
    assert 0.1 < calibrated_log_loss(wrong, LABELS) < 2.0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_flattened_probabilities_is_found(temperature: float) -> None:
    generator = np.random.default_rng(0)
    true = generator.dirichlet(np.full(4, 0.5), 4000)
    labels = np.array([generator.choice(4, p=each) for each in true])
    flattened = at_temperature(true, temperature)
    assert fitted_temperature(flattened, labels) == pytest.approx(1 / temperature, rel=0.1)
    assert flattened.sum(axis=1) == pytest.approx(1)
    assert (flattened.argmax(axis=1) == true.argmax(axis=1)).all(), "the classes are the same"


def test_a_network_without_errors_on_few_examples_does_not_become_certain() -> None:
    """Certainty would cost a test example that is wrong everything."""
    right = sure(0.9, 0.8, 0.9, 0.9)
    assert 0.4 < fitted_temperature(right, LABELS) < 1
    many = np.tile(right, (500, 1)), np.tile(LABELS, 500)
    assert 0.1 < fitted_temperature(*many) < fitted_temperature(right, LABELS)
