"""Which weights count: their moving average, or those of the best epoch."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.metrics import Monitor
from tuner.networks.build import Number
from tuner.networks.layers.fast import move_toward
from tuner.result import Epoch
from tuner.training.checkpoint import Arrays, Progress
from tuner.training.schedules import monitored

AVERAGED_EVERY = 4
"""Steps between two updates of the average, since each update is a pass over all weights."""


class Averages:
    """The moving average of a model's weights, batch normalization's statistics included. With `decay` 0 there is no average,
    and the weights themselves count."""

    def __init__(self, model: keras.Model, decay: float, number: Number = float) -> None:
        self.model, self.decay = model, number(decay) if decay else 0.0
        self.variables = [tf.Variable(each.value, trainable=False) for each in model.weights if decay]

    def update(self) -> None:
        """Update the averages, at first faster, so that the initial weights are soon forgotten. Called in each traced step."""
        if not self.variables:
            return
        iterations = self.model.optimizer._iterations.value  # batches, also where gradients are accumulated
        steps = tf.cast(iterations, tf.float32)
        share = 1 - tf.minimum(self.decay, (1 + steps) / (10 + steps)) ** AVERAGED_EVERY

        def assign() -> None:
            for average, weight in zip(self.variables, self.model.weights, strict=True):
                move_toward(average, weight.value, share)

        tf.cond(iterations % AVERAGED_EVERY == 0, assign, lambda: None)

    @property
    def weights(self) -> list[NDArray[Any]]:
        """The averages, or the weights themselves if there are none."""
        return [each.numpy() for each in self.variables] or self.model.get_weights()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the model has the averaged weights."""
        before = self.model.get_weights() if self.variables else None
        if before:
            self.model.set_weights(self.weights)
        yield
        if before:
            self.model.set_weights(before)


class BestWeights:
    """A copy of the weights after the best epoch `by` a score; the first of equal ones."""

    def __init__(self, model: keras.Model, by: Monitor, progress: Progress) -> None:
        self.model, self.by = model, by
        self.number = progress.position.best_epoch
        self.weights: Arrays = progress.best_weights
        before = progress.position.epochs[self.number - 1 : self.number] if self.number else ()
        self.figure = max(monitored(by, before), default=-math.inf)

    def offer(self, epoch: Epoch, weights: Callable[[], Sequence[NDArray[Any]]]) -> None:
        """Copy the current `weights` if this epoch is the best so far."""
        (figure,) = monitored(self.by, [epoch])
        if epoch.is_finite and figure > self.figure:
            self.figure, self.number = figure, epoch.number
            self.weights = tuple(weights())

    def restore(self) -> int:
        """Assign the best weights to the model and return the number of their epoch, 0 if there is none."""
        if self.weights:
            self.model.set_weights(self.weights)
        return self.number
