"""How long a network takes to answer."""

import statistics
import time

import numpy as np
import tensorflow as tf

from tuner.networks import Inputs, Rows
from tuner.networks.build import build
from tuner.recipe import Recipe

CALLS = 60
WARM = 10


def latency(recipe: Recipe, inputs: Inputs, classes: int) -> float:
    """Median milliseconds from one example in memory to its outputs, on this machine. The weights do not matter, so the
    network is built and not trained."""
    model = build(recipe.network, inputs, classes, recipe.seed)
    call = tf.function(lambda batch: model(batch, training=False), autograph=False)
    shape = inputs.shape if isinstance(inputs, Rows) else inputs
    example = tf.constant(np.zeros((1, *shape), np.float32))
    seconds = []
    for number in range(WARM + CALLS):
        started = time.perf_counter()
        call(example).numpy()
        if number >= WARM:
            seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)
