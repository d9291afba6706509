"""A network's predictions, and how long they take."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.metric_functions import class_probabilities
from tuner.networks.build import build
from tuner.networks.layer import input_shape
from tuner.recipe import Recipe, describe
from tuner.training.parts import Scaler, in_batches

CALLS = 60
WARM_UP_CALLS = 10
SHUFFLES = 5


def predict(model: keras.Model, scale: Scaler, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The network's outputs (n, classes), or (n, 1) for a signed output, for inputs as stored."""
    call = tf.function(lambda batch: model(scale(batch), training=False), autograph=False, reduce_retracing=True)
    return in_batches(call, inputs)


def to_probabilities(outputs: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """Outputs as probabilities (n, classes) or (n, labels); those of a regression unchanged."""
    is_classed = recipe.data.task == "classification"
    return class_probabilities(outputs, recipe.network.output) if is_classed else outputs


def classes_of(outputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """The predicted class numbers (n,): the largest output, or the sign of a single one."""
    return np.asarray(outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1), np.int64)


def column_importances(
    model: keras.Model, inputs: NDArray[Any], columns: Sequence[slice], metric: Callable[[NDArray[Any]], float]
) -> Iterator[tuple[float, float]]:
    """The change of a metric of the outputs where the places of one column in coded rows (n, places) are shuffled among the rows:
    mean and standard deviation over some shuffles, for each of the columns (Breiman 2001)."""
    call = tf.function(lambda batch: model(batch, training=False), autograph=False, reduce_retracing=True)
    generator, before = np.random.default_rng(0), metric(in_batches(call, inputs))
    for places in columns:
        changes = []
        for _ in range(SHUFFLES):
            shuffled = inputs.copy()
            shuffled[:, places] = generator.permutation(inputs[:, places])
            changes.append(metric(in_batches(call, shuffled)) - before)
        yield statistics.fmean(changes), statistics.stdev(changes)


def latency(recipe: Recipe) -> float:
    """Median milliseconds of the prediction of one example. The network is not trained, since its weights do not matter."""
    data = describe(recipe.data)
    model = build(recipe.network, data.inputs, data.outputs, recipe.seed)
    call = tf.function(lambda batch: model(batch, training=False), autograph=False)
    example = tf.constant(np.zeros((1, *input_shape(data.inputs)), np.float32))
    seconds = []
    for number in range(WARM_UP_CALLS + CALLS):
        started = time.perf_counter()
        call(example).numpy()
        if number >= WARM_UP_CALLS:
            seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)
