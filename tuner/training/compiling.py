"""From the names and numbers of a recipe to Keras's loss, metric and optimizer, and labels to what the loss wants."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.decode import encode
from tuner.recipe import CategoricalCrossentropy, Loss, Optimizer, Recipe
from tuner.training.optimizers import FusedAdam, FusedAdamW, FusedRmsprop, FusedSgd

OPTIMIZERS = {
    "sgd": FusedSgd,
    "adam": FusedAdam,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adamw": FusedAdamW,
    "rmsprop": FusedRmsprop,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "lion": keras.optimizers.Lion,
}


def compile_model(model: keras.Model, recipe: Recipe) -> None:
    """Give the model the recipe's loss, optimizer and the accuracy that suits its targets."""
    model.compile(
        optimizer=make_optimizer(recipe.training.optimizer),
        loss=make_loss(recipe.training.loss, from_logits=recipe.network.output == "linear"),
        metrics=[_accuracy(recipe)],
        jit_compile=False,
    )


def make_optimizer(settings: Optimizer) -> keras.optimizers.Optimizer:
    """A fresh Keras optimizer with all the recipe's numbers (weight decay 0 is Keras's None: off)."""
    numbers: dict[str, Any] = encode(settings)
    kind = numbers.pop("kind")
    if numbers.get("weight_decay") == 0:
        del numbers["weight_decay"]
    return OPTIMIZERS[kind](**numbers)


def make_loss(loss: Loss, from_logits: bool) -> keras.losses.Loss:
    """Keras's loss object; cross-entropies take `linear` outputs as logits."""
    if isinstance(loss, CategoricalCrossentropy):
        return keras.losses.CategoricalCrossentropy(from_logits=from_logits, label_smoothing=loss.label_smoothing)
    match loss.kind:
        case "sparse_categorical_crossentropy":
            return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        case "kl_divergence":
            return keras.losses.KLDivergence()
        case "mean_squared_error":
            return keras.losses.MeanSquaredError()
        case "half_squared_error":
            return HalfSquaredError()
        case "categorical_hinge":
            return keras.losses.CategoricalHinge()
        case "poisson":
            return keras.losses.Poisson()


@keras.saving.register_keras_serializable("tuner")
class HalfSquaredError(keras.losses.Loss):  # type: ignore[misc]
    """½(y - ŷ)², averaged: the loss of the TensorFlow Playground."""

    def __init__(self, name: str = "half_squared_error", **settings: Any) -> None:
        super().__init__(name=name, **settings)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return 0.5 * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def targets(recipe: Recipe, labels: NDArray[Any], classes: int) -> NDArray[Any]:
    """Labels (n,) as the recipe's loss wants them: class numbers, one-hot rows (n, classes), or -1 and 1 (n, 1)."""
    if recipe.network.output == "signed":
        return (2.0 * labels.astype(np.float32) - 1.0)[:, np.newaxis]
    if recipe.training.loss.kind == "sparse_categorical_crossentropy":
        return labels.astype(np.int32)
    one_hot: NDArray[np.float32] = np.eye(classes, dtype=np.float32)[labels]
    return one_hot


def _accuracy(recipe: Recipe) -> keras.metrics.Metric:
    if recipe.network.output == "signed":
        return keras.metrics.MeanMetricWrapper(_signs_agree, name="accuracy")
    if recipe.training.loss.kind == "sparse_categorical_crossentropy":
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return keras.metrics.CategoricalAccuracy(name="accuracy")


def _signs_agree(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.cast(y_true * y_pred > 0, "float32")
