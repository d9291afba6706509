"""Which networks are averaged."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.refit.ensemble import ensemble_loss, select_ensemble

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
