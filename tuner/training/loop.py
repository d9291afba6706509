"""The epoch loop in the graph: one call of a `tf.function` an epoch, over data that lies on the device already.

Each step is Keras's own `train_step`, so losses, metrics, regularizers, batch normalization and dropout are Keras's;
only the Python around the batches is gone. tests/training/test_loop.py holds it against `fit`.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.recipe import Recipe
from tuner.result import Scores

EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class Part:
    """Examples on the device: inputs as stored (often uint8) and targets as the loss wants them."""

    inputs: tf.Tensor
    targets: tf.Tensor

    def __len__(self) -> int:
        return int(self.inputs.shape[0])


@dataclass(frozen=True)
class Scaler:
    """How stored inputs become what the network sees: `(inputs - offset) * factor`, in float32."""

    offset: NDArray[np.float32]  # or, while tracing, tensors
    factor: NDArray[np.float32]

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        return (tf.cast(inputs, tf.float32) - self.offset) * self.factor


def part(inputs: NDArray[Any], targets: NDArray[Any]) -> Part:
    """Examples copied to the device once."""
    return Part(tf.constant(inputs), tf.constant(targets))


class EpochLoop:
    """Trains and validates a compiled model epoch by epoch; holds the traced graph functions.

    Called with the order of the examples (a permutation of the training part) and the learning rate of each step.
    The last batch may be smaller than the others, as in `fit`. With `xla` the whole epoch is compiled: see `xla_pays`.
    """

    def __init__(
        self,
        model: keras.Model,
        scale: Scaler,
        training: Part,
        validation: Part | None,
        batch_size: int,
        xla: bool,
        adversarial: float = 0.0,
    ) -> None:
        self.model = model
        self.adversarial = adversarial
        self.batch_size = min(batch_size, len(training))
        self.feed(scale, training, validation)
        _build(model, training, self.batch_size)
        self._epoch = tf.function(self._train_and_validate, autograph=False, jit_compile=xla)

    def feed(self, scale: Scaler, training: Part, validation: Part | None) -> None:
        """Go on with other examples, as many as before, without tracing again."""
        self.scale = scale
        self.training = training
        self.validation = validation

    @property
    def steps(self) -> int:
        """Optimizer steps in an epoch."""
        return -(-len(self.training) // self.batch_size)

    def epoch(
        self, order: NDArray[np.int32], rates: NDArray[np.float32], share: float = 1.0
    ) -> tuple[Scores, Scores | None]:
        """Train one epoch, or the first `share` of its whole batches, then validate. Training scores are running means,
        as Keras reports them."""
        batches = self.steps if share == 1.0 else max(1, round(share * (len(self.training) // self.batch_size)))
        parts = [self.training] if self.validation is None else [self.training, self.validation]
        scale = (tf.constant(self.scale.offset), tf.constant(self.scale.factor))
        data = [(part.inputs, part.targets) for part in parts]
        figures = _seven_digits(self._epoch(tf.constant(order), tf.constant(rates), tf.constant(batches), scale, data))
        validation = Scores(loss=figures[2], accuracy=figures[3]) if self.validation else None
        return Scores(loss=figures[0], accuracy=figures[1]), validation

    def _train_and_validate(
        self,
        order: tf.Tensor,
        rates: tf.Tensor,
        batches: tf.Tensor,
        scale: tuple[tf.Tensor, ...],
        data: list[tuple[tf.Tensor, ...]],
    ) -> tf.Tensor:
        training, *validation = [Part(*each) for each in data]
        figures = self._train(order, rates, batches, Scaler(*scale), training)
        for part in validation:
            with tf.control_dependencies(figures):
                figures = figures + evaluate_in_graph(self.model, Scaler(*scale), part)
        return tf.stack(figures)

    def _train(
        self, order: tf.Tensor, rates: tf.Tensor, batches: tf.Tensor, scale: Scaler, part: Part
    ) -> list[tf.Tensor]:
        _reset(self.model)
        whole, rest = divmod(len(part), self.batch_size)

        def step(index: tf.Tensor, rate: tf.Tensor) -> None:
            self.model.optimizer.learning_rate.assign(rate)
            inputs, wanted = scale(tf.gather(part.inputs, index)), tf.gather(part.targets, index)
            if self.adversarial:
                inputs = tf.concat([inputs, attacked(self.model, inputs, wanted, self.adversarial)], axis=0)
                wanted = tf.concat([wanted, wanted], axis=0)
            self.model.train_step((inputs, wanted))

        def body(number: tf.Tensor) -> tf.Tensor:
            step(tf.slice(order, [number * self.batch_size], [self.batch_size]), rates[number])
            return number + 1

        tf.while_loop(lambda number: number < tf.minimum(batches, whole), body, [tf.constant(0)])
        if rest:
            last = tf.slice(order, [whole * self.batch_size], [rest])
            tf.cond(batches > whole, lambda: step(last, rates[whole]), lambda: None)
        return _figures(self.model)


def attacked(model: keras.Model, inputs: tf.Tensor, wanted: tf.Tensor, strength: float) -> tf.Tensor:
    """Scaled inputs moved by `strength` along the sign of the loss's gradient, within the values that the batch has
    (the fast gradient sign method, Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572). For a compiled model."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = model.compute_loss(inputs, wanted, model(inputs, training=False), training=False)
    moved = inputs + strength * tf.sign(tape.gradient(loss, inputs))
    return tf.clip_by_value(moved, tf.reduce_min(inputs), tf.reduce_max(inputs))


def xla_pays(recipe: Recipe, examples: int, parameters: int) -> bool:
    """Whether compiling the epochs with XLA is worth its 0.8 s.

    Measured on one thread on 50,000 images: it takes 0.1 ms off each step of a narrow dense network (two layers of 128:
    an epoch at batch 16 in 0.46 s instead of 0.82 s, at batch 4 in 1.4 s instead of 2.7 s), nothing off a step that
    takes long anyway (two layers of 256 at batch 128), and it makes bfloat16 slower, convolutions on a processor three
    times and dropout up to twelve times as slow.
    """
    batch = recipe.training.batch_size
    steps = -(-examples // batch) * recipe.training.epochs
    return recipe.network.compiles_well and steps >= 8000 and parameters * batch <= 25_000_000


def evaluate_in_graph(model: keras.Model, scale: Scaler, part: Part) -> list[tf.Tensor]:
    """Loss and accuracy over a part by Keras's `test_step`, in large batches; to be called while tracing."""
    _reset(model)
    size = min(EVALUATION_BATCH, len(part))
    whole, rest = divmod(len(part), size)

    def body(number: tf.Tensor) -> tf.Tensor:
        model.test_step((scale(rows(part.inputs, number * size, size)), rows(part.targets, number * size, size)))
        return number + 1

    tf.while_loop(lambda number: number < whole, body, [tf.constant(0)])
    if rest:
        model.test_step((scale(rows(part.inputs, whole * size, rest)), rows(part.targets, whole * size, rest)))
    return _figures(model)


def rows(tensor: tf.Tensor, first: tf.Tensor | int, count: int) -> tf.Tensor:
    """`count` rows from `first` on; the count is known while tracing, so that XLA can compile it."""
    rest = tensor.shape.rank - 1
    return tf.slice(tensor, [first] + [0] * rest, [count, *tensor.shape[1:]])


def evaluate(model: keras.Model, scale: Scaler, part: Part) -> Scores:
    """Loss and accuracy of a compiled model over a part, in one call into the graph."""
    _build(model, part, min(EVALUATION_BATCH, len(part)))
    loss, accuracy = _seven_digits(
        tf.function(lambda: tf.stack(evaluate_in_graph(model, scale, part)), autograph=False)()
    )
    return Scores(loss=loss, accuracy=accuracy)


def _seven_digits(figures: tf.Tensor) -> list[float]:
    """What float32 holds: 0.9145 and not 0.9144999980926514."""
    return [float(f"{figure:.7g}") for figure in figures.numpy()]


def _build(model: keras.Model, part: Part, batch_size: int) -> None:
    """Create all variables before tracing: a graph loop cannot create any. What `fit` does on its first batch."""
    model.optimizer.build(model.trainable_variables)
    shapes = ((batch_size, *part.inputs.shape[1:]), (batch_size, *part.targets.shape[1:]))
    dtypes = ("float32", part.targets.dtype.name)
    model._symbolic_build(data_batch=tuple(map(keras.KerasTensor, shapes, dtypes)))


def _reset(model: keras.Model) -> None:
    for metric in model.metrics:
        metric.reset_state()


def _figures(model: keras.Model) -> list[tf.Tensor]:
    results = model.get_metrics_result()
    return [tf.cast(results["loss"], tf.float32), tf.cast(results["accuracy"], tf.float32)]
