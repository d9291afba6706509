"""A trained network as a model that predicts: with its scaling, and layers of Keras's own where those for training are faster ones."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.networks import Function, Inputs, Outputs, Rows
from tuner.networks.build import build
from tuner.networks.layer import input_shape
from tuner.networks.layers import FastDropout, FusedBatchNormalization
from tuner.recipe import Recipe, describe
from tuner.training.parts import Scaler
from tuner.training.targets import TargetScale
from tuner.training.train import Trained


def model_of(recipe: Recipe, trained: Trained) -> keras.Model:
    """The model of a training."""
    about, scale = describe(recipe.data), trained.fold_data.target_scale(recipe)
    return with_scaling(trained.model, recipe, trained.scale, about.inputs, about.outputs, scale)


def with_scaling(
    model: keras.Model,
    recipe: Recipe,
    scale: Scaler,
    inputs: Inputs,
    outputs: Outputs,
    targets_scale: TargetScale | None = None,
) -> keras.Model:
    """A copy of the recipe's trained model with its scaling, for inputs as stored. With `targets_scale` its outputs are in the targets'
    own units."""
    trained = build(recipe.network, inputs, outputs, recipe.seed)  # without loss, metrics and optimizer
    inner = (
        trained if isinstance(recipe.network, Function) else keras.models.clone_model(trained, clone_function=_plain)
    )
    inner.compiled = False
    inner.set_weights(model.get_weights())
    front = [] if isinstance(inputs, Rows) else [_rescaling(scale.factor, -scale.offset * scale.factor)]
    units = [] if targets_scale is None else _in_units(targets_scale)
    return keras.Sequential([keras.Input(input_shape(inputs)), *front, inner, *units], name="tuned")


def _plain(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer without regularizers; Keras's own layer instead of a faster one."""
    if isinstance(layer, keras.Model):
        return keras.models.clone_model(layer, clone_function=_plain)
    unregularized = {"kernel_regularizer": None, "activity_regularizer": None}
    settings = layer.get_config()
    settings.update({name: value for name, value in unregularized.items() if name in settings})
    return PLAIN.get(type(layer), type(layer)).from_config(settings)


PLAIN = {FastDropout: keras.layers.Dropout, FusedBatchNormalization: keras.layers.BatchNormalization}


def _in_units(scale: TargetScale) -> list[keras.layers.Layer]:
    """The layers of `scale.inverse`, in the type of the targets."""
    dtype = scale.offset.dtype.name
    linear = _rescaling(1 / scale.factor, scale.offset, dtype=dtype)
    if not scale.logarithm:
        return [linear]
    shift, top, _ = scale.logarithm
    raised = keras.layers.Activation("exponential", dtype=dtype)
    return [linear, raised, keras.layers.ReLU(max_value=1.0, dtype=dtype), _rescaling(top, -shift, dtype=dtype)]


def _rescaling(*arrays: NDArray[Any], dtype: str = "float32") -> keras.layers.Layer:
    return keras.layers.Rescaling(*(np.asarray(each, dtype=np.float64).tolist() for each in arrays), dtype=dtype)
