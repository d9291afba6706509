"""The front of a network on a table: coded rows in, numbers that a network can learn from out."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tuner.networks.columns import MISSING, UNSEEN, Coded, Encoding, Rows
from tuner.networks.encoder import LARGEST, InputEncoder

PERIODS = (365.2425, 7.0, 1.0)
"""Days after which a date's phases come again."""

FURTHEST = 1e4
"""Scaled numbers are held within this: in a training part of 100 million no value is so many standard deviations away."""


@keras.saving.register_keras_serializable("tuner")
class RowEncoder(keras.layers.Layer):  # type: ignore[misc]
    """From coded rows (batch, places) to (batch, `rows.width`), both float32, in the order that `InputEncoder` says.

    What is taken from the data are its non-trainable weights, which `tuner.networks.fitting.fitted` computes; at first they
    know nothing, and codes that the training part of a fold lacks count as UNSEEN. A code that it has no example of gives
    zeros, UNSEEN and nothing among them, because nothing could be learned for it; an unknown word is left out of its text's
    mean. NaN and infinity are missing numbers.

    All columns are computed at once. `seed` decides frequencies, features and embeddings.
    """

    def __init__(self, rows: Rows, seed: int = 0, **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32"})
        self.rows, self.seed = rows, seed
        self.front = InputEncoder(rows)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the constants, then what is learned."""
        generator = np.random.default_rng(self.seed)
        for name, shape in self.front.constants.items():
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False))
        for name, shape in self.front.learned.items():
            values = self._at_first(name, shape, generator)
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=_constantly(values)))

    def _at_first(self, name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
        match name:
            case "frequencies":
                return generator.normal(0.0, self.rows.encoding.frequency_scale, shape)
            case "bias":
                return np.zeros(shape)
            case _:  # what one number of the output sees: a column's sines and cosines, or one embedding's numbers
                reach = 1 / math.sqrt(shape[1])
                return generator.uniform(-reach, reach, shape)

    def call(self, inputs: Any) -> Any:
        """All columns, encoded. Columns come first until the end: so a column's examples lie together."""
        by_column = tf.transpose(inputs)
        return tf.transpose(tf.concat([*self._numbers(by_column), *self._codes(by_column)], axis=0))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Batch, width."""
        return (input_shape[0], self.rows.width)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the layer again."""
        rows = {"columns": [asdict(each) for each in self.rows.columns], "encoding": asdict(self.rows.encoding)}
        return {**super().get_config(), "rows": rows, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RowEncoder":
        """The layer that gave this."""
        plain = config["rows"]
        rows = Rows(tuple(Coded(**each) for each in plain["columns"]), Encoding(**plain["encoding"]))
        return cls(**{**config, "rows": rows})

    # Numbers and dates: (columns, batch)

    def _numbers(self, by_column: Any) -> Iterator[Any]:
        front = self.front
        if not front.numbers:
            return
        values = tf.gather(by_column, front.numbers)
        there = tf.math.is_finite(values)
        values = tf.clip_by_value(tf.where(there, values, 0.0), -LARGEST, LARGEST)
        yield self._encoded(values, there)
        if front.dates:
            yield _phases(tf.gather(values, front.dates), tf.gather(there, front.dates))
        if front.lacking:
            yield tf.cast(~tf.gather(there, front.lacking), tf.float32)

    def _encoded(self, values: Any, there: Any) -> Any:
        match self.rows.encoding.numbers:
            case "standard":
                return self._scaled(values, there)
            case "robust":
                scaled = self._scaled(values, there)
                return scaled * tf.math.rsqrt(1 + (scaled / 3) ** 2)
            case "quantile":
                return tf.where(there, self._levels(values), 0.0)
            case "piecewise":
                places = tf.where(there, values, self.centre[:, tf.newaxis])[:, tf.newaxis]
                scaled = (places - self.starts[:, :, tf.newaxis]) * self.scale[:, :, tf.newaxis]
                return _flat(tf.clip_by_value(scaled, 0.0, 1.0))
            case "periodic":
                return self._waves(self._scaled(values, there))

    def _scaled(self, values: Any, there: Any) -> Any:
        centre, scale = self.centre[:, tf.newaxis], self.scale[:, tf.newaxis]
        return tf.clip_by_value((tf.where(there, values, centre) - centre) * scale, -FURTHEST, FURTHEST)

    def _levels(self, values: Any) -> Any:
        """What lies between two knots is between their levels in the same proportion."""
        columns, knots = self.knots.shape
        left = tf.clip_by_value(self._counted(values) - 1, 0, knots - 2) + knots * tf.range(columns)[:, tf.newaxis]
        all_knots, all_levels = tf.reshape(self.knots, [-1]), tf.reshape(self.levels, [-1])
        start, low = tf.gather(all_knots, left), tf.gather(all_levels, left)
        width, rise = tf.gather(all_knots, left + 1) - start, tf.gather(all_levels, left + 1) - low
        share = tf.where(width > 0, (values - start) / tf.where(width > 0, width, 1.0), 0.0)
        return low + rise * tf.clip_by_value(share, 0.0, 1.0)

    def _counted(self, values: Any) -> Any:
        """How many of a column's knots are not greater."""
        return tf.searchsorted(tf.convert_to_tensor(self.knots), values, side="right")

    def _waves(self, scaled: Any) -> Any:
        angles = 2 * math.pi * scaled[:, tf.newaxis] * self.frequencies[:, :, tf.newaxis]
        waves = tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)
        return _flat(tf.nn.relu(tf.matmul(self.kernel, waves, transpose_a=True) + self.bias[:, :, tf.newaxis]))

    # Codes: (places, batch)

    def _codes(self, by_column: Any) -> Iterator[Any]:
        embedded, one_hot = self.front.embedded, self.front.one_hot
        places = [*embedded, *one_hot]
        if not places:
            return
        offsets, sizes = (np.array([[getattr(each, name)] for each in places]) for name in ("offset", "size"))
        codes = tf.gather(by_column, [each.place for each in places])
        codes = tf.where(tf.math.is_finite(codes), codes, MISSING)
        codes = tf.cast(tf.where((codes >= 0) & (codes < sizes), codes, UNSEEN), tf.int32)
        codes = tf.where(tf.gather(self.known, codes + offsets) > 0, codes, UNSEEN)
        if embedded:
            count = len(embedded)
            yield self._embedded(codes[:count], codes[:count] + offsets[:count])
        if one_hot:
            yield self._one_hot(codes[len(embedded) :])

    def _embedded(self, codes: Any, indices: Any) -> Any:
        """The mean over a column's places where there is something: a category has one place, and nothing counts there too."""
        places = self.front.embedded
        counts = tf.gather(self.known, indices)
        found = _looked_up(tf.convert_to_tensor(self.embeddings), indices)
        is_word = np.array([[each.is_word] for each in places])
        if not is_word.any():
            return _flat(tf.transpose(found * counts[:, :, tf.newaxis], (0, 2, 1)))
        counts *= tf.cast((codes != MISSING) | ~is_word, tf.float32)
        columns = [each.column for each in places]
        belongs = tf.constant(np.equal.outer(np.unique(columns), columns), tf.float32)
        totals = tf.einsum("cp,pbn->cnb", belongs, found * counts[:, :, tf.newaxis])
        return _flat(totals / tf.maximum(tf.matmul(belongs, counts), 1.0)[:, tf.newaxis])

    def _one_hot(self, codes: Any) -> Any:
        sizes = [each.size for each in self.front.one_hot]
        wanted = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])[:, np.newaxis]
        spread = tf.gather(codes, np.repeat(np.arange(len(sizes)), sizes))
        return tf.cast(spread == wanted, tf.float32) * self.known[self.front.embedded_codes :, tf.newaxis]


def _constantly(values: Any) -> Any:
    return lambda shape, dtype: tf.constant(values, dtype)


def _flat(numbers: Any) -> Any:
    """(columns, numbers each, batch) as (numbers, batch)."""
    return tf.reshape(numbers, (numbers.shape[0] * numbers.shape[1], -1))


def _phases(days: Any, there: Any) -> Any:
    """Dates (dates, batch) to sines and cosines (dates × 6, batch), zeros where there is none."""
    periods = np.array(PERIODS, np.float32)[:, np.newaxis]
    angles = (
        2 * math.pi / periods * tf.math.floormod(days[:, tf.newaxis], periods)
    )  # exact for days, as quotients are not
    phases = tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)
    return _flat(tf.where(there[:, tf.newaxis], phases, 0.0))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _looked_up(table: Any, indices: Any) -> Any:
    """Rows of the table; its gradient is an array, which every optimizer takes, and no list of rows."""

    def gradient(upstream: Any) -> Any:
        flat = tf.reshape(upstream, (-1, table.shape[1]))
        return tf.math.unsorted_segment_sum(flat, tf.reshape(indices, [-1]), table.shape[0]), None

    return tf.gather(table, indices), gradient
