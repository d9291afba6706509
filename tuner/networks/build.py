"""Building the Keras model that a recipe's network describes."""

import keras
import numpy as np

from tuner.networks import Network, Shape, layer_table
from tuner.networks.blocks import Seeds, make_initializer

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build(network: Network, inputs: Shape, classes: int, seed: int) -> keras.Model:
    """A fresh model for scaled inputs of shape `inputs` (images may lack their channel axis); not compiled.

    `seed` decides the initial weights and dropout, layer by layer. Raises `Invalid` where the network cannot stand on that shape.
    """
    layer_table(network, inputs, classes)
    seeds = _seeds(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[network.hidden.precision])
    try:
        body = network.build(inputs, seeds)
        return keras.Sequential([keras.Input(inputs), *body, _output(network, classes, seeds)])
    finally:
        keras.config.set_dtype_policy(before)


def _output(network: Network, classes: int, seeds: Seeds) -> keras.layers.Layer:
    initializer = make_initializer(network.hidden.initializer, next(seeds))
    settings = {"kernel_initializer": initializer, "name": "output", "dtype": "float32"}
    if network.output == "signed":
        return keras.layers.Dense(1, activation="tanh", **settings)
    return keras.layers.Dense(classes, activation=network.output, **settings)


def _seeds(seed: int) -> Seeds:
    """One seed after the other for the layers; seeds of neighbouring recipes have nothing in common."""
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
