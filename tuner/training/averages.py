"""Averaged weights: a moving average over the steps of a training, in the graph."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

AVERAGED_EVERY = 4
"""Steps from one update to the next: each is a pass over all weights."""


class Averages:
    """The moving average of a built model's weights, batch normalization's statistics among them; with a `decay` of 0 there
    is none, and the weights themselves count."""

    def __init__(self, model: keras.Model, decay: float) -> None:
        self.model, self.decay = model, decay
        self.variables = [tf.Variable(each.value, trainable=False) for each in model.weights if decay]

    def draw(self) -> None:
        """Draw the averages towards the weights; at first faster, so that the initial weights are soon forgotten. To be called
        while tracing, after each step."""
        if not self.variables:
            return
        iterations = self.model.optimizer.iterations.value
        steps = tf.cast(iterations, tf.float32)
        decay = tf.minimum(self.decay, (1 + steps) / (10 + steps)) ** AVERAGED_EVERY

        def now() -> None:
            for average, weight in zip(self.variables, self.model.weights, strict=True):
                average.assign_add((1 - decay) * (weight.value - average))

        tf.cond(iterations % AVERAGED_EVERY == 0, now, lambda: None)

    @property
    def weights(self) -> list[NDArray[Any]]:
        """The weights that count."""
        return [each.numpy() for each in self.variables] or self.model.get_weights()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model with the weights that count, for as long as this lasts."""
        before = self.model.get_weights() if self.variables else None
        if before:
            self.model.set_weights(self.weights)
        yield
        if before:
            self.model.set_weights(before)
