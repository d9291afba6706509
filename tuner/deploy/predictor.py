"""A model with its papers, ready to be asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.base.metrics import Task
from tuner.data.ingest.coding import code
from tuner.data.ingest.columns import Coding
from tuner.deploy.metadata import Meaning, inputs_shape, meaning_by, meaning_without, papers_beside, recipe_in
from tuner.deploy.opening import opened_model
from tuner.recipe import Recipe
from tuner.training.saving import on_codes, takes_raw_rows

BATCH_NUMBERS = 2**20
"""So many input numbers are in one batch, at most: more is no faster, and memory is bounded."""
MOST_IN_BATCH = 8192


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a model says of examples: probabilities (n, classes) or (n, labels), or numbers (n, targets), and of what."""

    task: Task
    names: tuple[str, ...]
    values: NDArray[np.float32]

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The most probable classes by their numbers (n,), or labels 0 and 1 (n, labels)."""
        if self.task == "multi_label":
            return (self.values > 0.5).astype(np.int64)
        best: NDArray[np.int64] = self.values.argmax(axis=1).astype(np.int64)
        return best

    @property
    def classes(self) -> list[str]:
        """The most probable classes by their names."""
        return [self.names[number] for number in self.numbers]

    def frame(self) -> pd.DataFrame:
        """`prediction` (of several labels or targets a column for each, with its name) and of classes and labels a column of
        probability for each."""
        if self.task == "classification":
            columns: dict[str, Any] = {"prediction": pd.Categorical.from_codes(self.numbers, pd.Index(self.names))}
        else:
            numbers = self.values if self.task == "regression" else self.numbers
            names = ["prediction"] if len(self.names) == 1 else [f"prediction_{name}" for name in self.names]
            columns = {name: numbers[:, place] for place, name in enumerate(names)}
        shares = () if self.task == "regression" else self.names
        return pd.DataFrame(columns | {f"probability_{name}": self.values[:, i] for i, name in enumerate(shares)})


@dataclass(frozen=True, eq=False)
class Predictor:
    """A saved model, what its outputs mean, and its recipe where there are papers. `coding` is that of a table's rows."""

    path: Path
    model: keras.Model
    meaning: Meaning
    shape: tuple[int, ...]
    coding: Coding | None
    recipe: Recipe | None
    papers: Mapping[str, Any]
    call: Any

    @staticmethod
    def load(path: str | Path) -> "Predictor":
        """The model in a `.keras` file, with its papers if they lie beside it. Raises `DataError` for what is no model, is
        unsafe, or does not belong to its papers."""
        path = Path(path)
        model = opened_model(path)
        papers = papers_beside(path)
        coding, inner = on_codes(model) if takes_raw_rows(model) else (None, model)
        if not isinstance(inner.input_shape, tuple):
            raise DataError(f"{path}: takes several inputs, and one is asked for")
        recipe = None if papers is None else recipe_in(papers, path)
        meaning = meaning_by(recipe, inner.output_shape[-1], path) if recipe else meaning_without(inner)
        shape = inputs_shape(inner, coding)
        return Predictor(path, model, meaning, shape, coding, recipe, papers or {}, traced(inner, shape))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that it takes; none of a model on arrays or images."""
        return tuple(column.name for column in self.coding.columns) if self.coding else ()

    def predict(self, data: pd.DataFrame | NDArray[Any], where: str = "the data") -> Predicted:
        """What it says of a table's rows, or of arrays (n, *shape). Raises `DataError` with column and row for what does not
        fit; `where` is what the message calls the data."""
        inputs = self.coded(data, where) if isinstance(data, pd.DataFrame) else data
        return Predicted(self.meaning.task, self.meaning.names, self.outputs(inputs, where))

    def coded(self, frame: pd.DataFrame, where: str) -> NDArray[np.float32]:
        """A table's rows as its network takes them."""
        if self.coding is None:
            raise DataError(f"{where}: is a table, and the model takes {self.takes}")
        return code(self.coding, frame, where)

    def outputs(self, inputs: NDArray[Any], where: str = "the data") -> NDArray[np.float32]:
        """Of coded rows or arrays as they are stored, batch by batch."""
        self.require_fitting(inputs, where)
        return (
            self.meaning.of(self.network_says(inputs))
            if len(inputs)
            else np.zeros((0, len(self.meaning.names)), np.float32)
        )

    def network_says(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The same as its last layer gives it."""
        return np.concatenate([self.call(tf.constant(batch, tf.float32)).numpy() for batch in _batches(inputs)])

    def require_fitting(self, inputs: NDArray[Any], where: str) -> None:
        """Raise `DataError` for inputs of another shape."""
        shape = tuple(inputs.shape[1:])
        fits = len(shape) == len(self.shape) and all(
            b is None or a == b for a, b in zip(shape, self.shape, strict=True)
        )
        if not fits:
            raise DataError(f"{where}: has examples of {_type_text(shape)}, and the model takes {self.takes}")

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        if self.coding:
            return f"a table with the columns {', '.join(self.columns)}"
        return f"arrays of {_type_text(self.shape)}"


def traced(model: keras.Model, shape: Sequence[int | None], batch: int | None = None) -> Any:
    """The model as a graph for batches of one length, or of any, traced once."""
    signature = [tf.TensorSpec((batch, *shape), tf.float32)]
    function = tf.function(lambda batch: model(batch, training=False), input_signature=signature, autograph=False)
    return function.get_concrete_function()


def _batches(inputs: NDArray[Any]) -> Iterator[NDArray[Any]]:
    each = max(1, int(np.prod(inputs.shape[1:])))
    count = max(1, min(MOST_IN_BATCH, BATCH_NUMBERS // each))
    return (inputs[start : start + count] for start in range(0, len(inputs), count))


def _type_text(shape: Sequence[int | None]) -> str:
    return "×".join("any" if each is None else str(each) for each in shape) or "one number"
