"""Blocks of Keras layers from which all families are built."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras

from tuner.networks.hidden import (
    Activation,
    ConstantInitializer,
    Elu,
    Hidden,
    Initializer,
    LeakyRelu,
    NormalInitializer,
    PlainInitializer,
)
from tuner.networks.layers import FastDropout, FusedBatchNormalization

Layers = Iterator[keras.layers.Layer]
Seeds = Iterator[int]


def dense_stack(hidden: Hidden, widths: tuple[int, ...], seeds: Seeds) -> Layers:
    """Dense hidden layers, each with its dropout."""
    for width, rate in zip(widths, hidden.dropout_rates(len(widths)), strict=True):
        yield from block(hidden, partial(keras.layers.Dense, width), seeds)
        yield from dropout(rate, seeds)


def block(hidden: Hidden, make: Callable[..., keras.layers.Layer], seeds: Seeds) -> Layers:
    """The layer that `make` creates, its activation, and batch normalization before or after it. `make` gets Keras's settings of
    initial weights, penalties and activation."""
    settings = {
        "kernel_initializer": make_initializer(hidden.initializer, next(seeds)),
        "kernel_regularizer": _kernel_regularizer(hidden),
    }
    activity = ActivityL1(hidden.activity_l1) if hidden.activity_l1 else None
    if hidden.batch_normalization == "before":
        yield make(**settings)
        yield FusedBatchNormalization(momentum=hidden.normalization_momentum)
        yield keras.layers.Activation(make_activation(hidden.activation), activity_regularizer=activity)
        return
    yield make(**settings, activation=make_activation(hidden.activation), activity_regularizer=activity)
    if hidden.batch_normalization == "after":
        yield FusedBatchNormalization(momentum=hidden.normalization_momentum)


def dropout(rate: float, seeds: Seeds) -> Layers:
    """A dropout layer, unless the rate is 0."""
    if rate > 0:
        yield FastDropout(rate, seed=next(seeds))


def make_activation(activation: Activation) -> "str | keras.layers.Layer":
    """The activation as Keras's `activation=` takes it."""
    match activation:
        case LeakyRelu(slope=slope):
            return keras.layers.LeakyReLU(negative_slope=slope)
        case Elu(alpha=alpha):
            return "elu" if alpha == 1.0 else keras.layers.ELU(alpha=alpha)
        case _:
            return activation.kind


def make_initializer(initializer: Initializer, seed: int) -> keras.initializers.Initializer:
    """Keras's kernel initializer with this seed."""
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


@keras.saving.register_keras_serializable("tuner")
class ActivityL1(keras.regularizers.L1):  # type: ignore[misc]
    """Keras's L1, summed in float32, since Keras cannot add a bfloat16 penalty to the loss."""

    def __call__(self, x: Any) -> Any:
        """The penalty of these outputs."""
        return super().__call__(keras.ops.cast(x, "float32"))
