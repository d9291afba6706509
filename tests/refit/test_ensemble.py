"""Which networks are averaged."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.refit.ensemble import at_temperature, ensemble_loss, fitted_temperature, log_loss, select_ensemble

LABELS = np.array([0, 0, 1, 1])


def sure(*right: float) -> NDArray[np.float32]:
    """Probabilities of two classes, with so much for the true one of each example."""
    rows = [[p, 1 - p] if label == 0 else [1 - p, p] for p, label in zip(right, LABELS, strict=True)]
    return np.array(rows, dtype=np.float32)


def test_networks_are_chosen_as_long_as_the_average_gets_better() -> None:
    good, other, bad = sure(0.9, 0.9, 0.9, 0.2), sure(0.9, 0.9, 0.3, 0.9), sure(0.1, 0.1, 0.1, 0.1)
    assert set(select_ensemble([bad, good, other], LABELS, most=8)) == {1, 2}
    assert select_ensemble([good, bad], LABELS, most=8) == (0,)
    assert len(select_ensemble([good, other, good, other], LABELS, most=2)) == 2


def test_what_counts_nothing_chooses_nothing() -> None:
    first, second = sure(0.9, 0.9, 0.9, 0.1), sure(0.1, 0.9, 0.8, 0.9)
    for favourite, weights in ((0, [1.0, 1.0, 1.0, 0.0]), (1, [0.0, 1.0, 1.0, 1.0])):
        assert select_ensemble([first, second], LABELS, 1, np.array(weights)) == (favourite,)


@pytest.mark.parametrize("task", ["classes", "labels", "numbers"])
def test_a_weight_of_two_is_the_example_twice(task: str) -> None:
    generator = np.random.default_rng(0)
    outputs, weights = generator.random((9, 3)), generator.integers(1, 3, 9)
    true: NDArray[Any] = generator.random((9, 3))
    if task == "classes":
        outputs, true = outputs / outputs.sum(axis=1, keepdims=True), generator.integers(0, 3, 9)
    elif task == "labels":
        true = (true > 0.5).astype(np.uint8)
    twice = np.repeat(np.arange(9), weights)
    assert ensemble_loss(outputs, true, weights) == pytest.approx(ensemble_loss(outputs[twice], true[twice]), rel=1e-6)


def test_a_network_that_adds_nothing_is_not_averaged() -> None:
    good, other = sure(0.9, 0.9, 0.9, 0.2), sure(0.9, 0.9, 0.3, 0.9)
    assert select_ensemble([good, good], LABELS, most=8) == (0,)
    assert len(select_ensemble([good, other], LABELS, most=1)) == 1
    assert len(select_ensemble([good, other], LABELS, most=8)) == 2


def test_numbers_are_averaged_and_not_summed() -> None:
    """Too large and too small are nearly right together; what is right alone is not averaged with its treble."""
    true = np.array([[1.0], [2.0], [4.0]], dtype=np.float32)
    assert select_ensemble([np.float32(1.3) * true, np.float32(0.8) * true], true, most=8) == (1, 0)
    assert select_ensemble([true, 3 * true], true, most=8) == (0,)
    assert ensemble_loss(true.astype(np.float64), true) == pytest.approx(-1.0)


def test_labels_have_the_mean_log_loss_of_each() -> None:
    true = np.array([[0, 1], [1, 1]], dtype=np.uint8)
    outputs = np.array([[0.2, 0.9], [0.8, 0.7]])
    expected = -np.log([[0.8, 0.9], [0.8, 0.7]]).mean()
    assert ensemble_loss(outputs, true) == pytest.approx(expected)


def test_classes_have_the_log_loss_at_the_temperature_that_makes_it_lowest() -> None:
    """Sharpened and flattened probabilities have the same one."""
    outputs = sure(0.9, 0.8, 0.7, 0.2)
    powers = [outputs.astype(np.float64) ** power for power in (0.5, 1.0, 2.0)]
    losses = [log_loss(each / each.sum(axis=1, keepdims=True), LABELS) for each in powers]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-3)
    assert losses[0] <= -np.log([0.9, 0.8, 0.7, 0.2]).mean()


@pytest.mark.parametrize(("right", "temperature"), [(0.6, 0.1), (0.01, 10.0)])
def test_temperatures_are_from_a_tenth_to_ten(right: float, temperature: float) -> None:
    """Where all are right the lowest one is best, where all are wrong the highest one."""
    shares = np.array([right, 1 - right]) ** (1 / temperature)
    expected = -np.log(shares[0] / shares.sum())
    assert log_loss(sure(right, right, right, right), LABELS) == pytest.approx(expected, rel=0.01)


def test_a_probability_of_zero_counts_as_a_ten_millionth() -> None:
    wrong = sure(0.0, 1.0, 1.0, 1.0)
    smallest = sure(1e-7, 1.0, 1.0, 1.0)
    assert log_loss(wrong, LABELS) == pytest.approx(log_loss(smallest, LABELS), rel=1e-4)
    assert 0.1 < log_loss(wrong, LABELS) < 2.0


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
