"""Training one network on one fold, epoch by epoch, until it ends, is stopped or diverges."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.recipe import Patience, Recipe
from tuner.result import Ending, Epoch, FoldResult, Pulse, Scores, Watch
from tuner.training.callbacks import Callbacks
from tuner.training.checkpoint import Checkpoint, Progress
from tuner.training.evaluation import predict
from tuner.training.fold_data import FoldData
from tuner.training.parts import Scaler
from tuner.training.phases import stretches
from tuner.training.schedules import monitored, phase_numbers, rates, strengths
from tuner.training.traced import traced
from tuner.training.weights import BestWeights


@dataclass(frozen=True)
class Trained:
    """A trained network with its final weights, its curve, how the training ended, and the seconds of all folds so far. The
    next training with the same graph overwrites the weights of `model`."""

    model: keras.Model
    fold_data: FoldData
    fold: FoldResult
    ended: Ending
    reason: str
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether the fold was trained to its end."""
        return self.ended in ("finished", "stopped_early")

    @property
    def scale(self) -> Scaler:
        """The scaling of stored inputs."""
        return self.fold_data.scale

    def predict(self, recipe: Recipe, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Predictions for inputs as stored: probabilities, or numbers in the targets' own units."""
        return self.fold_data.predictions(recipe, predict(self.model, self.scale, inputs))


def train(recipe: Recipe, fold_data: FoldData, watch: Watch, progress: Progress, checkpoint: Checkpoint) -> Trained:
    """Train the recipe on the fold that `progress` has reached, from there on. `watch` is called for each epoch, also for
    those before, and may stop the training, which is then written to the checkpoint."""
    training = _Training(recipe, fold_data, watch, progress, checkpoint)
    ended, reason = training.run()
    if ended == "pruned":
        training.write()
    kept = training.restore()
    fold = FoldResult(epochs=tuple(training.epochs), kept=kept)
    return Trained(training.network.model, fold_data, fold, ended, reason, training.seconds)


class _Training:
    """A running training. A checkpoint stores its position; writing one does not count as time of an epoch."""

    def __init__(
        self, recipe: Recipe, fold_data: FoldData, watch: Watch, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        self.watch, self.checkpoint = watch, checkpoint
        self.network = traced(recipe, fold_data)
        self.recipe = recipe = self.network.recipe
        if progress.state:
            self.network.state = progress.state
        self.before = progress.position
        self.number_of_fold = len(self.before.done)
        self.epochs = list(self.before.epochs)
        self.steps, self.epoch_seconds = self.before.steps, self.before.epoch_seconds
        by = recipe.training.keep_by
        self.best = BestWeights(self.network.model, by, progress) if recipe.training.keep == "best" else None
        self.callbacks = Callbacks(recipe.training, self.network.loop, f"{checkpoint.key[:8]}-{self.number_of_fold}")
        self.callbacks.begin(recipe.training, self.before.callbacks, progress.callback_arrays)
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of the whole run so far."""
        return self.before.seconds + time.perf_counter() - self.started

    def write(self) -> None:
        """Write the checkpoint, with the weights of the last step instead of the best ones."""
        callbacks, callback_arrays = self.callbacks.state
        position = replace(
            self.before,
            epochs=tuple(self.epochs),
            best_epoch=self.best.number if self.best else 0,
            steps=self.steps,
            epoch_seconds=self.epoch_seconds,
            seconds=self.seconds,
            callbacks=callbacks,
        )
        arrays = {"best_weights": self.best.weights if self.best else (), "callback_arrays": callback_arrays}
        self.checkpoint.write(Progress(position=position, state=tuple(self.network.state), **arrays))

    def restore(self) -> int:
        """Assign the final weights to the model and return the number of their epoch, 0 if there is none."""
        restored = self.callbacks.end()
        if self.best:
            return self.best.restore()
        if restored:
            return restored
        self.network.model.set_weights(self.network.loop.averages.weights)
        return len(self.epochs)

    def run(self) -> tuple[Ending, str]:
        """Train to the end; returns how it ended, and why."""
        for before in self.epochs:
            if not self.watch(before):
                return _stopped(before)
        last = self.recipe.training.epochs
        for number in range(len(self.epochs) + 1, last + 1):
            if _patience_is_over(self.recipe, self.epochs, self.network.loop.steps):
                return "stopped_early", f"no improvement up to epoch {number - 1}"
            if self.callbacks.stops:
                return "stopped_early", f"a callback stopped the training after epoch {number - 1}"
            epoch = self._epoch(number)
            if epoch is None:
                return "pruned", f"stopped in epoch {number}"
            self.epochs.append(epoch)
            self.callbacks.epoch(epoch)
            if self.best:
                self.best.offer(epoch, lambda: self.network.loop.averages.weights)
            if not epoch.is_finite:
                return "diverged", f"the loss is not finite after epoch {number}"
            if not self.watch(epoch) and number < last:
                return _stopped(epoch)
            self._write_if_due()
        return "finished", self.network.loop.note or self.callbacks.note

    def _epoch(self, number: int) -> Epoch | None:
        """Train the rest of an epoch and validate; None if the watch stopped it before its end."""
        settings, loop = self.recipe.training, self.network.loop
        order = order_of_examples(self.recipe, self.number_of_fold, number, len(loop.training))
        by_step = rates(settings, number, loop.steps, self.epochs)
        self._begin_epoch(number, by_step)
        seed = int(np.random.SeedSequence([self.recipe.seed, self.number_of_fold, number]).generate_state(1)[0] >> 1)
        steps = loop.steps_of(settings.share(number))
        began = time.perf_counter()
        settings_of_steps = seed, strengths(settings, number, loop.steps)
        for done, training in self._calls(number, steps, order, by_step, *settings_of_steps):
            self.steps = done
            if done == steps or self.callbacks.stops:
                break
            self.epoch_seconds += time.perf_counter() - began
            self._write_if_due()
            if not self.watch(Pulse(fold=self.number_of_fold, epoch=number, share=done / steps, training=training)):
                return None
            began = time.perf_counter()
        self.callbacks.call("on_test_begin", {})
        validation = loop.validate()
        self.callbacks.call("on_test_end", {})
        seconds, self.epoch_seconds, self.steps = self.epoch_seconds + time.perf_counter() - began, 0.0, 0
        return Epoch(
            fold=self.number_of_fold,
            number=number,
            training=training,
            validation=validation,
            learning_rate=float(by_step[-1] * np.float32(self.callbacks.factor)),
            seconds=seconds,
        )

    def _begin_epoch(self, number: int, by_step: NDArray[np.float32]) -> None:
        if self.steps or not self.callbacks.each:
            return
        if self.network.loop.sets_rate:
            self.network.model.optimizer.learning_rate.assign(by_step[0] * np.float32(self.callbacks.factor))
        self.callbacks.call("on_epoch_begin", number - 1, {})

    def _calls(self, epoch: int, steps: int, order: Any, by_step: Any, *others: Any) -> Iterator[tuple[int, Scores]]:
        """The calls into the graph for the rest of an epoch, phase by phase."""
        training, loop = self.recipe.training, self.network.loop
        taken_before = loop.steps_of(training.share(epoch - 1))
        for phase, first, last, is_new in stretches(training, epoch, loop.steps, taken_before, self.steps, steps):
            enter = self.network.begin_phase if is_new else loop.begin_phase  # one that was begun before goes on
            enter(phase)
            yield from self.callbacks.steps(order, by_step, first, last, *others)
            if self.callbacks.stops:
                return

    def _write_if_due(self) -> None:
        if self.checkpoint.is_due:
            self.write()


def _stopped(epoch: Epoch) -> tuple[Ending, str]:
    return "pruned", f"stopped after epoch {epoch.number}"


def order_of_examples(recipe: Recipe, fold: int, epoch: int, examples: int) -> NDArray[np.int32]:
    """The order of the examples in an epoch, from seed, fold and epoch only, so that a continued training repeats it."""
    order = np.arange(examples, dtype=np.int32)
    if recipe.training.shuffle:
        order = np.random.default_rng([recipe.seed, fold, epoch]).permutation(order)
    if recipe.training.bootstrap:
        drawn = np.random.default_rng([recipe.seed, fold]).integers(examples, size=examples, dtype=np.int32)
        order = drawn[order]
    return order


def _patience_is_over(recipe: Recipe, epochs: list[Epoch], steps: int) -> bool:
    patience, last = recipe.training.early_stopping, max(0, len(recipe.training.phases) - 1)
    if not isinstance(patience, Patience):
        return False
    epochs = [each for each in epochs if phase_numbers(recipe.training, each.number, steps)[0] == last]
    if not epochs:
        return False
    values = monitored(patience.monitor, epochs)
    best = 0
    for index, value in enumerate(values):
        if value > values[best] + patience.min_delta:
            best = index
    return len(values) - 1 - best >= patience.epochs
