"""Networks with their traced epoch, kept for the next training of the same shape.

Tracing takes 0.3 to 0.8 s, compiling with XLA 1.2 s: a third of a short trial. Folds of a cross-validation, a winner's
fresh seeds, a trial that goes on and a document's grid over learning rates or initializers have the same graph: what
differs between them are initial weights, the order of the examples, learning rates and schedules, which are not in it.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import encode
from tuner.networks import parameters
from tuner.networks.build import build
from tuner.recipe import Recipe
from tuner.training.compiling import compile_model
from tuner.training.fold_data import FoldData
from tuner.training.loop import EpochLoop, xla_pays

KEPT = 6
KEPT_PARAMETERS = 10_000_000
"""So many networks are kept in a process, the latest used ones, and no more than so many parameters with them."""

NOT_IN_THE_GRAPH = (
    "schedule",
    "epochs",
    "shuffle",
    "early_stopping",
    "keep",
    "keep_by",
    "lean_epochs",
    "lean_share",
    "bootstrap",
)


class Traced:
    """A compiled model and its epoch loop, ready to train the recipe that it was last begun with."""

    def __init__(self, recipe: Recipe, material: FoldData) -> None:
        training, validation = material.on_device(recipe)
        self.model = _built(recipe, material)
        compile_model(self.model, recipe)
        xla = xla_pays(recipe, len(training), parameters(recipe.network, material.inputs, material.outputs))
        settings = recipe.training
        self.loop = EpochLoop(
            self.model,
            material.scale,
            training,
            validation,
            settings.batch_size,
            xla,
            settings.adversarial,
            settings.augmentation,
            settings.averaging,
            partial(material.measure, recipe) if material.is_measured else None,
        )
        self.optimizer_at_first = [_without_zeros(variable.numpy()) for variable in self.model.optimizer.variables]

    def begin(self, recipe: Recipe, material: FoldData) -> None:
        """Start over, as a newly built network would."""
        fresh = _built(recipe, material)
        self.loop.feed(material.scale, *material.on_device(recipe))
        self.loop.measure = partial(material.measure, recipe) if material.is_measured else None
        weights = [variable.numpy() for variable in fresh.variables]
        averages = fresh.get_weights() if recipe.training.averaging else []
        self.state = [*weights, *self.optimizer_at_first, *self._metrics_at_first, *averages]

    @property
    def state(self) -> list[NDArray[Any]]:
        """Weights, moving statistics, states of random generators, what the optimizer remembers, the running means of the
        epoch under way, and averaged weights."""
        return [variable.numpy() for variable in self._variables]

    @state.setter
    def state(self, values: Sequence[NDArray[Any]]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    @property
    def _variables(self) -> list[Any]:
        model = self.model
        return [*model.variables, *model.optimizer.variables, *model.metrics_variables, *self.loop.averages.variables]

    @property
    def _metrics_at_first(self) -> list[NDArray[Any]]:
        return [np.zeros(variable.shape, variable.dtype) for variable in self.model.metrics_variables]


def traced(recipe: Recipe, material: FoldData) -> Traced:
    """A network at the start of the recipe's training: one that was traced before, if its graph is the same."""
    key = graph_key(recipe, material)
    if key in _TRACED:
        _TRACED.move_to_end(key)
        _TRACED[key].begin(recipe, material)
        return _TRACED[key]
    latest = _TRACED[key] = Traced(recipe, material)
    while len(_TRACED) > KEPT or (len(_TRACED) > 1 and _parameters_kept() > KEPT_PARAMETERS):
        _TRACED.popitem(last=False)
    return latest


def _built(recipe: Recipe, material: FoldData) -> keras.Model:
    return build(recipe.network, material.inputs, material.outputs, recipe.seed, material.constants)


def _parameters_kept() -> int:
    return sum(each.model.count_params() for each in _TRACED.values())


def _without_zeros(values: NDArray[Any]) -> NDArray[Any]:
    """The same array, without memory of its own where it is all zeros, as most of an optimizer's are at first."""
    return values if values.any() else np.broadcast_to(np.zeros((), values.dtype), values.shape)


def graph_key(recipe: Recipe, material: FoldData) -> str:
    """Equal for trainings whose graphs are equal."""
    plain = recipe.to_dict()
    network, training = plain["network"], plain["training"]
    network.get("hidden", {}).pop("initializer", None)
    for name in NOT_IN_THE_GRAPH:
        training.pop(name, None)
    training["optimizer"].pop("learning_rate", None)
    shapes = [None if each is None else each.inputs.shape for each in (material.training, material.validation)]
    dtype = material.training.inputs.dtype.name
    scale = (material.scale.offset.shape, material.scale.factor.shape)
    xla = xla_pays(recipe, len(material.training), parameters(recipe.network, material.inputs, material.outputs))
    weighted = [material.training.weights is None, material.validation is None or material.validation.weights is None]
    stands_on = encode(material.inputs)
    return json.dumps([network, training, shapes, dtype, scale, stands_on, material.outputs, weighted, xla])


_TRACED: OrderedDict[str, Traced] = OrderedDict()
