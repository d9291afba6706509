"""From a recipe to its result, by its protocol: the same recipe gives the same result."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.examples import HeldOut, TrainingSet
from tuner.recipe import Recipe, fold_count
from tuner.recipe.phases import shares
from tuner.result import Result, Watch, never_stop
from tuner.training.checkpoint import Checkpoint, Position, Progress
from tuner.training.costs import VALIDATED_PER_TRAINED
from tuner.training.fold_data import fold_data
from tuner.training.traced import traced
from tuner.training.train import Trained, order_of_examples, train

Visit = Callable[[Trained], Any]
Teach = Callable[[NDArray[Any]], NDArray[np.float32]]
"""From inputs to probabilities (n, classes) that are learned instead of the labels."""


def run(
    recipe: Recipe,
    data: TrainingSet,
    watch: Watch = never_stop,
    held_out: HeldOut | None = None,
    visit: Visit = lambda trained: None,
    checkpoint: Path | None = None,
    teach: Teach | None = None,
) -> Result:
    """Train and validate a recipe fold by fold.

    `held_out` is for protocols that validate on the test part; only baselines and refits have it. A fold that is stopped or
    diverges ends the run. `visit` is called with each trained network before its model is reused. A stopped run is written to
    the file `checkpoint` and continued from it; the result covers the whole run.
    """
    file = Checkpoint(checkpoint, recipe)
    progress = file.read()
    results = list(progress.position.done)
    for trained in train_folds(recipe, data, watch, held_out, progress, file, teach):
        results.append(trained.fold)
        visit(trained)
    return Result(
        folds=tuple(results),
        ended=trained.ended,
        reason=trained.reason,
        parameters=trained.model.count_params(),
        seconds=trained.seconds,
    )


def epoch_seconds(recipe: Recipe, data: TrainingSet) -> float:
    """Seconds per epoch on this machine with validation, from some steps after tracing. The traced graph is cached."""
    fold = fold_data(recipe, data, 0)
    loop = traced(recipe, fold).loop
    order, a_step = order_of_examples(recipe, 0, 1, len(loop.training)), 0.0
    by_step = np.zeros(loop.steps, np.float32)
    for number, share in enumerate(shares(recipe.training.phases)):
        loop.begin_phase(number)
        for _ in islice(loop.train(order, by_step, 0, loop.steps), 2):
            pass
        a_step += share * loop.seconds_a_step
    validated = len(fold.validation) / VALIDATED_PER_TRAINED if fold.validation else 0.0
    return loop.steps * a_step * (1 + validated / len(loop.training))


def train_folds(
    recipe: Recipe,
    data: TrainingSet,
    watch: Watch = never_stop,
    held_out: HeldOut | None = None,
    progress: Progress = Progress(),  # noqa: B008 (frozen)
    file: Checkpoint | None = None,
    teach: Teach | None = None,
) -> Iterator[Trained]:
    """The trained networks of the folds that are not finished. `watch` is called for each fold, also for finished ones, and may
    end the run after it."""
    count = fold_count(recipe.protocol)
    file = file or Checkpoint(None, recipe)
    for done in progress.position.done:
        for epoch in done.epochs:
            watch(epoch)
        watch(done)
    for number in range(len(progress.position.done), count):
        fold = fold_data(recipe, data, number, held_out)
        if teach:
            fold = fold.with_probabilities(teach(fold.training.inputs))
        trained = train(recipe, fold, watch, progress, file)
        done_now = (*progress.position.done, trained.fold)
        progress = Progress(position=Position(done=done_now, seconds=trained.seconds))
        if trained.is_complete and not watch(trained.fold) and number + 1 < count:
            trained = replace(trained, ended="pruned", reason=f"stopped after fold {number + 1}")
            file.write(progress)
        yield trained
        if not trained.is_complete:
            return
