"""A cache of networks with traced graphs for further trainings with the same graph.

Building and tracing take longer than the steps of a short training. Folds, refits on fresh seeds, longer looks and a document's
grid share a graph: initial weights, examples and their number, batch sizes, learning rates and schedules are not part of it, and
dropout rates, penalties, label smoothing, averaging, augmentation and the numbers of most optimizers are its variables. Compiled
with XLA, the number of examples and the batch size are part of it.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.decode import encode
from tuner.base.metric_functions import Interval
from tuner.data.examples import Examples, TrainingSet
from tuner.networks import Inputs, Network, Outputs, TabularEnsemble, parameters
from tuner.networks.build import Constants, build, initial_values
from tuner.networks.layers import MembersDense
from tuner.recipe import CategoricalCrossentropy, Recipe
from tuner.result import Scores
from tuner.training.augmentation import STRENGTHS, augmenter
from tuner.training.compiling import as_compiled, compile_model, loss_of, make_optimizer, numbers_of_optimizer, xla_pays
from tuner.training.fold_data import FoldData, fold_data
from tuner.training.loop import EpochLoop
from tuner.training.own_model import own_model

KEPT = 6
KEPT_PARAMETERS = 10_000_000
"""The most recently used networks are cached, up to these numbers of networks and of their parameters."""

BATCHES, STUDENT = 20, 2.093
"""The batches of a test whose means tell its error, and the 97.5 % quantile of Student's distribution for as many."""

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
    "target_scale",
    "callbacks",
    "callbacks_sha256",
)


class Traced:
    """A compiled model and its epoch loop, at the start of the latest recipe's training."""

    def __init__(self, recipe: Recipe, fold_data: FoldData) -> None:
        self.numbers: list[tf.Variable] = []
        self.model = build(*_network(recipe, fold_data), self._variable)
        self.as_compiled = as_compiled(self.model)
        self.recipe = recipe = self.as_compiled(recipe)
        compile_model(self.model, recipe, self._variable)
        for layer in self.model._flatten_layers():
            if isinstance(layer, MembersDense):
                layer.batch_size = _batch_size(recipe, fold_data)
        self.own = own_model(self.model, loss_of(recipe), recipe)
        self.loop = EpochLoop(
            self.model,
            recipe.training,
            *fold_data.for_loop(recipe),
            xla=_uses_xla(recipe, fold_data),
            number=self._variable,
            own=self.own,
        )
        self.loop.trace()
        self.others_at_first = [_without_zeros(variable.numpy()) for variable in self._others]

    def _variable(self, value: float) -> tf.Variable:
        self.numbers.append(tf.Variable(value, trainable=False, dtype=tf.float32))
        return self.numbers[-1]

    def begin(self, recipe: Recipe, fold_data: FoldData) -> None:
        """Reset to the state of a newly built network, with the recipe's numbers in the order in which the graph got its own."""
        numbers: list[float] = []

        def note(value: float) -> float:
            numbers.append(value)
            return value

        self.recipe = recipe = self.as_compiled(recipe)
        weights, training = initial_values(*_network(recipe, fold_data), note), recipe.training
        loss_of(recipe, note), make_optimizer(training, note), augmenter(training.augmentation, note)
        numbers += [training.averaging] if training.averaging else []
        for variable, value in zip(self.numbers, numbers, strict=True):
            variable.assign(value)
        self.loop.feed(recipe.training, *fold_data.for_loop(recipe))
        averaged = {id(each) for each in self.model.weights if recipe.training.averaging}
        averages = [value for each, value in zip(self.model.variables, weights, strict=True) if id(each) in averaged]
        self.state = [*weights, *self.others_at_first, *averages]
        self._begin_optimizer()

    def begin_phase(self, number: int) -> None:
        """Train the layers of this phase from the next step on, with a new state of optimizers and running means."""
        self.loop.begin_phase(number)
        for variable, value in zip(self._others, self.others_at_first, strict=True):
            variable.assign(value)
        self._begin_optimizer()

    def _begin_optimizer(self) -> None:
        optimizer = self.model.optimizer
        if isinstance(optimizer, keras.optimizers.ScheduleFreeAdamW):  # its momentum begins as the weights
            for momentum, weight in zip(optimizer._momentums, optimizer._trainable_variables, strict=True):
                momentum.assign(weight)

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
        return [*self.model.variables, *self._others, *self.loop.averages.variables]

    @property
    def _others(self) -> list[Any]:
        model = self.model
        return self.own.variables if self.own else [*model.optimizer.variables, *model.metrics_variables]


def traced(recipe: Recipe, fold_data: FoldData) -> Traced:
    """A network at the start of the recipe's training, from the cache if its graph is there."""
    key = graph_key(recipe, fold_data)
    if key in _TRACED and not ((own := _TRACED[key].own) and own.has_own_step):
        _TRACED.move_to_end(key)
        _TRACED[key].begin(recipe, fold_data)
        return _TRACED[key]
    latest = _TRACED[key] = Traced(recipe, fold_data)
    while len(_TRACED) > KEPT or (len(_TRACED) > 1 and _parameters_kept() > KEPT_PARAMETERS):
        _TRACED.popitem(last=False)
    return latest


def own_scores(
    recipe: Recipe, data: TrainingSet, saved: keras.Model, examples: Examples
) -> tuple[Scores, dict[str, Interval]]:
    """Loss and metrics with which a function compiled its model, of the weights of a saved model, on examples for its test. Their 95 %
    intervals are those of the means of 20 batches."""
    fold = fold_data(recipe, data, 0)
    network = traced(recipe, fold)
    network.model.set_weights(saved.get_weights())

    def scores(places: NDArray[np.int64]) -> Scores:
        return network.loop.scores(fold.part_of(network.recipe, examples.take(places)))[0]

    order = np.random.default_rng(0).permutation(len(examples))
    whole, batches = (
        scores(order),
        [scores(each) for each in np.array_split(order, BATCHES)] if len(order) >= BATCHES else [],
    )
    return whole, {
        name: _interval(whole.value(name), [each.value(name) for each in batches])
        for name in ("loss", *whole.figures)
        if batches
    }


def _interval(value: float, batches: Sequence[float]) -> Interval:
    half = STUDENT * float(np.std(batches, ddof=1)) / math.sqrt(len(batches))
    return Interval(value - half, value + half, "batch means")


def _network(recipe: Recipe, fold_data: FoldData) -> tuple[Network, Inputs, Outputs, int, Constants]:
    return recipe.network, fold_data.inputs, fold_data.outputs, recipe.seed, fold_data.constants


def _batch_size(recipe: Recipe, fold_data: FoldData) -> int:
    return min(recipe.training.batch_size, len(fold_data.training))


def _parameters_kept() -> int:
    return sum(each.model.count_params() for each in _TRACED.values())


def _without_zeros(values: NDArray[Any]) -> NDArray[Any]:
    """The array; a view of a single zero if it has only zeros, to save memory."""
    return values if values.any() else np.broadcast_to(np.zeros((), values.dtype), values.shape)


def graph_key(recipe: Recipe, fold_data: FoldData) -> str:
    """Equal for trainings whose graphs are equal. Of numbers that the graph reads from variables it only says which are above 0: a
    graph without dropout has no layer for it."""
    plain, xla = recipe.to_dict(), _uses_xla(recipe, fold_data)
    network, training = plain["network"], plain["training"]
    for name in NOT_IN_THE_GRAPH if xla else (*NOT_IN_THE_GRAPH, "batch_size"):
        training.pop(name, None)
    training["phases"] = [each["trainable"] for each in training["phases"]]
    if "hidden" in network:
        del network["hidden"]["initializer"]
        _hide(network["hidden"], "dropout", "kernel_l1", "kernel_l2")
    _hide(network, "stage_dropout", "input_dropout")
    _hide(training, "averaging")
    _hide(training["augmentation"], *STRENGTHS)
    _hide(training["loss"], *(["label_smoothing"] if isinstance(recipe.training.loss, CategoricalCrossentropy) else []))
    _hide(training["optimizer"], "learning_rate", *numbers_of_optimizer(recipe.training.optimizer))
    parts = [fold_data.training, fold_data.validation]
    shapes = [None if each is None else each.inputs.shape[0 if xla else 1 :] for each in parts]
    dtype = fold_data.training.inputs.dtype.name
    scale = (fold_data.scale.offset.shape, fold_data.scale.factor.shape)
    weighted = [each is None or each.weights is None for each in parts]
    inputs, ensemble = encode(fold_data.inputs), recipe.network
    wide = isinstance(ensemble, TabularEnsemble) and _batch_size(recipe, fold_data) >= ensemble.widths[0]
    return json.dumps([network, training, shapes, dtype, scale, inputs, fold_data.outputs, weighted, xla, wide])


def _hide(plain: dict[str, Any], *names: str) -> None:
    """Replace numbers by whether they are above 0."""
    for name in set(names) & set(plain):
        value = plain[name]
        plain[name] = [each > 0 for each in value] if isinstance(value, list | tuple) else value > 0


def _uses_xla(recipe: Recipe, fold_data: FoldData) -> bool:
    count = parameters(recipe.network, fold_data.inputs, fold_data.outputs)
    return xla_pays(recipe, len(fold_data.training), count)


_TRACED: OrderedDict[str, Traced] = OrderedDict()
