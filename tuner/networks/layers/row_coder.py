"""The first layer of a saved model on a table: it codes raw rows, with one input for each column."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tuner.networks.columns import FIRST, MISSING, SHAPES, TRUTHS, UNSEEN, shape_of

SECONDS_A_DAY = 86_400.0
NO_WORD = r"[^\p{L}\p{N}_]+"
"""The separators of words in RE2 syntax: all but letters, numbers and underscores."""


@keras.saving.register_keras_serializable("tuner")
class RowCoder(keras.layers.Layer):  # type: ignore[misc]
    """From a table's columns by name, each (batch, 1), to coded rows (batch, places) float32.

    Numbers are float64 (NaN if missing), dates float64 seconds since 1970 (UTC), pictures and arrays float32 in their shape (NaN if
    missing; pictures from 0 to 255), all others texts ("" if missing). `columns` are records with `name`, `kind`, `values`,
    `origin`, `format` and `places`, as fitted to the training part. The indices of Keras's
    StringLookup are the codes of coded rows.
    """

    def __init__(self, columns: Sequence[Mapping[str, Any]], **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32", "autocast": False})  # seconds need float64
        self.columns = [dict(column) for column in columns]
        self.lookups = {
            column["name"]: keras.layers.StringLookup(vocabulary=_vocabulary(column), mask_token="", num_oov_indices=1)
            for column in self.columns
            if _vocabulary(column)
        }

    def build(self, input_shape: Mapping[str, Any]) -> None:
        """Nothing to create: the lookups have their tables already."""

    def raw_inputs(self) -> dict[str, keras.KerasTensor]:
        """A Keras input for each column, by its name."""
        return {
            column["name"]: keras.Input(
                raw_shape(column["kind"], column.get("format", "")),
                dtype=raw_dtype(column["kind"]),
                name=column["name"].replace("/", "_"),
            )
            for column in self.columns
        }

    def call(self, inputs: Mapping[str, Any]) -> Any:
        """The coded columns, concatenated."""
        return tf.concat([self._coded(column, inputs[column["name"]]) for column in self.columns], axis=1)

    def _coded(self, column: Mapping[str, Any], values: Any) -> Any:
        match column["kind"]:
            case "number":
                return tf.cast(values - column["origin"], tf.float32)
            case "date":
                return tf.cast(values / SECONDS_A_DAY, tf.float32)
            case kind if kind in SHAPES:
                return tf.reshape(values, (-1, column["places"]))
            case "boolean":
                places = self._looked_up(column, tf.strings.lower(values))
                return tf.gather(
                    tf.constant([MISSING, UNSEEN, *(truth + FIRST for truth in TRUTHS.values())], tf.float32), places
                )
            case "text":
                return self._words(column, values)
            case _:
                return tf.cast(self._looked_up(column, values), tf.float32)

    def _looked_up(self, column: Mapping[str, Any], values: Any) -> Any:
        lookup = self.lookups.get(column["name"])
        return lookup(values) if lookup else tf.where(values == "", MISSING, UNSEEN)

    def _words(self, column: Mapping[str, Any], texts: Any) -> Any:
        plain = tf.strings.regex_replace(tf.strings.lower(texts[:, 0], encoding="utf-8"), NO_WORD, " ")
        words = tf.strings.split(plain).to_tensor("", shape=[None, column["places"]])
        return tf.cast(self._looked_up(column, words), tf.float32)

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple[int | None, int]:
        """Batch, places."""
        batch = next(iter(input_shape.values()))[0]
        return (batch, sum(column["places"] for column in self.columns))

    def compute_output_spec(self, inputs: Mapping[str, Any]) -> keras.KerasTensor:
        """The shape and type, since Keras has no symbolic operations on texts."""
        shape = self.compute_output_shape({name: each.shape for name, each in inputs.items()})
        return keras.KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments for `from_config`."""
        settings = {name: value for name, value in super().get_config().items() if name != "autocast"}
        return {**settings, "columns": self.columns}


def raw_shape(kind: str, format: str) -> tuple[int, ...]:
    """The shape of a raw column in a saved model."""
    return shape_of(kind, format) or (1,)


def raw_dtype(kind: str) -> str:
    """The type of a raw column in a saved model."""
    if kind in SHAPES:
        return "float32"
    return "float64" if kind in ("number", "date") else "string"


def _vocabulary(column: Mapping[str, Any]) -> list[str]:
    return list(TRUTHS) if column["kind"] == "boolean" else list(column["values"])
