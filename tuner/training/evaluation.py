"""A network's predictions and scores, and how long predicting takes."""

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
from tuner.networks.outputs import flat, symbolic_outputs
from tuner.recipe import Recipe, describe
from tuner.result import Scores
from tuner.training.own_model import OwnModel
from tuner.training.parts import EVALUATION_BATCH, Part, Scaler, in_batches

CALLS = 60
WARM_UP_CALLS = 10
SHUFFLES = 5


def predict(model: keras.Model, scale: Scaler, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The network's outputs (n, classes), or (n, 1) for a signed output, several ones side by side, for inputs as stored."""
    call = tf.function(lambda batch: flat(model(scale(batch), training=False)), autograph=False, reduce_retracing=True)
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


def evaluate_in_graph(
    model: keras.Model, scale: Scaler, part: Part, *, is_static: bool = False, own: OwnModel | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Loss and metrics of a part as by the model's `test_step`, in large batches, and the outputs, several ones side by side. Called
    while tracing. If it `is_static`, shapes are constants."""
    model.reset_metrics()
    model._loss_tracker.reset_state()
    count = len(part) if is_static else tf.shape(part.inputs)[0]
    size = min(EVALUATION_BATCH, len(part)) if is_static else EVALUATION_BATCH
    whole, rest = (count // size, count % size) if is_static else (-(-count // size), 0)
    shape = flat(output_of(model, part)).shape[1:]
    outputs = tf.TensorArray(tf.float32, whole, infer_shape=False, element_shape=[None, *shape])

    def body(number: tf.Tensor, outputs: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        batch = part.batch(scale, number * size, size if is_static else None)
        return number + 1, outputs.write(number, tf.cast(_tested(model, own, *batch), tf.float32))

    _, outputs = tf.while_loop(lambda number, _: number < whole, body, [tf.constant(0), outputs])
    last = [_tested(model, own, *part.batch(scale, whole * size, rest))] if rest else []
    tracker = None if own and own.has_own_test and own.counts_loss else model._loss_tracker
    return tf.stack(figures_in_graph(model, tracker)), tf.concat([outputs.concat(), *last], axis=0)


def _tested(model: keras.Model, own: OwnModel | None, inputs: tf.Tensor, *truth_and_weights: tf.Tensor) -> tf.Tensor:
    """Keras's `test_step`, which does not return the outputs, or the model's own."""
    outputs = model(inputs, training=False)
    truth, *weights = truth_and_weights
    truth = own.truth(truth) if own else truth
    if own and own.has_own_test:
        own.count(model.test_step((inputs, truth, *weights)), tf.shape(inputs)[0])
        return flat(outputs)
    if own and own.loss:
        loss = own.loss(truth, outputs, *weights)
    else:
        loss = model._compute_loss(inputs, truth, outputs, *weights, training=False)
    model._loss_tracker.update_state(loss, sample_weight=tf.shape(inputs)[0])
    model.compute_metrics(inputs, truth, outputs, *weights)
    return flat(outputs)


def evaluate(model: keras.Model, scale: Scaler, part: Part, own: OwnModel | None = None) -> Scores:
    """Loss and metrics of a compiled model over a part, in one call into the graph."""
    build_variables(model, part, own)
    figures, _ = tf.function(lambda: evaluate_in_graph(model, scale, part, own=own), autograph=False)()
    return scores_in_float32(figures, figure_names(model))


def scores_in_float32(figures: tf.Tensor, names: Sequence[str] = ("accuracy",)) -> Scores:
    """The loss and metrics with these names, in the digits of float32: 0.9145 instead of 0.9144999980926514."""
    loss, *values = (float(f"{figure:.7g}") for figure in figures.numpy())
    return Scores(loss=loss, figures=dict(zip(names, values, strict=True)))


def figure_names(model: keras.Model) -> tuple[str, ...]:
    """The names of a compiled model's metrics, without the loss."""
    return tuple(name for name in model.get_metrics_result() if name != "loss")


def build_variables(model: keras.Model, part: Part, own: OwnModel | None = None) -> None:
    """Create all variables before tracing, since a graph loop cannot create any. `fit` does so on its first batch, by tracing the
    model once more."""
    model.optimizer.build(model.trainable_variables)
    truth = keras.KerasTensor((None, *part.targets.shape[1:]), part.targets.dtype.name)
    for each in (model._compile_metrics, model._compile_loss):
        if each is not None and not each.built:
            each.build(own.truth(truth) if own else truth, output_of(model, part))


def output_of(model: keras.Model, part: Part) -> Any:
    """The symbolic outputs of a model for inputs like those of a part."""
    return symbolic_outputs(model, part.inputs.shape[1:])


def figures_in_graph(model: keras.Model, loss: keras.metrics.Metric | None = None) -> list[tf.Tensor]:
    """The running means of loss (by another metric, if there is one) and metrics, in the order of `figure_names`. Called while
    tracing."""
    results = model.get_metrics_result()
    if loss is not None or "loss" not in results:
        results = {**results, "loss": (loss or model._loss_tracker).result()}
    return [tf.cast(results[name], tf.float32) for name in ("loss", *figure_names(model))]
