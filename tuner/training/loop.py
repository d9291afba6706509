"""The epoch loop in the graph: an epoch is one or a few calls of a `tf.function` on data that is on the device. Each step is
Keras's own `train_step`; only the loop over the batches is replaced. tests/training/test_loop.py compares it with `fit`.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.networks import Dense
from tuner.recipe import Recipe, Training
from tuner.result import Scores
from tuner.training.augmentation import augmenter
from tuner.training.compiling import falling_variables
from tuner.training.parts import EVALUATION_BATCH, Measure, Part, Scaler, in_batches
from tuner.training.weights import Averages

CALL_SECONDS = 2.0
"""The approximate duration of a call into the graph. Between two calls a training can be stopped or written to disk."""

FIRST_CALL = 8
"""The steps of the very first call, while the seconds of a step are unknown."""


class EpochLoop:
    """Trains and validates a compiled model epoch by epoch; holds the traced graph functions.

    An epoch is one call into the graph, or several of about `CALL_SECONDS`; the results do not depend on their number. The
    last batch may be smaller than the others, as in `fit`. With `xla` the calls are compiled: see `xla_pays`.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: Training,
        scale: Scaler,
        training: Part,
        validation: Part | None,
        measure: Measure | None = None,
        *,
        xla: bool = False,
    ) -> None:
        self.model = model
        self.adversarial, self.augment = settings.adversarial, augmenter(settings.augmentation)
        self.batch_size = min(settings.batch_size, len(training))
        self.seconds_a_step = 0.0
        self.feed(scale, training, validation, measure)
        _build(model, training, self.batch_size)
        self.names = figure_names(model)
        self.averages = Averages(model, settings.averaging)
        self.falling = list(falling_variables(model)) if settings.regularization == "flat_cosine" else []
        self._steps = tf.function(self._train, autograph=False, jit_compile=xla)
        self._predict = tf.function(
            lambda inputs: model(inputs, training=False), autograph=False, reduce_retracing=True
        )
        self._validation = tf.function(self._validate, autograph=False, jit_compile=xla)

    def feed(self, scale: Scaler, training: Part, validation: Part | None, measure: Measure | None = None) -> None:
        """Use other examples, of the same number, without tracing again."""
        self.scale, self.training, self.validation, self.measure = scale, training, validation, measure

    def trace(self) -> None:
        """Trace and optimize the graphs, without taking a step: an epoch's seconds are those of its steps."""
        order, rates = np.arange(len(self.training), dtype=np.int32), np.zeros(self.steps, np.float32)
        none = tf.constant(0)
        self._steps(
            tf.constant(order), tf.constant(rates), tf.constant(rates), none, none, none, *self._tensors(self.training)
        )
        if self.validation:
            self._validation.get_concrete_function(*self._tensors(self.validation))

    @property
    def steps(self) -> int:
        """Optimizer steps in an epoch."""
        return -(-len(self.training) // self.batch_size)

    def steps_of(self, share: float) -> int:
        """Optimizer steps in an epoch over the first `share` of its full batches."""
        return self.steps if share == 1.0 else max(1, round(share * (len(self.training) // self.batch_size)))

    def train(
        self,
        order: NDArray[np.int32],
        rates: NDArray[np.float32],
        first: int,
        steps: int,
        seed: int = 0,
        strengths: NDArray[np.float32] | None = None,
    ) -> Iterator[tuple[int, Scores]]:
        """Take the steps of an epoch from `first` up to `steps`, on the examples in this order (a permutation of the
        training part), with one learning rate and one strength of a falling regularization (default: 1) for each step and
        this seed for augmentation. After each call into the graph
        yields the number of finished steps and Keras's running means over them."""
        if first == 0:
            self.model.reset_metrics()
        strengths = np.ones_like(rates) if strengths is None else strengths
        settings = tf.constant(order), tf.constant(rates), tf.constant(strengths), tf.constant(seed)
        while first < steps:
            in_a_call = max(1, int(CALL_SECONDS / self.seconds_a_step)) if self.seconds_a_step else FIRST_CALL
            started, last = time.perf_counter(), min(steps, first + in_a_call)
            limits = tf.constant(first), tf.constant(last)
            figures = self._steps(*settings, *limits, *self._tensors(self.training))
            scores = scores_in_float32(figures, self.names)
            self.seconds_a_step = (time.perf_counter() - started) / (last - first)
            first = last
            yield first, scores

    def epoch(
        self, order: NDArray[np.int32], rates: NDArray[np.float32], share: float = 1.0
    ) -> tuple[Scores, Scores | None]:
        """An epoch, or the first `share` of its full batches, and the validation after it."""
        *_, (_, training) = self.train(order, rates, 0, self.steps_of(share))
        return training, self.validate()

    def validate(self) -> Scores | None:
        """The scores of the validation part, with averaged weights if they are used; None without a validation part."""
        if not self.validation:
            return None
        with self.averages.applied():
            figures = self._validation(*self._tensors(self.validation))
            scores = scores_in_float32(figures, self.names)
            if not self.measure:
                return scores
            return self.measure(
                scores, in_batches(lambda inputs: self._predict(self.scale(inputs)), self.validation.inputs)
            )

    def _tensors(self, part: Part) -> tuple[Any, ...]:
        return tf.constant(self.scale.offset), tf.constant(self.scale.factor), part.inputs, part.targets, part.weights

    def _train(
        self,
        order: tf.Tensor,
        rates: tf.Tensor,
        strengths: tf.Tensor,
        seed: tf.Tensor,
        first: tf.Tensor,
        last: tf.Tensor,
        *tensors: Any,
    ) -> tf.Tensor:
        scale, part = Scaler(*tensors[:2]), Part(*tensors[2:])
        whole, rest = divmod(len(part), self.batch_size)

        def step(number: tf.Tensor, index: tf.Tensor) -> None:
            self.model.optimizer.learning_rate.assign(rates[number])
            for variable, full in self.falling:
                variable.assign(full * strengths[number])
            inputs, truth = scale(tf.gather(part.inputs, index)), tf.gather(part.targets, index)
            if self.augment:
                inputs, truth = self.augment(inputs, truth, tf.stack([seed, number]))
            if self.adversarial:
                inputs = tf.concat([inputs, attacked(self.model, inputs, truth, self.adversarial)], axis=0)
                truth = tf.concat([truth, truth], axis=0)
            self.model.train_step((inputs, truth, *_weights(part.weights, index, 2 if self.adversarial else 1)))
            self.averages.update()

        def body(number: tf.Tensor) -> tf.Tensor:
            step(number, tf.slice(order, [number * self.batch_size], [self.batch_size]))
            return number + 1

        tf.while_loop(lambda number: number < tf.minimum(last, whole), body, [first])
        if rest:
            final = tf.slice(order, [whole * self.batch_size], [rest])
            tf.cond(last > whole, lambda: step(tf.constant(whole), final), lambda: None)
        return tf.stack(_figures(self.model))

    def _validate(self, *tensors: Any) -> tf.Tensor:
        return tf.stack(evaluate_in_graph(self.model, Scaler(*tensors[:2]), Part(*tensors[2:])))


def _weights(weights: tf.Tensor | None, index: tf.Tensor, copies: int) -> tuple[tf.Tensor, ...]:
    """The sample weights of a batch, as the third element of Keras's batches; empty without weights."""
    return () if weights is None else (tf.tile(tf.gather(weights, index), [copies]),)


def attacked(model: keras.Model, inputs: tf.Tensor, truth: tf.Tensor, strength: float) -> tf.Tensor:
    """Scaled inputs moved by `strength` along the sign of the compiled model's gradient, clipped to the range of the batch
    (the fast gradient sign method, Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572)."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = model.compute_loss(inputs, truth, model(inputs, training=False), training=False)
    moved = inputs + strength * tf.sign(tape.gradient(loss, inputs))
    return tf.clip_by_value(moved, tf.reduce_min(inputs), tf.reduce_max(inputs))


def xla_pays(recipe: Recipe, examples: int, parameters: int) -> bool:
    """Whether XLA saves more than the 0.8 s that compiling takes.

    Measured on one thread on 50,000 images: it saves 0.1 ms per step of a narrow dense network (two layers of 128: an epoch
    at batch 16 takes 0.46 s instead of 0.82 s, at batch 4 1.4 s instead of 2.7 s) and nothing in larger steps (two layers of
    256 at batch 128). bfloat16 gets slower, convolutions on a CPU three times, dropout up to twelve times slower.
    """
    network, batch = recipe.network, recipe.training.batch_size
    if not isinstance(network, Dense) or network.hidden.precision != "float32":
        return False
    has_dropout = network.input_dropout or any(network.hidden.dropout_rates(len(network.widths)))
    steps = -(-examples // batch) * recipe.training.epochs
    return not has_dropout and steps >= 8000 and parameters * batch <= 25_000_000


def evaluate_in_graph(model: keras.Model, scale: Scaler, part: Part) -> list[tf.Tensor]:
    """Loss and metrics of a part by Keras's `test_step`, in large batches. Called while tracing."""
    model.reset_metrics()
    size = min(EVALUATION_BATCH, len(part))
    whole, rest = divmod(len(part), size)

    def body(number: tf.Tensor) -> tf.Tensor:
        model.test_step(part.batch(scale, number * size, size))
        return number + 1

    tf.while_loop(lambda number: number < whole, body, [tf.constant(0)])
    if rest:
        model.test_step(part.batch(scale, whole * size, rest))
    return _figures(model)


def evaluate(model: keras.Model, scale: Scaler, part: Part) -> Scores:
    """Loss and metrics of a compiled model over a part, in one call into the graph."""
    _build(model, part, min(EVALUATION_BATCH, len(part)))
    figures = tf.function(lambda: tf.stack(evaluate_in_graph(model, scale, part)), autograph=False)()
    return scores_in_float32(figures, figure_names(model))


def scores_in_float32(figures: tf.Tensor, names: Sequence[str] = ("accuracy",)) -> Scores:
    """The loss and metrics with these names, in the digits of float32: 0.9145 instead of 0.9144999980926514."""
    loss, *values = (float(f"{figure:.7g}") for figure in figures.numpy())
    return Scores(loss=loss, figures=dict(zip(names, values, strict=True)))


def figure_names(model: keras.Model) -> tuple[str, ...]:
    """The names of a compiled model's metrics, without the loss."""
    return tuple(name for name in model.get_metrics_result() if name != "loss")


def _build(model: keras.Model, part: Part, batch_size: int) -> None:
    """Create all variables before tracing, since a graph loop cannot create any. `fit` does so on its first batch."""
    model.optimizer.build(model.trainable_variables)
    tensors = [each for each in (part.inputs, part.targets, part.weights) if each is not None]
    shapes = [(batch_size, *each.shape[1:]) for each in tensors]
    dtypes = ("float32", *(each.dtype.name for each in tensors[1:]))
    model._symbolic_build(data_batch=tuple(map(keras.KerasTensor, shapes, dtypes)))


def _figures(model: keras.Model) -> list[tf.Tensor]:
    results = model.get_metrics_result()
    return [tf.cast(results[name], tf.float32) for name in ("loss", *figure_names(model))]
