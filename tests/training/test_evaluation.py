"""What a network says: in parts as at once, attacked, all over the plane, as classes."""

import keras
import numpy as np
import pytest

from tuner.training.evaluation import classes_of, predict
from tuner.training.parts import Scaler
from tuner.training.replication import PLANE, decision_regions, predict_attacked

PLAIN = Scaler(np.asarray(0.0, np.float32), np.asarray(1.0, np.float32))
HALF = Scaler(np.asarray(1.0, np.float32), np.asarray(0.5, np.float32))


def linear(weights: list[list[float]], activation: str = "linear") -> keras.Model:
    """A network of one layer with these weights and no bias."""
    model = keras.Sequential([keras.layers.Input((len(weights),)), keras.layers.Dense(len(weights[0]), activation)])
    model.layers[0].set_weights([np.array(weights, np.float32), np.zeros(len(weights[0]), np.float32)])
    return model


def test_outputs_in_parts_are_those_of_each_input() -> None:
    inputs = np.arange(2500 * 2, dtype=np.uint16).reshape(2500, 2)
    outputs = predict(linear([[1.0, 0.0], [0.0, 1.0]]), HALF, inputs)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, (inputs - 1.0) * 0.5)


def test_nothing_is_dropped_out_of_a_prediction() -> None:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dropout(0.5), keras.layers.BatchNormalization()])
    model.compile(loss="mean_squared_error")
    inputs = np.ones((50, 4), np.float32)
    wanted = 1 / np.sqrt(1.001)
    np.testing.assert_allclose(predict(model, PLAIN, inputs), wanted, rtol=1e-5)
    np.testing.assert_allclose(predict_attacked(model, PLAIN, inputs, inputs, 0.2), wanted, rtol=1e-5)


def test_an_attack_goes_along_the_sign_of_the_gradient_within_the_values_of_its_batch() -> None:
    model = linear([[2.0], [-3.0]])
    model.compile(loss="mean_squared_error")
    inputs = np.random.default_rng(0).uniform(0, 1, (1500, 2)).astype(np.float32)
    inputs[[0, 1, 1024, 1025]] = [[0, 0], [1, 1], [0, 0], [1, 1]]
    targets = np.full((1500, 1), 10.0, np.float32)  # more than any output: the loss grows where the output falls
    outputs = predict_attacked(model, PLAIN, inputs, targets, 0.1)
    moved = np.clip(inputs + 0.1 * np.array([-1, 1]), 0, 1)
    np.testing.assert_allclose(outputs, moved @ np.array([[2.0], [-3.0]]), atol=1e-5)
    assert predict_attacked(model, PLAIN, inputs, targets, 0.0) == pytest.approx(predict(model, PLAIN, inputs))


def test_the_plane_is_read_from_the_top_left() -> None:
    assert (len(PLANE), PLANE[0], PLANE[-1], PLANE[20]) == (41, -6.0, 6.0, 0.0)
    up = decision_regions(linear([[0.0], [1 / 6]]), PLAIN)
    assert len(up) == 41
    assert {len(row) for row in up} == {41}
    assert [set(up[index]) for index in (0, 10, 20, 30, 40)] == [{"9"}, {"7"}, {"5"}, {"2"}, {"0"}]
    right = decision_regions(linear([[1 / 6], [0.0]]), PLAIN)
    assert right[0][::10] == right[40][::10] == "02579"


def test_of_two_outputs_the_second_says_how_surely_it_is_the_second_class() -> None:
    regions = decision_regions(linear([[5.0, 1 / 6], [0.0, 0.0]]), PLAIN)
    assert regions[0][::10] == "00059", "below nothing is nothing, and one is nine"
    broken = linear([[1.0], [1.0]])
    broken.layers[0].set_weights([np.full((2, 1), np.nan, np.float32), np.zeros(1, np.float32)])
    assert set("".join(decision_regions(broken, PLAIN))) == {"0"}


def test_a_class_is_the_largest_output_or_the_sign_of_a_single_one() -> None:
    assert classes_of(np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], np.float32)).tolist() == [1, 0]
    assert classes_of(np.array([[-0.5], [0.0], [0.5]], np.float32)).tolist() == [0, 0, 1]
    assert classes_of(np.array([[0.2, 0.8]], np.float32)).tolist() == [1]
