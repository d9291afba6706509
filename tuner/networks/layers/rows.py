"""The front of a network on a table: coded rows in, numbers that a network can learn from out."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tuner.networks.columns import MISSING, UNSEEN, Coded, Encoding, Rows
from tuner.networks.front import LARGEST, Front

PERIODS = (365.2425, 7.0, 1.0)
"""Days after which a date's phases come again."""

FURTHEST = 1e4
"""Scaled numbers are held within this: in a training part of 100 million no value is so many standard deviations away."""


@keras.saving.register_keras_serializable("tuner")
class RowEncoder(keras.layers.Layer):  # type: ignore[misc]
    """From coded rows (batch, places) to (batch, `rows.width`), both float32, in the order that `Front` says.

    What is taken from the data are its non-trainable weights, which `tuner.networks.fitting.fitted` computes; at first they
    know nothing, and codes that the training part of a fold lacks count as UNSEEN. A code that it has no example of gives
    zeros, UNSEEN and nothing among them, because nothing could be learned for it; an unknown word is left out of its text's
    mean. NaN and infinity are missing numbers.

    All columns are computed at once. `seed` decides frequencies, features and embeddings.
    """

    def __init__(self, rows: Rows, seed: int = 0, **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32"})
        self.rows, self.seed = rows, seed
        self.front = Front(rows)

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
        """All columns, encoded."""
        parts = [*self._numbers(inputs), *self._codes(inputs)]
        return tf.concat(parts, axis=1) if len(parts) > 1 else parts[0]

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

    # Numbers and dates

    def _numbers(self, inputs: Any) -> Iterator[Any]:
        front = self.front
        if not front.numbers:
            return
        values = tf.gather(inputs, front.numbers, axis=1)
        there = tf.math.is_finite(values)
        values = tf.clip_by_value(tf.where(there, values, 0.0), -LARGEST, LARGEST)
        yield self._encoded(values, there)
        if front.dates:
            yield _phases(*(tf.gather(each, front.dates, axis=1) for each in (values, there)))
        if front.lacking:
            yield tf.cast(~tf.gather(there, front.lacking, axis=1), tf.float32)

    def _encoded(self, values: Any, there: Any) -> Any:
        """Numbers (batch, columns) to (batch, columns × numbers each)."""
        match self.rows.encoding.numbers:
            case "standard":
                return self._scaled(values, there)
            case "robust":
                scaled = self._scaled(values, there)
                return scaled * tf.math.rsqrt(1 + (scaled / 3) ** 2)
            case "quantile":
                return tf.where(there, self._levels(values), 0.0)
            case "piecewise":
                middle = tf.where(there, values, self.centre)[:, :, tf.newaxis]
                within = tf.clip_by_value((middle - self.starts) * self.scale, 0.0, 1.0)
                return _flat(within)
            case "periodic":
                return self._waves(self._scaled(values, there))

    def _scaled(self, values: Any, there: Any) -> Any:
        scaled = (tf.where(there, values, self.centre) - self.centre) * self.scale
        return tf.clip_by_value(scaled, -FURTHEST, FURTHEST)

    def _levels(self, values: Any) -> Any:
        """What lies between two knots is between their levels in the same proportion."""
        columns, knots = self.knots.shape
        by_column = tf.transpose(values)
        after = tf.searchsorted(tf.convert_to_tensor(self.knots), by_column, side="right")
        left = tf.clip_by_value(after - 1, 0, knots - 2) + knots * tf.range(columns)[:, tf.newaxis]
        all_knots, all_levels = tf.reshape(self.knots, [-1]), tf.reshape(self.levels, [-1])
        start, low = tf.gather(all_knots, left), tf.gather(all_levels, left)
        width, rise = tf.gather(all_knots, left + 1) - start, tf.gather(all_levels, left + 1) - low
        share = tf.clip_by_value(tf.math.divide_no_nan(by_column - start, width), 0.0, 1.0)
        return tf.transpose(low + share * rise)

    def _waves(self, scaled: Any) -> Any:
        """Learned features of sines and cosines, columns first so that all are one batched product."""
        angles = 2 * math.pi * tf.transpose(scaled)[:, :, tf.newaxis] * self.frequencies[:, tf.newaxis]
        waves = tf.concat([tf.sin(angles), tf.cos(angles)], axis=2)
        features = tf.nn.relu(tf.matmul(waves, self.kernel) + self.bias[:, tf.newaxis])
        return _flat(tf.transpose(features, (1, 0, 2)))

    # Codes

    def _codes(self, inputs: Any) -> Iterator[Any]:
        embedded, one_hot = self.front.embedded, self.front.one_hot
        places = [*embedded, *one_hot]
        if not places:
            return
        offsets, sizes = ([getattr(each, name) for each in places] for name in ("offset", "size"))
        codes = tf.gather(inputs, [each.place for each in places], axis=1)
        codes = tf.where(tf.math.is_finite(codes), codes, MISSING)
        codes = tf.where((codes >= 0) & (codes < sizes), tf.math.floor(codes), UNSEEN)
        codes = tf.where(tf.gather(self.known, tf.cast(codes, tf.int32) + offsets) > 0, codes, UNSEEN)
        if embedded:
            yield self._embedded(codes[:, : len(embedded)])
        if one_hot:
            yield self._one_hot(codes[:, len(embedded) :])

    def _embedded(self, codes: Any) -> Any:
        """The mean over a column's places where there is something: a category has one place, and nothing counts there too."""
        places = self.front.embedded
        indices = tf.cast(codes, tf.int32) + [each.offset for each in places]
        counts = tf.gather(self.known, indices)
        found = _looked_up(tf.convert_to_tensor(self.embeddings), indices)
        words = np.array([each.is_word for each in places])
        if not words.any():
            return _flat(found * counts[:, :, tf.newaxis])
        counts *= tf.cast((codes != MISSING) | ~words, tf.float32)
        belongs = np.equal.outer(np.unique([each.column for each in places]), [each.column for each in places])
        belongs = tf.constant(belongs, tf.float32)
        totals = tf.matmul(belongs, found * counts[:, :, tf.newaxis])
        return _flat(totals / tf.maximum(tf.matmul(counts, belongs, transpose_b=True), 1.0)[:, :, tf.newaxis])

    def _one_hot(self, codes: Any) -> Any:
        places = self.front.one_hot
        sizes = [each.size for each in places]
        spread = tf.gather(codes, np.repeat(np.arange(len(places)), sizes), axis=1)
        wanted = np.concatenate([np.arange(size, dtype=np.float32) for size in sizes])
        return tf.cast(spread == wanted, tf.float32) * self.known[self.front.embedded_codes :]


def _constantly(values: Any) -> Any:
    return lambda shape, dtype: tf.constant(values, dtype)


def _flat(numbers: Any) -> Any:
    """(batch, columns, numbers each) as (batch, numbers)."""
    return tf.reshape(numbers, (-1, numbers.shape[1] * numbers.shape[2]))


def _phases(days: Any, there: Any) -> Any:
    """Dates (batch, dates) to sines and cosines (batch, dates × 6), zeros where there is none."""
    turns = days[:, :, tf.newaxis] / PERIODS
    angles = 2 * math.pi * (turns - tf.math.floor(turns))
    phases = tf.concat([tf.sin(angles), tf.cos(angles)], axis=2)
    return _flat(tf.where(there[:, :, tf.newaxis], phases, 0.0))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _looked_up(table: Any, indices: Any) -> Any:
    """Rows of the table; its gradient is an array, which every optimizer takes, and no list of rows."""

    def gradient(upstream: Any) -> Any:
        flat = tf.reshape(upstream, (-1, table.shape[1]))
        return tf.math.unsorted_segment_sum(flat, tf.reshape(indices, [-1]), table.shape[0]), None

    return tf.gather(table, indices), gradient
