"""What a model's outputs are: by its metadata, the `.json` of the same name, or by its last activation without one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError, TunerError
from tuner.base.metric_functions import ONE_UNIT, class_probabilities
from tuner.base.metrics import Task
from tuner.networks.outputs import flat_names, output_parts
from tuner.networks.parts import NamedShapes
from tuner.recipe import Recipe, describe
from tuner.training.evaluation import to_probabilities

Outputs = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """The task of a model and the names of its classes, labels or targets. `postprocess` turns outputs into probabilities
    (n, classes) or (n, labels), or numbers (n, targets). The numbers of the task `custom` lie side by side; `parts` are the names and
    shapes of the model's outputs."""

    task: Task
    names: tuple[str, ...]
    postprocess: Callable[[Outputs], Outputs]
    parts: NamedShapes = ()


def read_metadata(model: Path) -> Mapping[str, Any]:
    """The metadata of a model; empty without a file. Raises `DataError` where it cannot be read."""
    path = model.with_suffix(".json")
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as the model's metadata: {error}; move it away") from error
    if not isinstance(metadata, dict) or "recipe" not in metadata:
        raise DataError(f"{path}: is not the metadata of a model: it has no recipe; move it away")
    return metadata


def recipe_in(metadata: Mapping[str, Any], model: Path) -> Recipe:
    """The recipe in the metadata. Raises `DataError` where it is invalid."""
    try:
        return Recipe.from_dict(metadata["recipe"])
    except (TunerError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{model.with_suffix('.json')}: recipe: {error}") from error


def output_from_recipe(recipe: Recipe, inner: keras.Model, model: Path) -> OutputSpec:
    """The outputs as the recipe describes them. Raises `DataError` where the model has another number of them."""
    if recipe.data.task == "custom":
        return _custom(inner)
    names, outputs = describe(recipe.data).classes, inner.output_shape[-1]
    expected = 1 if recipe.network.output in ONE_UNIT else len(names)
    if outputs != expected:
        other = model.with_suffix(".json").name
        raise DataError(
            f"{model}: has {outputs} outputs, and {other} describes {expected}; they do not belong together"
        )
    return OutputSpec(recipe.data.task, names, lambda each: to_probabilities(each, recipe))


def output_from_activation(model: keras.Model) -> OutputSpec:
    """The outputs by the last activation, with indices for names; several outputs and maps as they are."""
    if not isinstance(model.output_shape, tuple) or len(model.output_shape) != 2:
        return _custom(model)
    outputs = int(model.output_shape[-1])
    indices = tuple(map(str, range(max(2, outputs))))
    match _last_activation(model):
        case "softmax" if outputs > 1:
            return OutputSpec("classification", indices, np.asarray)
        case "tanh" if outputs == 1:
            return OutputSpec("classification", indices, lambda each: class_probabilities(each, "signed"))
        case "sigmoid" if outputs == 1:
            return OutputSpec("classification", indices, lambda each: np.concatenate([1 - each, each], axis=1))
        case "sigmoid":
            return OutputSpec("multi_label", indices, np.asarray)
    return OutputSpec("regression", indices[:outputs], np.asarray)


def _custom(model: keras.Model) -> OutputSpec:
    parts = output_parts(model)
    return OutputSpec("custom", flat_names(parts), lambda each: each.reshape(len(each), -1), parts)


def _last_activation(model: keras.Model) -> str:
    for layer in reversed(model.layers):
        if isinstance(layer, keras.Model):
            return _last_activation(layer)
        if activation := getattr(layer, "activation", None):
            return str(getattr(activation, "__name__", ""))
    return ""
