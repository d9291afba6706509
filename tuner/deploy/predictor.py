"""A saved model with its metadata, ready to predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.errors import DataError, data_errors
from tuner.base.metrics import Task
from tuner.data.ingest.coding import code_rows
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.pictures import with_pictures
from tuner.data.ingest.windows import latest
from tuner.deploy.metadata import OutputSpec, output_from_activation, output_from_recipe, read_metadata, recipe_in
from tuner.deploy.safe_loading import load_safely
from tuner.networks.outputs import flat, taken_apart
from tuner.networks.parts import NamedShapes
from tuner.recipe import AnyData, Recipe, Table
from tuner.training import refuse_forks
from tuner.training.saving import on_codes, takes_raw_rows

MOST_NUMBERS, MOST_EXAMPLES = 2**20, 8192
"""The most input numbers and examples in a batch: larger batches are no faster, and memory is bounded."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities (n, classes) or (n, labels), or numbers (n, targets), with the names of their columns. Those of the task `custom` are
    the outputs of a model, side by side; `parts` are their names and shapes."""

    task: Task
    names: tuple[str, ...]
    values: NDArray[np.float32]
    parts: NamedShapes = ()

    @property
    def outputs(self) -> Any:
        """The outputs of a model of the task `custom`: arrays (n, *shape) by name, or the only one."""
        arrays = {name: np.asarray(each) for name, each in taken_apart(self.parts, self.values).items()}
        return arrays.get("", arrays)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The most probable classes by their indices (n,), or labels 0 and 1 (n, labels)."""
        if self.task == "multi_label":
            return (self.values > 0.5).astype(np.int64)
        return np.asarray(self.values.argmax(axis=1), np.int64)

    @property
    def classes(self) -> list[str]:
        """The most probable classes by their names."""
        return [self.names[label] for label in self.labels]

    def frame(self) -> pd.DataFrame:
        """A table with `prediction` (a column for each of several labels or targets), and the `probability_` of each class or
        label."""
        if self.task == "classification":
            columns: dict[str, Any] = {"prediction": pd.Categorical.from_codes(self.labels, pd.Index(self.names))}
        else:
            values = self.labels if self.task == "multi_label" else self.values
            names = ["prediction"] if len(self.names) == 1 else [f"prediction_{name}" for name in self.names]
            columns = {name: values[:, place] for place, name in enumerate(names)}
        probable = () if self.task in ("regression", "custom") else self.names
        return pd.DataFrame(columns | {f"probability_{name}": self.values[:, i] for i, name in enumerate(probable)})


@dataclass(frozen=True, eq=False)
class Predictor:
    """A saved model. `shape` is that of one input, as an array or a coded row; `coding` is that of a table's rows; `recipe` is
    None and `metadata` empty without a metadata file."""

    path: Path
    model: keras.Model
    output: OutputSpec
    shape: tuple[int, ...]
    coding: Coding | None
    recipe: Recipe | None
    metadata: Mapping[str, Any]
    call: Any

    @staticmethod
    def load(path: str | Path, converted: Callable[[keras.Model], keras.Model] = lambda model: model) -> "Predictor":
        """The model in a `.keras` file, `converted`, with the metadata in the `.json` of the same name if it exists. Raises
        `DataError` for other files, unsafe models, and metadata of another model."""
        path = Path(path)
        model = converted(load_safely(path))
        metadata = read_metadata(path)
        recipe = recipe_in(metadata, path) if metadata else None
        with data_errors(path, "has layers that do not fit together"):
            coding, inner = on_codes(model) if takes_raw_rows(model) else (None, model)
            if not isinstance(inner.input_shape, tuple):
                raise DataError(f"{path}: has several inputs, and a model with one is needed")
            known = output_from_recipe(recipe, inner, path) if recipe else None
            output = known or output_from_activation(inner)
            shape = (coding.places,) if coding else tuple(inner.input_shape[1:])
            return Predictor(path, model, output, shape, coding, recipe, metadata, traced(inner, shape))

    @property
    def data(self) -> AnyData | None:
        """What it was trained on; None without a metadata file."""
        return self.recipe.data if self.recipe else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that it takes; none of a model on arrays or images."""
        return tuple(column.name for column in self.coding.columns) if self.coding else ()

    def predict(self, data: pd.DataFrame | NDArray[Any], where: str = "the data") -> Predictions:
        """The predictions for a table's rows, or for arrays (n, *shape). Raises `DataError` with column and row for values that
        do not fit; `where` names the data in the message."""
        return self.predict_inputs(self.coded(data, where) if isinstance(data, pd.DataFrame) else data, where)

    def coded(self, frame: pd.DataFrame, where: str) -> NDArray[np.float32]:
        """A table's rows, coded; of a time series the windows that end at the last row of each series, or at each row where labels are
        predicted. Names of pictures are those of files in the working folder."""
        if self.coding is None:
            raise DataError(f"{where}: is a table, and the model takes {self.input_text}")
        if isinstance(self.data, Table) and self.data.window:
            frame, _ = latest(self.data, frame, where)
        return code_rows(self.coding, with_pictures(frame, self.coding.columns, Path(), where), where)

    def predict_inputs(self, inputs: NDArray[Any], where: str = "the data") -> Predictions:
        """The predictions for coded rows or arrays as stored."""
        self.require_shape(inputs, where)
        task, names = self.output.task, self.output.names
        if not len(inputs):
            return Predictions(task, names, np.zeros((0, len(names)), np.float32), self.output.parts)
        values = self.output.postprocess(self.network_outputs(inputs))
        return Predictions(task, names, values, self.output.parts)

    def network_outputs(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs of the last layer, computed in batches."""
        refuse_forks()
        size = max(1, min(MOST_EXAMPLES, MOST_NUMBERS // max(1, int(np.prod(inputs.shape[1:])))))
        batches = (inputs[start : start + size] for start in range(0, len(inputs), size))
        return np.concatenate([self.call(tf.constant(batch, tf.float32)).numpy() for batch in batches])

    def require_shape(self, inputs: NDArray[Any], where: str) -> None:
        """Raise `DataError` for inputs of another shape."""
        shape = inputs.shape[1:]
        if len(shape) != len(self.shape) or any(b not in (None, a) for a, b in zip(shape, self.shape, strict=True)):
            raise DataError(f"{where}: has examples of {_shape_text(shape)}, and the model takes {self.input_text}")

    @property
    def input_text(self) -> str:
        """The input of the model, as messages describe it."""
        if self.coding:
            return f"a table with the columns {', '.join(self.columns)}"
        return f"arrays of {_shape_text(self.shape)}"


def traced(model: keras.Model, shape: Sequence[int | None], batch: int | None = None) -> Any:
    """The model as a graph for batches of any length, or of this one."""
    signature = [tf.TensorSpec((batch, *shape), tf.float32)]
    function = tf.function(lambda batch: flat(model(batch, training=False)), input_signature=signature, autograph=False)
    return function.get_concrete_function()


def _shape_text(shape: Sequence[int | None]) -> str:
    return "×".join("any" if each is None else str(each) for each in shape) or "one number"
