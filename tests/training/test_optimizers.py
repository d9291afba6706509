"""The fused optimizers against Keras's own: the same gradients lead to the same weights."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner.training.optimizers import FlatteningMuon, FusedAdam, FusedAdamW, FusedRmsprop, FusedSgd

CASES: list[tuple[Any, Any, dict[str, Any]]] = [
    (FusedSgd, keras.optimizers.SGD, {"learning_rate": 0.1}),
    (FusedSgd, keras.optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9}),
    (FusedSgd, keras.optimizers.SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    (FusedAdam, keras.optimizers.Adam, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    (
        FusedAdam,
        keras.optimizers.Adam,
        {"gradient_accumulation_steps": 3, "global_clipnorm": 0.5, "learning_rate": 0.01},
    ),
    (FusedAdamW, keras.optimizers.AdamW, {"learning_rate": 0.01, "weight_decay": 0.1}),
    (FusedRmsprop, keras.optimizers.RMSprop, {"learning_rate": 0.01, "rho": 0.8}),
    (FusedRmsprop, keras.optimizers.RMSprop, {"learning_rate": 0.01, "momentum": 0.5}),
    (FusedRmsprop, keras.optimizers.RMSprop, {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
]


def weights_after(optimizer: Any, steps: int, xla: bool | None = None) -> list[np.ndarray[Any, Any]]:
    """The weights that some steps with random gradients lead to; without `xla` outside of a graph."""
    generator = np.random.default_rng(0)
    variables = [keras.Variable(generator.normal(size=shape).astype(np.float32)) for shape in ((5, 3), (3,))]
    optimizer.build(variables)

    def apply(gradients: Any) -> None:
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    step = apply if xla is None else tf.function(apply, jit_compile=xla)
    for _ in range(steps):
        step([tf.constant(generator.normal(size=each.shape).astype(np.float32)) for each in variables])
    return [np.asarray(each) for each in variables]


def test_muon_takes_kerass_steps_for_flattened_convolutions() -> None:
    """Keras's Muon leaves kernels of four dimensions to AdamW; there it gets the same kernel with two."""
    shapes = {"convolution": (3, 3, 2, 4), "depthwise": (3, 3, 4, 1), "dense": (5, 3), "bias": (3,), "output": (3, 2)}
    flat = {**shapes, "convolution": (18, 4)}
    generator = np.random.default_rng(0)
    starts, gradients = ([generator.normal(size=each).astype(np.float32) for each in shapes.values()] for _ in "ab")
    moved = []
    for make, places in ((FlatteningMuon, shapes), (keras.optimizers.Muon, flat)):
        optimizer = make(learning_rate=0.1, weight_decay=0.1, adam_weight_decay=0.1, exclude_layers=["output"])
        variables = [
            keras.Variable(each.reshape(shape), name=name)
            for (name, shape), each in zip(places.items(), starts, strict=True)
        ]
        optimizer.build(variables)
        for _ in range(3):
            steps = [tf.constant(array.reshape(each.shape)) for array, each in zip(gradients, variables, strict=True)]
            optimizer.apply_gradients(zip(steps, variables, strict=True))
        moved.append([np.asarray(each) for each in variables])
    for ours, theirs in zip(*moved, strict=True):
        np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=2e-5, atol=1e-6)


def test_ntk_rates_depend_on_the_kind_of_a_variable_and_biases_do_not_decay() -> None:
    """The first step of Adam is the learning rate, whatever the gradient."""
    shapes = {"kernel": (16, 2), "bias": (2,), "before": (4, 2)}
    variables = [keras.Variable(np.ones(shape, np.float32), name=name) for name, shape in shapes.items()]
    optimizer = FusedAdamW(learning_rate=0.01, weight_decay=1.0, rates="ntk", epsilon=1e-12)
    optimizer.build(variables)
    optimizer.apply_gradients([(tf.ones_like(each.value), each) for each in variables])
    moved = [1 - float(np.asarray(each).max()) for each in variables]
    np.testing.assert_allclose(moved, [0.01 + 0.01 / 4, 0.001, 0.01 + 0.01], rtol=1e-3)


def test_keras_2s_rmsprop_adds_epsilon_to_the_root() -> None:
    """Its formula, step by step, with an epsilon large enough to tell the two places apart."""
    generator = np.random.default_rng(0)
    starts: list[np.ndarray[Any, Any]] = [generator.normal(size=shape).astype(np.float32) for shape in ((5, 3), (3,))]
    squares = [np.zeros_like(each) for each in starts]
    for _ in range(20):
        for index, start in enumerate(starts):
            gradient = generator.normal(size=start.shape).astype(np.float32)
            squares[index] = 0.8 * squares[index] + 0.2 * gradient**2
            starts[index] = start - 0.01 * gradient / (np.sqrt(squares[index]) + 0.1)
    numbers: dict[str, Any] = {"learning_rate": 0.01, "rho": 0.8, "epsilon": 0.1}
    for xla in (False, True):
        for ours, expected in zip(
            weights_after(FusedRmsprop(epsilon_outside=True, **numbers), 20, xla), starts, strict=True
        ):
            np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6)
    inside = weights_after(FusedRmsprop(**numbers), 20)
    assert np.abs(inside[0] - starts[0]).max() > 1e-3


@pytest.mark.parametrize(("fused", "plain", "settings"), CASES, ids=lambda each: getattr(each, "__name__", ""))
def test_fused_steps_are_kerass(fused: Any, plain: Any, settings: dict[str, Any]) -> None:
    expected = weights_after(plain(**settings), 20)
    for xla in (False, True):
        for ours, theirs in zip(weights_after(fused(**settings), 20, xla), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)
