"""Training one network on one fold, epoch by epoch, until it ends, is stopped or diverges."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.data.parts import Examples
from tuner.networks.build import build
from tuner.recipe import Patience, Recipe
from tuner.result import Ending, Epoch, FoldResult, Watch
from tuner.training.compiling import compile_model, targets
from tuner.training.loop import EpochLoop, Scaler, part, xla_pays
from tuner.training.schedules import rates


@dataclass(frozen=True)
class Material:
    """What one fold trains on and validates on, as stored, with the constants that scale its inputs."""

    training: Examples
    validation: Examples | None
    classes: int
    scale: Scaler


@dataclass(frozen=True)
class Trained:
    """A trained network with the weights that count, its curve, and how its training ended."""

    model: keras.Model
    scale: Scaler
    fold: FoldResult
    ended: Ending
    reason: str

    def stopped(self, reason: str) -> "Trained":
        """The same training, ended from outside between two folds."""
        return replace(self, ended="pruned", reason=reason)


def train(recipe: Recipe, material: Material, fold: int, watch: Watch) -> Trained:
    """Build and train what the recipe describes. `watch` is told of each epoch and may stop the training."""
    model = build(recipe.network, material.training.shape, material.classes, recipe.seed)
    compile_model(model, recipe)
    loop = EpochLoop(
        model,
        material.scale,
        part(material.training.inputs, targets(recipe, material.training.labels, material.classes)),
        _validation_part(recipe, material),
        recipe.training.batch_size,
        xla=xla_pays(recipe, len(material.training)),
    )
    best = BestWeights(model) if recipe.training.keep == "best" else None
    epochs: list[Epoch] = []
    ended, reason = _train_epochs(recipe, loop, fold, watch, epochs, best)
    kept = best.restore() if best else len(epochs)
    return Trained(model, material.scale, FoldResult(epochs=tuple(epochs), kept=kept), ended, reason)


def order_of_examples(recipe: Recipe, fold: int, epoch: int, examples: int) -> NDArray[np.int32]:
    """The order in which an epoch sees the examples. It depends on seed, fold and epoch only, so that a training that
    goes on from a checkpoint sees what it would have seen."""
    if not recipe.training.shuffle:
        return np.arange(examples, dtype=np.int32)
    return np.random.default_rng([recipe.seed, fold, epoch]).permutation(examples).astype(np.int32)


def _train_epochs(
    recipe: Recipe, loop: EpochLoop, fold: int, watch: Watch, epochs: list[Epoch], best: "BestWeights | None"
) -> tuple[Ending, str]:
    settings = recipe.training
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        steps = rates(settings.schedule, settings.optimizer.learning_rate, number, loop.steps, settings.epochs)
        training, validation = loop.epoch(order_of_examples(recipe, fold, number, len(loop.training)), steps)
        epoch = Epoch(
            fold=fold,
            number=number,
            training=training,
            validation=validation,
            learning_rate=float(steps[-1]),
            seconds=time.perf_counter() - started,
        )
        epochs.append(epoch)
        if best:
            best.offer(epoch)
        if not epoch.finite:
            return "diverged", f"the loss is not finite after epoch {number}"
        if not watch(epoch) and number < settings.epochs:
            return "pruned", f"stopped after epoch {number}"
        if number < settings.epochs and _patience_is_over(recipe, epochs):
            return "stopped_early", f"no improvement up to epoch {number}"
    return "finished", ""


def _patience_is_over(recipe: Recipe, epochs: list[Epoch]) -> bool:
    patience = recipe.training.early_stopping
    if not isinstance(patience, Patience):
        return False
    figure = _MONITORED[patience.monitor]
    values = [figure(epoch) for epoch in epochs]
    best = 0
    for index, value in enumerate(values):
        if value > values[best] + patience.min_delta:
            best = index
    return len(values) - 1 - best >= patience.epochs


_MONITORED: dict[str, Callable[[Epoch], float]] = {
    "validation_accuracy": lambda epoch: epoch.validation.accuracy if epoch.validation else float("nan"),
    "validation_loss": lambda epoch: -epoch.validation.loss if epoch.validation else float("nan"),
}


class BestWeights:
    """A copy of the weights after the epoch with the best validation accuracy; the first of equals."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.accuracy = -1.0
        self.number = 0
        self.weights: list[NDArray[Any]] = []

    def offer(self, epoch: Epoch) -> None:
        """Keep the model's present weights if this epoch is the best so far."""
        if epoch.finite and epoch.validation and epoch.validation.accuracy > self.accuracy:
            self.accuracy, self.number = epoch.validation.accuracy, epoch.number
            self.weights = self.model.get_weights()

    def restore(self) -> int:
        """Put the best weights back; the number of their epoch, 0 if there was none."""
        if self.weights:
            self.model.set_weights(self.weights)
        return self.number


def _validation_part(recipe: Recipe, material: Material) -> Any:
    if material.validation is None:
        return None
    return part(material.validation.inputs, targets(recipe, material.validation.labels, material.classes))
