"""Training one network on one fold, epoch by epoch, until it ends, is stopped or diverges."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.recipe import Patience, Recipe
from tuner.result import Ending, Epoch, FoldResult, Watch
from tuner.training.checkpoint import Arrays, Saved, Standing
from tuner.training.loop import EpochLoop, Scaler
from tuner.training.prepared import Material, Prepared, prepared
from tuner.training.schedules import rates


@dataclass(frozen=True)
class Trained:
    """A trained network with the weights that count, its curve, and how its training ended. `saved` is where a stopped
    training stands. The model is used again by the next training of its shape: what is to be kept must be copied."""

    model: keras.Model
    scale: Scaler
    fold: FoldResult
    ended: Ending
    reason: str
    saved: Saved = Saved()

    def stopped(self, reason: str) -> "Trained":
        """The same training, ended from outside between two folds."""
        return replace(self, ended="pruned", reason=reason)


def train(recipe: Recipe, material: Material, fold: int, watch: Watch, saved: Saved) -> Trained:
    """Train what the recipe describes on one fold, from where it stands. `watch` is told of each epoch, of those trained
    before too, and may stop it."""
    network = prepared(recipe, material)
    if saved.state:
        network.state = saved.state
    best = BestWeights(network.model, saved) if recipe.training.keep == "best" else None
    epochs = list(saved.standing.under_way.epochs)
    stopped = [epoch for epoch in epochs if not watch(epoch)]
    if stopped:
        ended, reason = _stopped_after(stopped[0])
    else:
        ended, reason = _train_epochs(recipe, network.loop, fold, watch, epochs, best)
    left = _left(network, epochs, best) if ended == "pruned" else Saved()
    kept = best.restore() if best else len(epochs)
    result = FoldResult(epochs=tuple(epochs), kept=kept)
    return Trained(network.model, material.scale, result, ended, reason, left)


def order_of_examples(recipe: Recipe, fold: int, epoch: int, examples: int) -> NDArray[np.int32]:
    """The order in which an epoch sees the examples. It depends on seed, fold and epoch only, so that a training that
    goes on from a checkpoint sees what it would have seen."""
    order = np.arange(examples, dtype=np.int32)
    if recipe.training.shuffle:
        order = np.random.default_rng([recipe.seed, fold, epoch]).permutation(order)
    if recipe.training.bootstrap:
        drawn = np.random.default_rng([recipe.seed, fold]).integers(examples, size=examples, dtype=np.int32)
        order = drawn[order]
    return order


def _train_epochs(
    recipe: Recipe, loop: EpochLoop, fold: int, watch: Watch, epochs: list[Epoch], best: "BestWeights | None"
) -> tuple[Ending, str]:
    settings = recipe.training
    for number in range(len(epochs) + 1, settings.epochs + 1):
        started = time.perf_counter()
        steps = rates(settings.schedule, settings.optimizer.learning_rate, number, loop.steps, settings.epochs)
        order = order_of_examples(recipe, fold, number, len(loop.training))
        training, validation = loop.epoch(order, steps, settings.share(number))
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
            return _stopped_after(epoch)
        if number < settings.epochs and _patience_is_over(recipe, epochs):
            return "stopped_early", f"no improvement up to epoch {number}"
    return "finished", ""


def _stopped_after(epoch: Epoch) -> tuple[Ending, str]:
    return "pruned", f"stopped after epoch {epoch.number}"


def _left(network: Prepared, epochs: list[Epoch], best: "BestWeights | None") -> Saved:
    """Where a stopped training stands. Its weights are those of its last epoch, not the best ones."""
    standing = Standing(under_way=FoldResult(epochs=tuple(epochs), kept=0), best_epoch=best.number if best else 0)
    return Saved(standing=standing, state=tuple(network.state), best_weights=best.weights if best else ())


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

    def __init__(self, model: keras.Model, saved: Saved) -> None:
        self.model = model
        self.number = saved.standing.best_epoch
        self.weights: Arrays = saved.best_weights
        epochs = saved.standing.under_way.epochs
        before = epochs[self.number - 1].validation if self.number else None
        self.accuracy = before.accuracy if before else -1.0

    def offer(self, epoch: Epoch) -> None:
        """Keep the model's present weights if this epoch is the best so far."""
        if epoch.finite and epoch.validation and epoch.validation.accuracy > self.accuracy:
            self.accuracy, self.number = epoch.validation.accuracy, epoch.number
            self.weights = tuple(self.model.get_weights())

    def restore(self) -> int:
        """Put the best weights back; the number of their epoch, 0 if there was none."""
        if self.weights:
            self.model.set_weights(self.weights)
        return self.number
