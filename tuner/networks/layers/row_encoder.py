"""The encoder of a table's network: from coded rows to the numbers that the network learns from."""

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
"""The periods of a date's phases, in days."""

FURTHEST = 1e4
"""Scaled numbers are clipped to this; none of 100 million values is as many standard deviations from their mean."""


@keras.saving.register_keras_serializable("tuner")
class RowEncoder(keras.layers.Layer):  # type: ignore[misc]
    """From coded rows (batch, places) to (batch, `rows.width`), both float32, in the order of `InputEncoder`.

    The non-trainable weights are constants that `tuner.networks.fitting.fit_encoder` computes; they are 0 until assigned.
    Codes that the fold's training part lacks count as UNSEEN. A code without training examples, which may be UNSEEN or MISSING
    too, gives zeros, because nothing could be learned for it; an unknown word is left out of its text's mean. NaN and infinity
    are missing numbers.

    All columns are computed at once. `seed` determines the initial frequencies, features and embeddings.
    """

    def __init__(self, rows: Rows, seed: int = 0, **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32"})
        self.rows, self.seed = rows, seed
        self.encoder = InputEncoder(rows)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the constants, then the trainable weights."""
        generator = np.random.default_rng(self.seed)
        for name, shape in self.encoder.constants.items():
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False))
        for name, shape in self.encoder.learned.items():
            values = self._initial_values(name, shape, generator)
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=_constant_initializer(values)))

    def _initial_values(self, name: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
        match name:
            case "frequencies":
                return generator.normal(0.0, self.rows.encoding.frequency_scale, shape)
            case "phases":
                return generator.uniform(-math.pi, math.pi, shape)
            case "bias":
                return np.zeros(shape)
            case _:  # features (of shape[1] sines and cosines) or embeddings (shape[1] numbers)
                reach = 1 / math.sqrt(shape[1])
                return generator.uniform(-reach, reach, shape)

    def call(self, inputs: Any) -> Any:
        """Encode all columns. The axis of columns is first until the end, so that a column's examples are adjacent."""
        by_column = tf.transpose(inputs)
        return tf.transpose(tf.concat([*self._numbers(by_column), *self._codes(by_column)], axis=0))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Batch, width."""
        return (input_shape[0], self.rows.width)

    def get_config(self) -> dict[str, Any]:
        """The arguments for `from_config`."""
        rows = {"columns": [asdict(each) for each in self.rows.columns], "encoding": asdict(self.rows.encoding)}
        return {**super().get_config(), "rows": rows, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RowEncoder":
        """The layer with this configuration."""
        plain = config["rows"]
        rows = Rows(tuple(Coded(**_tupled(each)) for each in plain["columns"]), Encoding(**_tupled(plain["encoding"])))
        return cls(**{**config, "rows": rows})

    # Numbers and dates: (columns, batch)

    def _numbers(self, by_column: Any) -> Iterator[Any]:
        encoder = self.encoder
        if not encoder.numbers:
            return
        values = tf.gather(by_column, encoder.numbers)
        is_present = tf.math.is_finite(values)
        values = tf.clip_by_value(tf.where(is_present, values, 0.0), -LARGEST, LARGEST)
        yield self._encoded(values, is_present)
        if encoder.dates:
            yield _phases(tf.gather(values, encoder.dates), tf.gather(is_present, encoder.dates))
        if encoder.lacking:
            yield tf.cast(~tf.gather(is_present, encoder.lacking), tf.float32)

    def _encoded(self, values: Any, is_present: Any) -> Any:
        match self.rows.encoding.numbers:
            case "standard":
                return self._scaled(values, is_present)
            case "robust":
                return self._clipped(values, is_present)
            case "quantile":
                return tf.where(is_present, self._normal_quantiles(values), 0.0)
            case "piecewise":
                places = tf.where(is_present, values, self.centre[:, tf.newaxis])[:, tf.newaxis]
                scaled = (places - self.starts[:, :, tf.newaxis]) * self.scale[:, :, tf.newaxis]
                return _flat(tf.clip_by_value(scaled, 0.0, 1.0))
            case "periodic":
                return self._waves(self._scaled(values, is_present))
            case "pbld":
                return self._shifted_waves(self._clipped(values, is_present))

    def _scaled(self, values: Any, is_present: Any) -> Any:
        centre, scale = self.centre[:, tf.newaxis], self.scale[:, tf.newaxis]
        return tf.clip_by_value((tf.where(is_present, values, centre) - centre) * scale, -FURTHEST, FURTHEST)

    def _clipped(self, values: Any, is_present: Any) -> Any:
        scaled = self._scaled(values, is_present)
        return scaled * tf.math.rsqrt(1 + (scaled / 3) ** 2)

    def _normal_quantiles(self, values: Any) -> Any:
        """Linear interpolation of the levels between the knots."""
        columns, knots = self.knots.shape
        left = tf.clip_by_value(self.count_knots(values) - 1, 0, knots - 2) + knots * tf.range(columns)[:, tf.newaxis]
        all_knots, all_levels = tf.reshape(self.knots, [-1]), tf.reshape(self.levels, [-1])
        start, low = tf.gather(all_knots, left), tf.gather(all_levels, left)
        width, rise = tf.gather(all_knots, left + 1) - start, tf.gather(all_levels, left + 1) - low
        share = tf.where(width > 0, (values - start) / tf.where(width > 0, width, 1.0), 0.0)
        return low + rise * tf.clip_by_value(share, 0.0, 1.0)

    def count_knots(self, values: Any) -> Any:
        """The number of the column's knots that are not greater. Exports to formats without this operation replace it."""
        return tf.searchsorted(tf.convert_to_tensor(self.knots), values, side="right")

    def _waves(self, scaled: Any) -> Any:
        angles = 2 * math.pi * scaled[:, tf.newaxis] * self.frequencies[:, :, tf.newaxis]
        waves = tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)
        return _flat(tf.nn.relu(self._linear(waves)))

    def _shifted_waves(self, clipped: Any) -> Any:
        values = clipped[:, tf.newaxis]
        angles = 2 * math.pi * values * self.frequencies[:, :, tf.newaxis] + self.phases[:, :, tf.newaxis]
        return _flat(tf.concat([values, self._linear(tf.cos(angles))], axis=1))

    def _linear(self, waves: Any) -> Any:
        return tf.matmul(self.features, waves, transpose_a=True) + self.bias[:, :, tf.newaxis]

    # Codes: (places, batch)

    def _codes(self, by_column: Any) -> Iterator[Any]:
        embedded, one_hot = self.encoder.embedded, self.encoder.one_hot
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
        """The mean over a text's words that are not missing; of a category the embedding of its code, also a missing one's."""
        places = self.encoder.embedded
        counts = tf.gather(self.known, indices)
        embeddings = _gathered(tf.convert_to_tensor(self.embeddings), indices)
        is_word = np.array([[each.is_word] for each in places])
        if not is_word.any():
            return _flat(tf.transpose(embeddings * counts[:, :, tf.newaxis], (0, 2, 1)))
        counts *= tf.cast((codes != MISSING) | ~is_word, tf.float32)
        columns = [each.column for each in places]
        belongs = tf.constant(np.equal.outer(np.unique(columns), columns), tf.float32)
        totals = tf.einsum("cp,pbn->cnb", belongs, embeddings * counts[:, :, tf.newaxis])
        return _flat(totals / tf.maximum(tf.matmul(belongs, counts), 1.0)[:, tf.newaxis])

    def _one_hot(self, codes: Any) -> Any:
        sizes = [each.size for each in self.encoder.one_hot]
        codes_of_all = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])[:, np.newaxis]
        spread = tf.gather(codes, np.repeat(np.arange(len(sizes)), sizes))
        return tf.cast(spread == codes_of_all, tf.float32) * self.known[self.encoder.embedded_codes :, tf.newaxis]


def _tupled(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def _constant_initializer(values: Any) -> Any:
    return lambda shape, dtype: tf.constant(values, dtype)


def _flat(numbers: Any) -> Any:
    """From (columns, numbers, batch) to (columns × numbers, batch)."""
    return tf.reshape(numbers, (numbers.shape[0] * numbers.shape[1], -1))


def _phases(days: Any, is_present: Any) -> Any:
    """Sines and cosines (dates × 6, batch) of dates (dates, batch); 0 for missing dates."""
    periods = np.array(PERIODS, np.float32)[:, np.newaxis]
    remainders = tf.math.floormod(days[:, tf.newaxis], periods)  # exact for days, unlike quotients
    angles = 2 * math.pi / periods * remainders
    phases = tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)
    return _flat(tf.where(is_present[:, tf.newaxis], phases, 0.0))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _gathered(table: Any, indices: Any) -> Any:
    """Rows of the table, with a dense gradient, which every optimizer accepts."""

    def gradient(upstream: Any) -> Any:
        flat = tf.reshape(upstream, (-1, table.shape[1]))
        return tf.math.unsorted_segment_sum(flat, tf.reshape(indices, [-1]), table.shape[0]), None

    return tf.gather(table, indices), gradient
