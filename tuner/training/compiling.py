"""From the names and numbers of a recipe to Keras's loss, metric and optimizer."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras

from tuner.base.decode import encode
from tuner.networks import TabularEnsemble
from tuner.recipe import Loss, Optimizer, Recipe
from tuner.recipe.losses import wants_class_numbers
from tuner.training.members import MembersLoss, MembersMetric
from tuner.training.optimizers import FUSED


def compile_model(model: keras.Model, recipe: Recipe) -> None:
    """Give the model the recipe's loss, optimizer and the figure that suits its targets."""
    loss, figure = loss_of(recipe), figure_of(recipe)
    if isinstance(recipe.network, TabularEnsemble):
        loss, figure = MembersLoss(loss), MembersMetric(figure)
    model.compile(
        optimizer=make_optimizer(recipe.training.optimizer),
        loss=loss,
        metrics=[figure],
        jit_compile=False,
    )


def make_optimizer(settings: Optimizer) -> keras.optimizers.Optimizer:
    """A fresh Keras optimizer with the recipe's numbers, except the learning rate: the epoch loop sets that of each step."""
    kind, numbers = _kind_and_numbers(settings)
    del numbers["learning_rate"]
    if numbers.get("weight_decay") == 0:
        del numbers["weight_decay"]  # 0 is Keras's None: off
    make = FUSED.get(kind) or _named(kind, keras.optimizers)
    return make(**numbers)


def loss_of(recipe: Recipe) -> keras.losses.Loss:
    """The recipe's loss."""
    return make_loss(recipe.training.loss, from_logits=recipe.network.output == "linear")


def make_loss(loss: Loss, from_logits: bool) -> keras.losses.Loss:
    """Keras's loss object; those that can, the cross-entropies, take `linear` outputs as logits."""
    kind, numbers = _kind_and_numbers(loss)
    make = LOSSES.get(kind) or _named(kind, keras.losses)
    if "from_logits" in inspect.signature(make).parameters:
        numbers["from_logits"] = from_logits
    return make(**numbers)


def _kind_and_numbers(settings: Optimizer | Loss) -> tuple[str, dict[str, Any]]:
    numbers: dict[str, Any] = encode(settings)
    return numbers.pop("kind"), numbers


def _named(kind: str, module: ModuleType) -> Callable[..., Any]:
    """Keras's class of that name: KLDivergence for `kl_divergence`. Its own `get` has functions for losses, and no `lamb`."""
    name = kind.replace("_", "")
    return next(each for each in vars(module).values() if isinstance(each, type) and each.__name__.lower() == name)


@keras.saving.register_keras_serializable("tuner")
class HalfSquaredError(keras.losses.Loss):  # type: ignore[misc]
    """½(y - ŷ)², averaged: the loss of the TensorFlow Playground."""

    def __init__(self, name: str = "half_squared_error", **settings: Any) -> None:
        super().__init__(name=name, **settings)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return 0.5 * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


LOSSES = {"half_squared_error": HalfSquaredError}
"""Ours, by kind; the others are Keras's."""


def figure_of(recipe: Recipe) -> keras.metrics.Metric:
    """What is measured in the graph beside the loss: the accuracy that suits the recipe's targets; of numbers R², with the
    training part's spread in the place of these examples' own."""
    if recipe.data.task == "regression":
        return keras.metrics.MeanMetricWrapper(_explained, name="r2")
    if recipe.data.task == "multi_label":
        return keras.metrics.BinaryAccuracy(name="accuracy")
    if recipe.network.output == "signed":
        return keras.metrics.MeanMetricWrapper(_signs_agree, name="accuracy")
    if wants_class_numbers(recipe.training.loss):
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return keras.metrics.CategoricalAccuracy(name="accuracy")


def _explained(y_true: Any, y_pred: Any) -> Any:
    return 1.0 - keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def _signs_agree(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.cast(y_true * y_pred > 0, "float32")
