"""Keras's loss, metric and optimizer as a recipe describes them."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from tuner.base.decode import decode, encode
from tuner.base.errors import TunerError
from tuner.networks import Dense, TabularEnsemble
from tuner.networks.build import Number
from tuner.networks.layers import FastDropout
from tuner.recipe import CategoricalCrossentropy, Clipping, Loss, Optimizer, Recipe, Training
from tuner.recipe.losses import LOSSES as LOSSES_BY_TASK
from tuner.recipe.losses import wants_class_numbers
from tuner.training.optimizers import FUSED


def compile_model(model: keras.Model, recipe: Recipe, number: Number = float) -> None:
    """Compile the model with the recipe's loss, optimizer and metric, whose numbers are what `number` makes of them. A model that a
    function of the user's has compiled stays as it is."""
    if model.compiled:
        return
    loss, optimizer = loss_of(recipe, number), make_optimizer(recipe.training, number)
    if isinstance(recipe.network, TabularEnsemble):
        loss = MembersLoss(loss)
    model.compile(optimizer, loss, metrics=[metric_of(recipe)], jit_compile=False)


Change = Callable[[Recipe], Recipe]


def as_compiled(model: keras.Model) -> Change:
    """What changes a recipe where a function of the user's has compiled its model: it gets the model's learning rate, and a loss with
    the targets of the model's. Another loss of Keras for classes gets one-hot targets, a loss of the user's those of the recipe."""
    if not model.compiled:
        return lambda recipe: recipe
    kind = (
        model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", getattr(model.loss, "__name__", ""))
    )
    is_of_keras = isinstance(model.loss, str) or type(model.loss).__module__.startswith("keras.")
    rate = float(getattr(model.optimizer, "learning_rate", 0.0))  # a MultiOptimizer has none

    def changed(recipe: Recipe) -> Recipe:
        training = recipe.training
        loss = training.loss
        if kind in LOSSES_BY_TASK[recipe.data.task]:
            loss = decode(Loss, kind)  # type: ignore[arg-type]
        elif is_of_keras and recipe.data.task == "classification" and not kind.startswith("sparse"):
            loss = CategoricalCrossentropy()
        optimizer = replace(training.optimizer, learning_rate=rate) if rate > 0 else training.optimizer
        return replace(recipe, training=replace(training, loss=loss, optimizer=optimizer))

    return changed


def falling_variables(model: keras.Model) -> Iterator[tuple[tf.Variable, Any]]:
    """New variables of the dropout rates and the weight decay of a compiled model, with their full values."""
    for layer in model._flatten_layers():
        if isinstance(layer, FastDropout):
            full, layer.share = layer.share, tf.Variable(layer.share, trainable=False, dtype=tf.float32)
            yield layer.share, full
    for name in ("weight_decay", "adam_weight_decay"):  # the second is Muon's
        if full := getattr(model.optimizer, name, None):
            variable = tf.Variable(full, trainable=False, dtype=tf.float32)
            setattr(model.optimizer, name, variable)
            yield variable, full


def make_optimizer(training: Training, number: Number = float) -> keras.optimizers.Optimizer:
    """A new Keras optimizer, without the learning rate, which the epoch loop sets at each step."""
    settings, clipping, steps = training.optimizer, training.clipping, training.gradient_accumulation_steps
    kind, numbers = _kind_and_numbers(settings)
    del numbers["learning_rate"]
    if numbers.get("weight_decay") == 0 and kind not in ("adamw", "muon"):
        del numbers["weight_decay"]  # 0 is Keras's None: off; the default of these two is not
    if kind == "muon":
        numbers |= {"adam_weight_decay": numbers["weight_decay"], "exclude_layers": BY_ADAM}
    if isinstance(clipping, Clipping):
        numbers[clipping.kind] = clipping.limit
    make = FUSED.get(kind) or _named(kind, keras.optimizers)
    optimizer = make(**numbers, gradient_accumulation_steps=steps if steps > 1 else None)
    for name in numbers_of_optimizer(settings):
        setattr(optimizer, name, number(numbers[name]))
    return optimizer


def numbers_of_optimizer(settings: Optimizer) -> list[str]:
    """The fields that the graph can read from variables without a change of the results."""
    return [name for name in VARIABLE.get(settings.kind, ()) if getattr(settings, name)]


def xla_pays(recipe: Recipe, examples: int, parameters: int) -> bool:
    """Whether XLA saves more than the 0.8 s that compiling takes.

    Measured on one thread on 50,000 images: it saves 0.1 ms per step of a narrow dense network (two layers of 128: an epoch
    at batch 16 takes 0.46 s instead of 0.82 s, at batch 4 1.4 s instead of 2.7 s) and nothing in larger steps (two layers of
    256 at batch 128). bfloat16 gets slower, convolutions on a CPU three times, dropout up to twelve times slower.
    """
    network, batch = recipe.network, recipe.training.batch_size
    if not isinstance(network, Dense) or network.hidden.precision != "float32":
        return False
    has_dropout = network.input_dropout or any(network.hidden.dropout_rates(len(network.widths)))
    steps = -(-examples // batch) * recipe.training.epochs
    return not has_dropout and steps >= 8000 and parameters * batch <= 25_000_000


BY_ADAM = ["output", "row_encoder"]
"""The names of layers whose kernels Muon leaves to AdamW."""

VARIABLE = {"sgd": ("momentum", "weight_decay"), "adamw": ("weight_decay",), "lion": ("weight_decay",)}
"""By kind: the betas of Adam are seldom searched, and Keras subtracts other numbers from 1 in double precision."""


def loss_of(recipe: Recipe, number: Number = float) -> keras.losses.Loss:
    """The recipe's loss."""
    if recipe.network.output in ("probability", "log_odds"):
        return keras.losses.BinaryCrossentropy(from_logits=recipe.network.output == "log_odds")
    return make_loss(recipe.training.loss, from_logits=recipe.network.output == "linear", number=number)


def make_loss(loss: Loss, from_logits: bool, number: Number = float) -> keras.losses.Loss:
    """Keras's loss; cross-entropies take `linear` outputs as logits."""
    if isinstance(loss, CategoricalCrossentropy) and loss.label_smoothing:
        return SmoothedCrossentropy(number(1.0 - loss.label_smoothing), number(loss.label_smoothing), from_logits)
    kind, numbers = _kind_and_numbers(loss)
    make = LOSSES.get(kind) or _named(kind, keras.losses)
    if "from_logits" in inspect.signature(make).parameters:
        numbers["from_logits"] = from_logits
    return make(**numbers)


def _kind_and_numbers(settings: Optimizer | Loss) -> tuple[str, dict[str, Any]]:
    numbers: dict[str, Any] = encode(settings)
    return numbers.pop("kind"), numbers


def _named(kind: str, module: ModuleType) -> Callable[..., Any]:
    """Keras's class of that name: KLDivergence for `kl_divergence`. Keras's `get` lacks some of them."""
    name = kind.replace("_", "")
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__name__.lower() == name]
    if not classes:
        raise TunerError(f"Keras {keras.__version__} has no {kind}: a later version does")
    return classes[0]


@keras.saving.register_keras_serializable("tuner")
class HalfSquaredError(keras.losses.Loss):  # type: ignore[misc]
    """½(y - ŷ)², averaged: the loss of the TensorFlow Playground."""

    def __init__(self, name: str = "half_squared_error", **settings: Any) -> None:
        super().__init__(name=name, **settings)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return 0.5 * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class SmoothedCrossentropy(keras.losses.CategoricalCrossentropy):  # type: ignore[misc]
    """Keras's categorical cross-entropy with label smoothing: the target is multiplied by `kept`, and `spread` is divided among all
    classes. Both may be variables."""

    def __init__(self, kept: Any, spread: Any, from_logits: bool) -> None:
        super().__init__(from_logits=from_logits)
        self.kept, self.spread = kept, spread

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        kept, spread = (keras.ops.cast(each, y_pred.dtype) for each in (self.kept, self.spread))
        return super().call(keras.ops.cast(y_true, y_pred.dtype) * kept + spread / y_pred.shape[-1], y_pred)


LOSSES = {"half_squared_error": HalfSquaredError}
"""Ours, by kind; the others are Keras's."""


def metric_of(recipe: Recipe) -> keras.metrics.Metric:
    """The metric in the graph: the accuracy for the recipe's targets, or R² relative to the variance of the training part. For an
    ensemble that is a metric of the members' mean, which is the prediction."""
    compute = _metric_function(recipe)

    def of_mean(y_true: Any, y_pred: Any) -> Any:
        return compute(y_true, keras.ops.mean(y_pred, axis=1) if len(y_pred.shape) == 3 else y_pred)

    metric = keras.metrics.MeanMetricWrapper(of_mean, name="r2" if recipe.data.task == "regression" else "accuracy")
    metric._direction = "up"  # for Keras's callbacks
    return metric


def _metric_function(recipe: Recipe) -> Callable[[Any, Any], Any]:
    """The function of targets and predictions whose mean over all examples is the metric."""
    if recipe.data.task == "regression":
        return lambda y_true, y_pred: 1.0 - keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)
    if recipe.network.output == "signed":
        return lambda y_true, y_pred: keras.ops.cast(y_true * y_pred > 0, "float32")
    if recipe.network.output in ("probability", "log_odds"):
        half = 0.5 if recipe.network.output == "probability" else 0.0
        return lambda y_true, y_pred: keras.ops.cast((y_true > 0.5) == (y_pred > half), "float32")
    accuracy: Callable[[Any, Any], Any] = keras.metrics.categorical_accuracy
    if recipe.data.task == "multi_label":
        accuracy = keras.metrics.binary_accuracy
    elif wants_class_numbers(recipe.training.loss):
        accuracy = keras.metrics.sparse_categorical_accuracy
    return accuracy


class MembersLoss(keras.losses.Loss):  # type: ignore[misc]
    """The mean of an ensemble's losses, whose outputs in training are (batch, members, outputs); the loss itself if the outputs
    have no axis of members."""

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        if len(y_pred.shape) < 3:
            return self.loss.call(y_true, y_pred)
        repeated = keras.ops.repeat(keras.ops.expand_dims(y_true, 1), y_pred.shape[1], axis=1)
        by_member = self.loss.call(repeated, y_pred)
        return keras.ops.mean(keras.ops.reshape(by_member, (-1, y_pred.shape[1])), axis=1)
