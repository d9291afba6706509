"""The epoch loop in the graph: an epoch is one or a few calls of a `tf.function` on data that is on the device. Each step is
Keras's own `train_step`; only the loop over the batches is replaced. tests/training/test_loop.py compares it with `fit`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.errors import Invalid, first_line
from tuner.networks.build import Number
from tuner.recipe import Training
from tuner.result import Scores
from tuner.training.augmentation import attacked, augmenter
from tuner.training.compiling import falling_variables
from tuner.training.evaluation import (
    build_variables,
    evaluate_in_graph,
    figure_names,
    figures_in_graph,
    scores_in_float32,
)
from tuner.training.own_model import OwnModel
from tuner.training.parts import Measure, Part, Scaler
from tuner.training.weights import Averages

CALL_SECONDS = 2.0
"""The approximate duration of a call into the graph. Between two calls a training can be stopped or written to disk."""

FIRST_CALL = 8
"""The steps of the very first call, while the seconds of a step are unknown."""

ORDER_TO_BATCH = (
    *(tf.TensorSpec([None], dtype) for dtype in (tf.int32, tf.float32, tf.float32)),
    *(tf.TensorSpec([], tf.int32),) * 4,
)
"""Order, rates and strengths; seed, batch size, first and last step."""


class EpochLoop:
    """Trains and validates a compiled model epoch by epoch; holds the traced graph functions.

    An epoch is one call into the graph, or several of about `CALL_SECONDS`; the results do not depend on their number. The
    last batch may be smaller than the others, as in `fit`. With `xla` the calls are compiled: see `compiling.xla_pays`.
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
        number: Number = float,
        own: OwnModel | None = None,
    ) -> None:
        self.model, self.is_static, self.own, self.note = model, xla, own, ""
        self.adversarial, self.augment = settings.adversarial, augmenter(settings.augmentation, number)
        self.phases = [each.trainable for each in settings.phases]
        if own and self.phases:
            own.train_only(*self.phases)
        self.feed(settings, scale, training, validation, measure)
        build_variables(model, training, own)
        if own:
            own.prepare(*training.batch(scale, 0, self.batch_size))
        self.names = figure_names(model)
        self.sets_rate = hasattr(getattr(model.optimizer, "learning_rate", None), "assign")  # or it has its own
        if not self.sets_rate and any(each.learning_rate_factor != 1 for each in settings.phases):
            raise Invalid("training.phases", "must have no learning_rate_factor: the optimizer has rates of its own")
        self.averages = Averages(model, settings.averaging, number)
        self.falling = list(falling_variables(model)) if settings.regularization == "flat_cosine" else []
        tensors = self._tensors(training)
        self._by_phase = [self._function(self._train, tensors, ORDER_TO_BATCH, xla=xla) for _ in self.phases or "*"]
        self.begin_phase(0)
        self._validation = self._function(self._validate, self._tensors(validation or training), xla=xla)

    def _function(
        self, call: Callable[..., Any], tensors: Sequence[tf.Tensor], others: tuple[Any, ...] = (), *, xla: bool
    ) -> Any:
        """The graph function of `others` and a part's `tensors`; unless it is static, for any number of examples."""
        scale, examples = tensors[:2], tensors[2:]
        if self.model.run_eagerly:
            self.note = "run_eagerly: trained step by step, outside the graph, which is slower"
            return call
        shapes = [tf.TensorSpec([None, *each.shape[1:]], each.dtype) for each in examples]
        signature = None if self.is_static else [*others, *map(tf.TensorSpec.from_tensor, scale), *shapes]
        return tf.function(call, signature, autograph=False, jit_compile=xla)

    def feed(
        self, settings: Training, scale: Scaler, training: Part, validation: Part | None, measure: Measure | None = None
    ) -> None:
        """Use other examples and their batch size without tracing again; if the graph is static, as many as before."""
        self.scale, self.training, self.validation, self.measure = scale, training, validation, measure
        self.batch_size, self.seconds_a_step = min(settings.batch_size, len(training)), 0.0

    def begin_phase(self, number: int) -> None:
        """Train the layers of the phase with this number from the next step on."""
        if self.own and self.phases:
            self.own.train_only(self.phases[number])
        self._steps = self._by_phase[number]

    def trace(self) -> None:
        """Trace and optimize the graphs, without taking a step: an epoch's seconds are those of its steps."""
        if self.note:
            return
        order, rates, none = tf.range(len(self.training)), tf.zeros(self.steps), tf.constant(0)
        try:
            self._trace(order, rates, rates, none, tf.constant(self.batch_size), none, none)
        except Exception as error:
            if not self.own:
                raise
            self.note = f"cannot run in the graph, trained step by step, which is slower ({first_line(error)})"
            self._by_phase, self._validation = [self._train] * len(self._by_phase), self._validate
        self.begin_phase(0)

    def _trace(self, *others: tf.Tensor) -> None:
        for number in reversed(range(len(self._by_phase))):
            self.begin_phase(number)
            self._steps(*others, *self._tensors(self.training))
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
        training part), with one learning rate and one strength of a falling regularization (default: 1) for each step and this
        seed for augmentation. After each call into the graph yields the number of finished steps and Keras's running means over them."""
        if first == 0:
            self.model.reset_metrics()
        strengths = np.ones_like(rates) if strengths is None else strengths
        by_step, size = (tf.constant(rates), tf.constant(strengths)), tf.constant(self.batch_size)
        settings = tf.constant(order), *by_step, tf.constant(seed), size
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
            scores, outputs = self.scores(self.validation)
        return self.measure(scores, outputs) if self.measure else scores

    def scores(self, part: Part) -> tuple[Scores, NDArray[np.float32]]:
        """The scores of a part with the weights of now, and the outputs."""
        figures, outputs = self._validation(*self._tensors(part))
        scores = scores_in_float32(figures, self.names)
        if self.own and self.own.has_own_step and not self.own.has_own_test:  # its metrics count in its own steps only
            scores = Scores(loss=scores.loss, figures={})
        return scores, outputs.numpy()

    def _tensors(self, part: Part) -> tuple[tf.Tensor, ...]:
        weights = () if part.weights is None else (part.weights,)
        return tf.constant(self.scale.offset), tf.constant(self.scale.factor), part.inputs, part.targets, *weights

    def _train(
        self,
        order: tf.Tensor,
        rates: tf.Tensor,
        strengths: tf.Tensor,
        seed: tf.Tensor,
        size: tf.Tensor | int,
        first: tf.Tensor,
        last: tf.Tensor,
        *tensors: tf.Tensor,
    ) -> tf.Tensor:
        scale, part = Scaler(*tensors[:2]), Part(*tensors[2:])
        size = self.batch_size if self.is_static else size

        def step(number: tf.Tensor, index: tf.Tensor) -> None:
            if self.sets_rate:
                self.model.optimizer.learning_rate.assign(rates[number])
            for variable, full in self.falling:
                variable.assign(full * strengths[number])
            inputs, truth = scale(tf.gather(part.inputs, index)), tf.gather(part.targets, index)
            if self.augment:
                inputs, truth = self.augment(inputs, truth, tf.stack([seed, number]))
            if self.adversarial:
                inputs = tf.concat([inputs, attacked(self.model, inputs, truth, self.adversarial)], axis=0)
                truth = tf.concat([truth, truth], axis=0)
            weights = _weights(part.weights, index, 2 if self.adversarial else 1)
            figures = self.model.train_step((inputs, self.own.truth(truth) if self.own else truth, *weights))
            if self.own and self.own.has_own_step:
                self.own.count(figures, tf.shape(inputs)[0])
            self.averages.update()

        def body(number: tf.Tensor) -> list[tf.Tensor]:
            start = number * size
            step(number, tf.slice(order, [start], [size]) if self.is_static else order[start : start + size])
            return [number + 1]

        whole, rest = divmod(len(part), size) if self.is_static else (last, 0)
        tf.while_loop(lambda number: number < tf.minimum(last, whole), body, [first])
        if rest:
            final = tf.slice(order, [whole * size], [rest])
            tf.cond(last > whole, lambda: step(tf.constant(whole), final), lambda: None)
        return tf.stack(figures_in_graph(self.model))

    def _validate(self, *tensors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        scale, part = Scaler(*tensors[:2]), Part(*tensors[2:])
        return evaluate_in_graph(self.model, scale, part, is_static=self.is_static, own=self.own)


def _weights(weights: tf.Tensor | None, index: tf.Tensor, copies: int) -> tuple[tf.Tensor, ...]:
    """The sample weights of a batch, as the third element of Keras's batches; empty without weights."""
    return () if weights is None else (tf.tile(tf.gather(weights, index), [copies]),)
