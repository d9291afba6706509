"""A cache of networks with traced graphs for further trainings with the same graph.

Tracing takes 0.3 to 0.8 s, compiling with XLA 1.2 s: a third of a short trial. Folds, refits on fresh seeds, continued
trials and a document's grid over learning rates or initializers share a graph: initial weights, the order of the examples,
learning rates and schedules are not part of it.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
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
"""The most recently used networks are cached, up to these numbers of networks and of their parameters."""

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
    """A compiled model and its epoch loop, at the start of the latest recipe's training."""

    def __init__(self, recipe: Recipe, fold_data: FoldData) -> None:
        self.model = _built(recipe, fold_data)
        compile_model(self.model, recipe)
        xla = _uses_xla(recipe, fold_data)
        self.loop = EpochLoop(self.model, recipe.training, *fold_data.for_loop(recipe), xla=xla)
        self.loop.trace()
        self.optimizer_at_first = [_without_zeros(variable.numpy()) for variable in self.model.optimizer.variables]

    def begin(self, recipe: Recipe, fold_data: FoldData) -> None:
        """Reset to the state of a newly built network."""
        fresh = _built(recipe, fold_data)
        self.loop.feed(*fold_data.for_loop(recipe))
        weights = [variable.numpy() for variable in fresh.variables]
        averages = fresh.get_weights() if recipe.training.averaging else []
        metrics = [np.zeros(variable.shape, variable.dtype) for variable in self.model.metrics_variables]
        self.state = [*weights, *self.optimizer_at_first, *metrics, *averages]

    @property
    def state(self) -> list[NDArray[Any]]:
        """Weights, moving statistics, states of random generators and of the optimizer, the running means of the current
        epoch, and averaged weights."""
        return [variable.numpy() for variable in self._variables]

    @state.setter
    def state(self, values: Sequence[NDArray[Any]]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    @property
    def _variables(self) -> list[Any]:
        model = self.model
        return [*model.variables, *model.optimizer.variables, *model.metrics_variables, *self.loop.averages.variables]


def traced(recipe: Recipe, fold_data: FoldData) -> Traced:
    """A network at the start of the recipe's training, from the cache if its graph is there."""
    key = graph_key(recipe, fold_data)
    if key in _TRACED:
        _TRACED.move_to_end(key)
        _TRACED[key].begin(recipe, fold_data)
        return _TRACED[key]
    latest = _TRACED[key] = Traced(recipe, fold_data)
    while len(_TRACED) > KEPT or (len(_TRACED) > 1 and _parameters_kept() > KEPT_PARAMETERS):
        _TRACED.popitem(last=False)
    return latest


def _built(recipe: Recipe, fold_data: FoldData) -> keras.Model:
    return build(recipe.network, fold_data.inputs, fold_data.outputs, recipe.seed, fold_data.constants)


def _parameters_kept() -> int:
    return sum(each.model.count_params() for each in _TRACED.values())


def _without_zeros(values: NDArray[Any]) -> NDArray[Any]:
    """The array; a view of a single zero if it has only zeros, to save memory."""
    return values if values.any() else np.broadcast_to(np.zeros((), values.dtype), values.shape)


def graph_key(recipe: Recipe, fold_data: FoldData) -> str:
    """Equal for trainings whose graphs are equal."""
    plain = recipe.to_dict()
    network, training = plain["network"], plain["training"]
    network.get("hidden", {}).pop("initializer", None)
    for name in NOT_IN_THE_GRAPH:
        training.pop(name, None)
    training["optimizer"].pop("learning_rate", None)
    shapes = [None if each is None else each.inputs.shape for each in (fold_data.training, fold_data.validation)]
    dtype = fold_data.training.inputs.dtype.name
    scale = (fold_data.scale.offset.shape, fold_data.scale.factor.shape)
    weighted = [each is None or each.weights is None for each in (fold_data.training, fold_data.validation)]
    inputs, xla = encode(fold_data.inputs), _uses_xla(recipe, fold_data)
    return json.dumps([network, training, shapes, dtype, scale, inputs, fold_data.outputs, weighted, xla])


def _uses_xla(recipe: Recipe, fold_data: FoldData) -> bool:
    count = parameters(recipe.network, fold_data.inputs, fold_data.outputs)
    return xla_pays(recipe, len(fold_data.training), count)


_TRACED: OrderedDict[str, Traced] = OrderedDict()
