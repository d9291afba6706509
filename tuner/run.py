"""One recipe to one result, by its protocol. Knows nothing of search: same recipe, same result."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.data.examples import Examples, HeldOut, TrainingSet, scaling_constants
from tuner.data.splits import folds_of
from tuner.networks import Inputs, Rows
from tuner.networks.fitting import fit_encoder
from tuner.recipe import AnyData, Data, Holdout, KFold, Protocol, Recipe, Table, describe, fold_count, validated_part
from tuner.result import Result, Watch, never_stop
from tuner.training.augmentation import distorted
from tuner.training.checkpoint import Checkpoint, Position, Progress
from tuner.training.loop import FIRST_CALL
from tuner.training.parts import Scaler
from tuner.training.targets import target_scale
from tuner.training.traced import FoldData, traced
from tuner.training.train import Trained, order_of_examples, train

Visit = Callable[[Trained], Any]
Teach = Callable[[NDArray[Any]], NDArray[np.float32]]
"""What takes the place of the training examples' labels: probabilities (n, classes) for their inputs."""


def run(
    recipe: Recipe,
    data: TrainingSet,
    watch: Watch = never_stop,
    held_out: HeldOut | None = None,
    visit: Visit = lambda trained: None,
    checkpoint: Path | None = None,
    teach: Teach | None = None,
) -> Result:
    """Train and validate what the recipe describes, fold by fold.

    `held_out` is for protocols that validate on the test part, and only baselines and confirmation have it. A fold
    that is stopped or diverges ends the run. `visit` is given each trained network before it is forgotten. With
    `checkpoint` a run that is stopped leaves that file, and one that finds it goes on from there; the result is that of
    the whole. With `teach` the networks learn what it says of the training examples, and not their labels.
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
    """Seconds that one epoch takes here, its validation included: from some steps after the graph is traced, which the
    training that follows need not trace again."""
    material = _material(recipe, data, 0, None)
    loop = traced(recipe, material).loop
    order = order_of_examples(recipe, 0, 1, len(loop.training))
    by_step = np.zeros(loop.steps, np.float32)
    for _ in islice(loop.train(order, by_step, 0, loop.steps), 2):
        pass
    if loop.steps <= FIRST_CALL:  # traced and trained in one call
        loop.epoch(order, by_step)
    loop.validate()
    started = time.perf_counter()
    loop.validate()
    return loop.steps * loop.seconds_a_step + time.perf_counter() - started


def train_folds(
    recipe: Recipe,
    data: TrainingSet,
    watch: Watch = never_stop,
    held_out: HeldOut | None = None,
    progress: Progress = Progress(),  # noqa: B008 (frozen)
    file: Checkpoint | None = None,
    teach: Teach | None = None,
) -> Iterator[Trained]:
    """The trained networks of `run`, one for each fold that is not done yet. `watch` is told of each fold, of the
    done ones too, and may end the run after it."""
    count = fold_count(recipe.protocol)
    file = file or Checkpoint(None, recipe)
    for done in progress.position.done:
        for epoch in done.epochs:
            watch(epoch)
        watch(done)
    for number in range(len(progress.position.done), count):
        material = _material(recipe, data, number, held_out)
        if teach:
            material = material.taught(teach(material.training.inputs))
        trained = train(recipe, material, watch, progress, file)
        done_now = (*progress.position.done, trained.fold)
        progress = Progress(position=Position(done=done_now, seconds=trained.seconds))
        if trained.is_whole and not watch(trained.fold) and number + 1 < count:
            trained = trained.stopped(f"stopped after fold {number + 1}")
            file.write(progress)
        yield trained
        if not trained.is_whole:
            return


def _material(recipe: Recipe, data: TrainingSet, number: int, held_out: HeldOut | None) -> FoldData:
    on_test = validated_part(recipe.protocol) == "test"
    if on_test and held_out is None:
        raise Invalid("protocol", "validates on the held-out test part, which a search never has")
    return _cut(data, held_out if on_test else None, recipe.data, recipe.protocol, number)


def examples_for_test(recipe: Recipe, data: TrainingSet, held_out: HeldOut, number: int) -> Examples:
    """What the network of a fold is tested on: the test part, or the fold itself where all examples are cut into folds."""
    if validated_part(recipe.protocol) != "test":
        return held_out.examples
    validation = _material(recipe, data, number, held_out).validation
    assert validation is not None
    return validation


@lru_cache(maxsize=2)
def _cut(data: TrainingSet, held_out: HeldOut | None, source: AnyData, protocol: Protocol, number: int) -> FoldData:
    """One fold's examples, kept for the next training on them: copying them takes longer than a small epoch."""
    if held_out is not None and isinstance(protocol, KFold):
        data, held_out = _together(data, held_out), None
    examples = data.examples
    fold = folds_of(protocol, data)[number]
    validation = None if fold.validation is None else _validation(examples, fold.validation, protocol)
    if held_out is not None:
        validation = held_out.examples
    about, training = describe(source), examples.take(fold.training)
    scaling = "none" if isinstance(source, Table) else source.scaling
    offset, factor = scaling_constants(scaling, data, fold.training)
    return FoldData(
        training,
        validation,
        about.inputs,
        about.outputs,
        Scaler(offset, factor),
        constants=tuple(_constants(about.inputs, examples, fold.training)),
        targets=target_scale(training.labels, training.weights) if about.task == "regression" else None,
        is_measured=not isinstance(source, Data),
    )


def _together(data: TrainingSet, held_out: HeldOut) -> TrainingSet:
    parts = data.examples, held_out.examples
    inputs, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("inputs", "labels"))
    return replace(data, examples=Examples(inputs=inputs, labels=labels))


def _constants(inputs: Inputs, examples: Examples, training: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """What a network that stands on rows needs to know of the training part."""
    return fit_encoder(inputs, examples.inputs, training) if isinstance(inputs, Rows) else []


def validation_part(recipe: Recipe, data: TrainingSet) -> Examples:
    """What the first fold of a recipe is validated on."""
    validation = _material(recipe, data, 0, None).validation
    assert validation is not None
    return validation


def _validation(examples: Examples, indices: NDArray[np.int64], protocol: Protocol) -> Examples:
    chosen = examples.take(indices)
    if not isinstance(protocol, Holdout):
        return chosen
    return replace(chosen, inputs=distorted(protocol.distortion, chosen.inputs, protocol.seed))
