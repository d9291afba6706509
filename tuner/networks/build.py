"""From a recipe's network to a Keras model."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.networks import Inputs, Network, TabularEnsemble, layer_table
from tuner.networks.blocks import Seeds, make_initializer
from tuner.networks.columns import Rows
from tuner.networks.layers import MembersOutput, RowEncoder
from tuner.networks.shapes import encoded_shape, input_shape

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build(
    network: Network, inputs: Inputs, classes: int, seed: int, constants: Sequence[NDArray[Any]] = ()
) -> keras.Model:
    """A new model for scaled inputs (images may lack their channel axis), or for coded rows with the `constants` of their
    encoder (`tuner.networks.fitting`); not compiled. `seed` determines initial weights and dropout. Raises `Invalid` if the
    network does not fit the inputs."""
    layer_table(network, inputs, classes)
    seeds = _seeds(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[network.hidden.precision])
    try:
        front = [RowEncoder(inputs, next(seeds))] if isinstance(inputs, Rows) else []
        layers = [*front, *network.build(encoded_shape(inputs), seeds), _output(network, classes, seeds)]
        model = keras.Sequential([keras.Input(input_shape(inputs)), *layers])
    finally:
        keras.config.set_dtype_policy(before)
    if constants:
        for variable, value in zip(layers[0].non_trainable_variables, constants, strict=True):
            variable.assign(value)
    return model


def _output(network: Network, classes: int, seeds: Seeds) -> keras.layers.Layer:
    initializer = make_initializer(network.hidden.initializer, next(seeds))
    settings = {"kernel_initializer": initializer, "name": "output", "dtype": "float32"}
    units, activation = (1, "tanh") if network.output == "signed" else (classes, network.output)
    kind = MembersOutput if isinstance(network, TabularEnsemble) else keras.layers.Dense
    return kind(units, activation=activation, **settings)


def _seeds(seed: int) -> Seeds:
    """Seeds for the layers; those of consecutive seeds are independent."""
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
