"""Models on disk: a `.keras` file that takes inputs as the data set stores them, its scaling inside."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import decode, encode
from tuner.base.writing import atomic_path
from tuner.data.examples import Examples
from tuner.data.ingest.columns import Coding
from tuner.networks import Inputs, Rows
from tuner.networks.build import build
from tuner.networks.layers import (  # and so registers all of ours for `load_model`
    FastDropout,
    FusedBatchNormalization,
    RowCoder,
)
from tuner.networks.shapes import input_shape
from tuner.recipe import Recipe
from tuner.result import Scores
from tuner.training.compiling import loss_of, metric_of
from tuner.training.loop import scores_in_float32
from tuner.training.parts import Scaler
from tuner.training.targets import TargetScale, target_scale, targets

CODER, ON_CODES = "rows", "on_codes"
"""The names of what codes rows and of the model behind it, in a model on a table."""

UNSCALED = Scaler(np.zeros((), np.float32), np.ones((), np.float32))
"""For saved models, which have their scaling inside."""


def save_model(
    model: keras.Model,
    recipe: Recipe,
    scale: Scaler,
    inputs: Inputs,
    classes: int,
    path: Path,
    meant: TargetScale | None = None,
) -> None:
    """Write the recipe's trained model, for such inputs as they are stored: its scaling stands in front. What it gives are
    numbers in the targets' own units where there is a scale of them.

    What only training needs is left out, so that Keras alone can read it (locally connected layers, ensembles and networks on
    tables need `tuner.networks.layers`). Written aside first, so that no half-written file is ever there.
    """
    trained = build(recipe.network, inputs, classes, recipe.seed)  # without loss, metrics and optimizer
    inner = keras.models.clone_model(trained, clone_function=_plain)
    inner.set_weights(model.get_weights())
    units = [] if meant is None else [keras.layers.Rescaling(*_plain_numbers(1 / meant.factor, meant.offset))]
    front = [] if isinstance(inputs, Rows) else [_rescaling(scale)]
    _write(keras.Sequential([keras.Input(input_shape(inputs)), *front, inner, *units], name="tuned"), path)


def _write(model: keras.Model, path: Path) -> None:
    with atomic_path(path) as temporary:
        model.save(temporary)


def save_average(paths: Sequence[Path], path: Path, is_mirrored: bool = False, coding: Coding | None = None) -> int:
    """Write the average of saved models as one model, which Keras alone can read as well; where it `is_mirrored`, each sees
    an image and its mirror image. With a table's `coding` it takes rows as they are written, by the names of their columns,
    and what codes them stands in front. The number of its parameters."""
    members = [load_model(each) for each in paths]
    inputs = keras.Input(members[0].input_shape[1:])
    seen = [inputs, keras.ops.flip(inputs, axis=2)] if is_mirrored else [inputs]
    for number, member in enumerate(members, start=1):
        member.name = f"member_{number}"
    outputs = [member(each) for member in members for each in seen]
    whole = keras.Model(inputs, keras.layers.average(outputs) if len(outputs) > 1 else outputs[0], name="tuned")
    _write(whole if coding is None else _on_raw_rows(whole, coding), path)
    return int(whole.count_params())


def _on_raw_rows(model: keras.Model, coding: Coding) -> keras.Model:
    coder = RowCoder([encode(column) for column in coding.columns], name=CODER)
    raw = coder.raw_inputs()
    model.name = ON_CODES
    return keras.Model(raw, model(coder(raw)), name="tuned")


def on_codes(model: keras.Model) -> tuple[Coding, keras.Model]:
    """Of a model on raw rows how they are coded, and the model on coded rows inside it, which is many times as fast where
    rows were coded before. Raises `ValueError` for another model."""
    coder = model.get_layer(CODER)
    return decode(Coding, {"columns": coder.columns}), model.get_layer(ON_CODES)


def takes_raw_rows(model: keras.Model) -> bool:
    """Whether a model takes a table's columns by their names."""
    return any(layer.name == CODER for layer in model.layers)


def load_model(path: Path) -> keras.Model:
    """The model that `save_model` wrote; not compiled."""
    model: keras.Model = keras.models.load_model(path, compile=False)
    return model


def scores_of(outputs: NDArray[np.float32], recipe: Recipe, examples: Examples, classes: int) -> Scores:
    """Loss and figure of what a saved model gives for examples; of numbers, in these examples' own standard deviations."""
    scale = target_scale(examples.labels, None) if recipe.data.task == "regression" else None
    wanted = targets(recipe, examples.labels, classes, scale)
    outputs = outputs if scale is None else scale.standardized(outputs)
    loss, figure = loss_of(recipe), metric_of(recipe)
    figure.update_state(wanted, outputs)
    return scores_in_float32(keras.ops.stack([loss(wanted, outputs), figure.result()]), (figure.name,))


def _plain(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer as Keras has it, without what only training needs."""
    if isinstance(layer, keras.Model):
        return keras.models.clone_model(layer, clone_function=_plain)
    unregularized = {"kernel_regularizer": None, "activity_regularizer": None}
    settings = layer.get_config()
    settings.update({name: value for name, value in unregularized.items() if name in settings})
    return PLAIN.get(type(layer), type(layer)).from_config(settings)


PLAIN = {FastDropout: keras.layers.Dropout, FusedBatchNormalization: keras.layers.BatchNormalization}


def _rescaling(scale: Scaler) -> keras.layers.Layer:
    return keras.layers.Rescaling(*_plain_numbers(scale.factor, -scale.offset * scale.factor))


def _plain_numbers(*arrays: Any) -> Iterator[Any]:
    return (np.asarray(each, dtype=np.float64).tolist() for each in arrays)
