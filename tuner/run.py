"""One recipe to one result, by its protocol. Knows nothing of search: same recipe, same result."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.parts import Examples, HeldOut, TrainingSet
from tuner.data.scaling import scaling_constants
from tuner.data.splits import Fold, folds
from tuner.errors import Invalid
from tuner.recipe import OnTest, Recipe
from tuner.result import Result, Watch, never_stop
from tuner.training.loop import Scaler
from tuner.training.train import Material, Trained, train

Visit = Callable[[Trained], Any]


def run(
    recipe: Recipe,
    data: TrainingSet,
    watch: Watch = never_stop,
    held_out: HeldOut | None = None,
    visit: Visit = lambda trained: None,
) -> Result:
    """Train and validate what the recipe describes, fold by fold.

    `held_out` is for protocols that validate on the test part, and only baselines and confirmation have it. A fold
    that is stopped or diverges ends the run. `visit` is given each trained network before it is forgotten.
    """
    started = time.perf_counter()
    results = []
    for trained in train_folds(recipe, data, watch, held_out):
        results.append(trained.fold)
        visit(trained)
    return Result(
        folds=tuple(results),
        ended=trained.ended,
        reason=trained.reason,
        parameters=trained.model.count_params(),
        seconds=time.perf_counter() - started,
    )


def train_folds(
    recipe: Recipe, data: TrainingSet, watch: Watch = never_stop, held_out: HeldOut | None = None
) -> Iterator[Trained]:
    """The trained networks of `run`, one for each fold. `watch` is told of each fold and may end the run after it."""
    splits = folds(recipe.protocol, data.examples.labels)
    for number, fold in enumerate(splits):
        trained = train(recipe, _material(recipe, data, fold, held_out), number, watch)
        whole = trained.ended in ("finished", "stopped_early")
        if whole and not watch(trained.fold) and number + 1 < len(splits):
            trained = trained.stopped(f"stopped after fold {number + 1}")
            whole = False
        yield trained
        if not whole:
            return


def _material(recipe: Recipe, data: TrainingSet, fold: Fold, held_out: HeldOut | None) -> Material:
    examples = data.examples
    validation = None if fold.validation is None else _chosen(examples, fold.validation)
    if isinstance(recipe.protocol, OnTest):
        if held_out is None:
            raise Invalid("protocol.kind", "'on_test' needs the held-out test part, which a search never has")
        validation = held_out.examples
    offset, factor = scaling_constants(recipe.data.scaling, data, fold.training)
    return Material(_chosen(examples, fold.training), validation, len(data.classes), Scaler(offset, factor))


def _chosen(examples: Examples, indices: NDArray[np.int64]) -> Examples:
    return Examples(inputs=examples.inputs[indices], labels=examples.labels[indices])
