"""What a model says of itself: from its papers, the `.json` beside it, or from its own shape where there are none."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError, TunerError
from tuner.base.metrics import Task
from tuner.data.ingest.columns import Coding
from tuner.recipe import Recipe, described, task_of
from tuner.training.evaluation import as_meant

Outputs = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Meaning:
    """What a model's outputs are: of which task, of which classes, labels or targets, and how they become probabilities
    (n, classes), (n, labels) or numbers (n, targets). `has_names` is whether somebody has named these."""

    task: Task
    names: tuple[str, ...]
    of: Callable[[Outputs], Outputs]
    has_names: bool


def papers_beside(path: Path) -> Mapping[str, Any] | None:
    """The papers of a model; None where there are none. Raises `DataError` where they cannot be read."""
    beside = path.with_suffix(".json")
    try:
        found = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{beside}: cannot be read as the model's papers: {error}; move it away") from error
    if not isinstance(found, dict) or "recipe" not in found:
        raise DataError(f"{beside}: is not the papers of a model: it has no recipe; move it away")
    return found


def recipe_in(papers: Mapping[str, Any], where: Path) -> Recipe:
    """The recipe of the papers. Raises `DataError` where they hold none."""
    try:
        return Recipe.from_dict(papers["recipe"])
    except (TunerError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{where.with_suffix('.json')}: recipe: {error}") from error


def meaning_by(recipe: Recipe, outputs: int, where: Path) -> Meaning:
    """As the recipe says. Raises `DataError` where the model is of another one."""
    names = described(recipe.data).classes
    wanted = 1 if recipe.network.output == "signed" else len(names)
    if outputs != wanted:
        beside = where.with_suffix(".json").name
        raise DataError(
            f"{where}: gives {outputs} numbers and not {wanted} as {beside} says; they do not belong together"
        )
    return Meaning(task_of(recipe.data), names, lambda each: as_meant(each, recipe), True)


def meaning_without(model: keras.Model) -> Meaning:
    """As the last activation lets one guess, with numbers for names."""
    outputs, activation = int(model.output_shape[-1]), _last_activation(model)
    numbers = tuple(map(str, range(max(2, outputs))))
    match activation:
        case "softmax" if outputs > 1:
            return Meaning("classification", numbers, lambda each: each, False)
        case "tanh" if outputs == 1:
            return Meaning("classification", numbers, lambda each: _two((1 + each) / 2), False)
        case "sigmoid" if outputs == 1:
            return Meaning("classification", numbers, _two, False)
        case "sigmoid":
            return Meaning("multi_label", numbers, lambda each: each, False)
        case _:
            return Meaning("regression", numbers[:outputs], lambda each: each, False)


def _two(second: NDArray[Any]) -> Outputs:
    """Probabilities of both classes from that of the second (n, 1)."""
    found: Outputs = np.concatenate([1 - second, second], axis=1).astype(np.float32)
    return found


def _last_activation(model: keras.Model) -> str:
    for layer in reversed(model.layers):
        if isinstance(layer, keras.Model):
            return _last_activation(layer)
        if activation := getattr(layer, "activation", None):
            return str(getattr(activation, "__name__", ""))
    return ""


def inputs_shape(model: keras.Model, coding: Coding | None) -> tuple[int, ...]:
    """The shape of one input: of a coded row, or of an array as it is stored."""
    return (coding.places,) if coding else tuple(model.input_shape[1:])
