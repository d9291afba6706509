"""Building: one contract for every family, and what lands where."""

from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tuner.base.decode import decode, kinds
from tuner.networks import (
    Convolutional,
    Dense,
    Elu,
    Hidden,
    LeakyRelu,
    LocallyConnected,
    Network,
    PlainActivation,
    PlainInitializer,
    Staged,
    layer_table,
)
from tuner.networks.build import build
from tuner.networks.layers import FastDropout, FusedBatchNormalization, LocallyConnectedLayer

HIDDEN = [
    Hidden(),
    Hidden(activation=LeakyRelu(), batch_normalization="before", dropout=0.5, kernel_l2=0.01),
    Hidden(activation=Elu(alpha=0.5), batch_normalization="after", kernel_l1=0.01, activity_l1=0.01),
    Hidden(activation=PlainActivation(kind="tanh"), initializer=PlainInitializer(kind="he_normal"), kernel_l2=0.01),
]


def of_every_kind(hidden: Hidden) -> list[Network]:
    """A small network of each family, for 8×8 images."""
    return [
        Dense(widths=(6, 5), hidden=hidden, input_dropout=0.1),
        Convolutional(filters=(3, 4), padding="same", widths=(5,), hidden=hidden, convolution_dropout=0.1),
        Convolutional(filters=(3,), bridge="average", hidden=hidden, pool=1),
        Staged(filters=(3, 4), stem=2, stem_reduces="pool", widths=(5,), hidden=hidden, stage_dropout=0.1),
        Staged(filters=(3, 4), block="residual", blocks=2, stem=2, stem_reduces="stride", hidden=hidden),
        Staged(filters=(3, 4), block="separable", blocks=2, bridge="flatten", hidden=hidden),
        LocallyConnected(filters=(3, 2), widths=(5,), hidden=hidden),
        LocallyConnected(filters=(3,), dimensions=2, stride=2, hidden=hidden),
        *(smallest(kind, hidden) for kind in kinds(Network) if kind != "function"),
    ]


def smallest(kind: str, hidden: Hidden) -> Network:
    """A family's network with one hidden layer and its defaults: so that the contract holds for one that is added, too."""
    record = kinds(Network)[kind]
    sizes = {each.name: [4] for each in fields(record) if each.default is MISSING}
    plain = {"kind": kind, **sizes, "hidden": hidden}
    return decode(Network, plain)  # type: ignore[arg-type]


CASES = [network for hidden in HIDDEN for network in of_every_kind(hidden)]


@cache
def built(network: Network) -> keras.Model:
    """A network for 8×8 images and four classes, with the weights of seed 1."""
    return build(network, (8, 8), 4, seed=1)


@pytest.mark.parametrize("network", CASES, ids=lambda network: f"{network.kind}")
def test_a_network_is_built_as_its_table_says(network: Network) -> None:
    model = built(network)
    assert model.output_shape == (None, 4)
    counts = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert counts == [layer.parameters for layer in layer_table(network, (8, 8), 4) if layer.parameters]
    probabilities = np.asarray(model(np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("network", of_every_kind(HIDDEN[1]), ids=lambda network: f"{network.kind}")
def test_the_seed_decides_the_weights(network: Network) -> None:
    same, other = (build(network, (8, 8), 4, seed=seed).get_weights() for seed in (1, 2))
    one = built(network).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_layers_of_one_network_start_from_different_weights() -> None:
    weights = build(Dense(widths=(8, 8)), (8,), 8, seed=3).get_weights()
    assert not np.array_equal(weights[0], weights[2])


def test_regularizers_and_dropout_are_on_hidden_layers_only() -> None:
    hidden = Hidden(kernel_l2=0.5, activity_l1=0.25, dropout=(0.1, 0.3))
    model = build(Dense(widths=(4, 4), hidden=hidden), (4,), 3, seed=0)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Dense", "FastDropout", "Dense", "FastDropout", "Dense"]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.1, 0.3]
    assert model.layers[0].kernel_regularizer is not None
    assert model.layers[0].activity_regularizer is not None
    assert model.layers[-1].kernel_regularizer is None


def test_batch_normalization_comes_before_or_after_the_activation() -> None:
    before = build(Dense(widths=(4,), hidden=HIDDEN[1]), (4,), 3, seed=0)
    after = build(Dense(widths=(4,), hidden=HIDDEN[2]), (4,), 3, seed=0)
    assert [type(layer).__name__ for layer in before.layers[:3]] == ["Dense", "FusedBatchNormalization", "Activation"]
    assert [type(layer).__name__ for layer in after.layers[:2]] == ["Dense", "FusedBatchNormalization"]


def test_the_old_slope_of_leaky_relu_is_kept() -> None:
    hidden = Hidden(activation=LeakyRelu())
    model = build(Dense(widths=(1,), hidden=hidden, output="linear"), (1,), 1, seed=0)
    model.layers[0].set_weights([np.ones((1, 1)), np.zeros(1)])
    model.layers[1].set_weights([np.ones((1, 1)), np.zeros(1)])
    np.testing.assert_allclose(model(np.array([[-1.0]])), [[-0.3]], rtol=1e-6)


def test_a_signed_output_is_one_tanh_unit() -> None:
    model = build(Dense(widths=(3,), output="signed"), (2,), 2, seed=0)
    assert model.output_shape == (None, 1)
    assert model.layers[-1].activation is keras.activations.tanh


def slow_local(inputs: Any, kernel: Any, bias: Any, window: int, stride: int) -> Any:
    """The layer by definition: a loop over places."""
    spatial = [(length - window) // stride + 1 for length in inputs.shape[1:-1]]
    output = np.zeros((len(inputs), *spatial, kernel.shape[-1]))
    for number, place in enumerate(np.ndindex(*spatial)):
        region = tuple(slice(p * stride, p * stride + window) for p in place)
        patch = inputs[(slice(None), *region)].reshape(len(inputs), -1)
        output[(slice(None), *place)] = patch @ kernel[number] + bias[number]
    return output


@pytest.mark.parametrize(
    ("shape", "window", "stride"), [((9, 2), 3, 1), ((9, 1), 2, 3), ((5, 6, 2), 3, 1), ((7, 7, 1), 3, 2)]
)
def test_the_local_layer_follows_its_definition(shape: tuple[int, ...], window: int, stride: int) -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(4, *shape)).astype(np.float32)
    layer = LocallyConnectedLayer(3, window, stride)
    layer.build((None, *shape))
    weights = [generator.normal(size=weight.shape) for weight in layer.get_weights()]
    layer.set_weights(weights)
    expected = slow_local(inputs, weights[0], weights[1], window, stride)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


def test_a_local_layer_with_equal_weights_is_a_convolution() -> None:
    inputs = np.random.default_rng(0).normal(size=(2, 6, 6, 2)).astype(np.float32)
    convolution = keras.layers.Conv2D(3, 3)
    expected = convolution(inputs)
    kernel, bias = convolution.get_weights()
    layer = LocallyConnectedLayer(3, 3)
    layer.build((None, 6, 6, 2))
    layer.set_weights([np.tile(kernel.reshape(1, 18, 3), (16, 1, 1)), np.tile(bias, (16, 1))])
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


def test_the_local_layers_gradient_is_that_of_its_definition() -> None:
    import tensorflow as tf

    generator = np.random.default_rng(1)
    inputs = tf.constant(generator.normal(size=(4, 7, 2)), tf.float32)
    layer = LocallyConnectedLayer(3, 3, 2)
    layer.build((None, 7, 2))
    with tf.GradientTape() as fast:
        loss = tf.reduce_sum(layer(inputs) ** 2)
    with tf.GradientTape() as slow:
        patches = [tf.reshape(inputs[:, 2 * place : 2 * place + 3], (4, -1)) for place in range(3)]
        outputs = [patch @ layer.kernel[place] + layer.bias[place] for place, patch in enumerate(patches)]
        reference = tf.reduce_sum(tf.stack(outputs) ** 2)
    wanted = slow.gradient(reference, layer.trainable_variables)
    for ours, theirs in zip(fast.gradient(loss, layer.trainable_variables), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_with_local_layers_is_saved_and_read_back(tmp_path: Path) -> None:
    model = build(LocallyConnected(filters=(2,), hidden=HIDDEN[1]), (4, 4), 3, seed=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    inputs = np.random.default_rng(0).random((2, 4, 4), dtype=np.float32)
    np.testing.assert_array_equal(model(inputs), again(inputs))


@pytest.mark.parametrize("xla", [False, True])
def test_fast_dropout_drops_at_its_rate_and_keeps_the_mean(xla: bool) -> None:
    import tensorflow as tf

    inputs, rates = tf.ones((101, 7, 51), tf.float32), (0.1, 0.25, 0.7)

    def twice(seed: int) -> Any:
        layers = [FastDropout(rate, seed=seed) for rate in rates]
        for layer in layers:
            layer.build(inputs.shape)
            assert layer(inputs) is inputs
        call = tf.function(lambda: [layer(inputs, training=True) for layer in layers], autograph=False, jit_compile=xla)
        return np.stack([call(), call()], axis=1)

    for rate, dropped, same, other in zip(rates, twice(seed=3), twice(seed=3), twice(seed=4), strict=True):
        share = 4 * np.sqrt(rate * (1 - rate) / dropped.size)  # four standard errors
        assert abs((dropped == 0).mean() - rate) < share
        np.testing.assert_allclose(dropped[dropped > 0], 1 / (1 - rate), rtol=1e-4)
        both = (dropped == 0).all(axis=0).mean()
        assert abs(both - rate**2) < 2 * share
        np.testing.assert_array_equal(dropped, same)
        assert not np.array_equal(dropped, other)


@pytest.mark.parametrize("shape", [(64, 5), (8, 6, 6, 3)])
def test_fused_batch_normalization_is_keras(shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    inputs = tf.constant(np.random.default_rng(0).normal(3, 2, size=shape), tf.float32)
    ours, theirs = FusedBatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    for _ in range(3):
        gradients = []
        for layer in (ours, theirs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                loss = tf.reduce_sum(layer(inputs, training=True) ** 3)
            gradients.append(tape.gradient(loss, [inputs, *layer.trainable_variables]))
        for mine, wanted in zip(*gradients, strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-3, atol=2e-3)
    for mine, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours(inputs), theirs(inputs), rtol=1e-4, atol=1e-4)


def test_pooling_before_a_rising_activation_changes_nothing() -> None:
    images = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
    for activation in (PlainActivation(kind="relu"), LeakyRelu(), Elu(), PlainActivation(kind="tanh")):
        network = Convolutional(filters=(3,), widths=(4,), hidden=Hidden(activation=activation))
        model = build(network, (8, 8), 3, seed=0)
        kinds = [type(layer).__name__ for layer in model.layers]
        assert kinds[1:4] == ["Conv2D", "MaxPooling2D", "Activation"]
        usual = keras.Sequential(
            [
                keras.Input((8, 8)),
                keras.layers.Reshape((8, 8, 1)),
                keras.layers.Conv2D(3, 3, activation=model.layers[3].activation),
                keras.layers.MaxPooling2D(2),
                *model.layers[4:],
            ]
        )
        usual.layers[1].set_weights(model.layers[1].get_weights())
        np.testing.assert_allclose(model(images), usual(images), rtol=1e-5, atol=1e-6)


def test_bfloat16_computes_in_it_and_keeps_weights_and_output_in_float32() -> None:
    model = build(Dense(widths=(4,), hidden=Hidden(precision="bfloat16")), (8,), 3, seed=0)
    assert [layer.compute_dtype for layer in model.layers] == ["bfloat16", "float32"]
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
