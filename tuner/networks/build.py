"""Building the Keras model that a recipe's network describes."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from tuner.networks.layers import FastDropout, FusedBatchNormalization, LocallyConnectedLayer
from tuner.networks.shapes import Shape, image_shape, layer_table
from tuner.recipe import (
    Activation,
    ConstantInitializer,
    Convolutional,
    Dense,
    Elu,
    Hidden,
    Initializer,
    LeakyRelu,
    LocallyConnected,
    Network,
    NormalInitializer,
    PlainInitializer,
)

Layers = Iterator[keras.layers.Layer]
Seeds = Iterator[int]


def build(network: Network, inputs: Shape, classes: int, seed: int) -> keras.Model:
    """A fresh model for scaled inputs of shape `inputs` (images may lack their channel axis); not compiled.

    `seed` decides the initial weights and dropout, layer by layer. Raises `Invalid` where the network cannot stand on that shape.
    """
    layer_table(network, inputs, classes)
    seeds = _seeds(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[network.hidden.precision])
    try:
        body = BUILDERS[network.kind](network, inputs, seeds)  # type: ignore[operator]
        return keras.Sequential([keras.Input(inputs), *body, _output(network, classes, seeds)])
    finally:
        keras.config.set_dtype_policy(before)


def _dense(network: Dense, inputs: Shape, seeds: Seeds) -> Layers:
    if len(inputs) > 1:
        yield keras.layers.Flatten()
    yield from _dropout(network.input_dropout, seeds)
    yield from _dense_stack(network.hidden, network.widths, seeds)


def _convolutional(network: Convolutional, inputs: Shape, seeds: Seeds) -> Layers:
    if len(inputs) == 2:
        yield keras.layers.Reshape(image_shape(inputs))
    for number, filters in enumerate(network.filters, start=1):
        make = _layer(keras.layers.Conv2D, filters, kernel_size=network.kernel, padding=network.padding)
        ends_block = number % network.pool_every == 0 or number == len(network.filters)
        block = _block(network.hidden, make, seeds)
        yield from _pooled(network, block) if ends_block and network.pool > 1 else block
        if ends_block:
            yield from _dropout(network.convolution_dropout, seeds)
    yield keras.layers.Flatten() if network.bridge == "flatten" else keras.layers.GlobalAveragePooling2D()
    yield from _dense_stack(network.hidden, network.widths, seeds)


def _locally_connected(network: LocallyConnected, inputs: Shape, seeds: Seeds) -> Layers:
    if network.dimensions == 1:
        yield keras.layers.Reshape((-1, 1))
    elif len(inputs) == 2:
        yield keras.layers.Reshape(image_shape(inputs))
    for filters in network.filters:
        make = _layer(LocallyConnectedLayer, filters, window=network.window, stride=network.stride)
        yield from _block(network.hidden, make, seeds)
    yield keras.layers.Flatten()
    yield from _dense_stack(network.hidden, network.widths, seeds)


def _pooled(network: Convolutional, block: Layers) -> Layers:
    """Pooling at the end of a block. The maximum of a rising function is the function of the maximum: where nothing but
    the activation stands between convolution and pooling, it is computed after it, on a quarter of the numbers."""
    hidden = network.hidden
    convolution, *rest = block
    pooling = keras.layers.MaxPooling2D(network.pool)
    if rest or hidden.activity_l1 or hidden.activation.kind not in RISING:
        yield from (convolution, *rest, pooling)
        return
    convolution.activation = keras.activations.linear
    yield from (convolution, pooling, keras.layers.Activation(make_activation(hidden.activation)))


RISING = {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "selu", "softplus", "softsign", "relu6"}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
BUILDERS = {"dense": _dense, "convolutional": _convolutional, "locally_connected": _locally_connected}


def _dense_stack(hidden: Hidden, widths: tuple[int, ...], seeds: Seeds) -> Layers:
    for width, rate in zip(widths, hidden.dropout_rates(len(widths)), strict=True):
        yield from _block(hidden, _layer(keras.layers.Dense, width), seeds)
        yield from _dropout(rate, seeds)


def _layer(kind: Callable[..., keras.layers.Layer], size: int, **numbers: object) -> Callable[..., keras.layers.Layer]:
    return lambda **settings: kind(size, **numbers, **settings)


def _block(hidden: Hidden, make: Callable[..., keras.layers.Layer], seeds: Seeds) -> Layers:
    """A layer with weights, its activation, and batch normalization where it belongs."""
    settings = {
        "kernel_initializer": make_initializer(hidden.initializer, next(seeds)),
        "kernel_regularizer": _kernel_regularizer(hidden),
    }
    activity = ActivityL1(hidden.activity_l1) if hidden.activity_l1 else None
    if hidden.batch_normalization == "before":
        yield make(**settings)
        yield FusedBatchNormalization()
        yield keras.layers.Activation(make_activation(hidden.activation), activity_regularizer=activity)
        return
    yield make(**settings, activation=make_activation(hidden.activation), activity_regularizer=activity)
    if hidden.batch_normalization == "after":
        yield FusedBatchNormalization()


@keras.saving.register_keras_serializable("tuner")
class ActivityL1(keras.regularizers.L1):  # type: ignore[misc]
    """Keras's L1, summed in float32: in bfloat16 Keras cannot add it to the other losses."""

    def __call__(self, x: Any) -> Any:
        """The factor times the sum of the absolute outputs."""
        return super().__call__(keras.ops.cast(x, "float32"))


def _output(network: Network, classes: int, seeds: Seeds) -> keras.layers.Layer:
    initializer = make_initializer(network.hidden.initializer, next(seeds))
    settings = {"kernel_initializer": initializer, "name": "output", "dtype": "float32"}
    if network.output == "signed":
        return keras.layers.Dense(1, activation="tanh", **settings)
    return keras.layers.Dense(classes, activation=network.output, **settings)


def _dropout(rate: float, seeds: Seeds) -> Layers:
    if rate > 0:
        yield FastDropout(rate, seed=next(seeds))


def make_activation(activation: Activation) -> "str | keras.layers.Layer":
    """What Keras's `activation=` takes."""
    match activation:
        case LeakyRelu(slope=slope):
            return keras.layers.LeakyReLU(negative_slope=slope)
        case Elu(alpha=alpha):
            return "elu" if alpha == 1.0 else keras.layers.ELU(alpha=alpha)
        case _:
            return activation.kind


def make_initializer(initializer: Initializer, seed: int) -> keras.initializers.Initializer:
    """Keras's kernel initializer with a seed of its own."""
    match initializer:
        case ConstantInitializer(value=value):
            return keras.initializers.Constant(value)
        case NormalInitializer(stddev=stddev):
            return keras.initializers.RandomNormal(stddev=stddev, seed=seed)
        case PlainInitializer(kind="zeros"):
            return keras.initializers.Zeros()
        case PlainInitializer(kind=kind):
            return keras.initializers.get({"class_name": kind, "config": {"seed": seed}})


def _kernel_regularizer(hidden: Hidden) -> keras.regularizers.Regularizer | None:
    if hidden.kernel_l1 and hidden.kernel_l2:
        return keras.regularizers.L1L2(l1=hidden.kernel_l1, l2=hidden.kernel_l2)
    if hidden.kernel_l1:
        return keras.regularizers.L1(hidden.kernel_l1)
    return keras.regularizers.L2(hidden.kernel_l2) if hidden.kernel_l2 else None


def _seeds(seed: int) -> Seeds:
    """One seed after the other for the layers; seeds of neighbouring recipes have nothing in common."""
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
