"""Phases of a training: what is frozen, when a phase begins, and that a stop changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.base.errors import Invalid
from tuner.data.examples import TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks.asker import facts
from tuner.networks.build import build
from tuner.networks.function import Call, Function
from tuner.networks.sources import source_at
from tuner.recipe import Data, FallingRate, Patience, Phase, Recipe, Sgd, Training
from tuner.result import Epoch, Event, Pulse
from tuner.run import epoch_seconds, run
from tuner.training.costs import Preflight, work
from tuner.training.phases import stretches
from tuner.training.schedules import phase_numbers, rates
from tuner.training.train import Trained

BASE = """
import keras

def build(trial, inputs, outputs):
    base = keras.Sequential(
        [keras.layers.Dense(64, name="low"), keras.layers.BatchNormalization(name="norm"), keras.layers.Activation("tanh")]
    )
    base.trainable = False
    return keras.Sequential([keras.Input(inputs), base, keras.layers.Dense(outputs, activation="softmax", name="head")])
"""
HEAD_FIRST = (Phase(share=0.4, trainable="head"), Phase(learning_rate_factor=0.1))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A recipe with two phases, of which the second begins within the second of four epochs. Tests share its graph."""
    folder = tmp_path_factory.mktemp("phases")
    (folder / "my_nets.py").write_text(BASE)
    source, sha256 = source_at(f"{folder / 'my_nets.py'}:build", folder)
    network = Function(source=source, sha256=sha256, found=facts(Call(source, sha256, (2,), 2), lambda *_: None))
    training = Training(batch_size=50, epochs=4, optimizer=Sgd(learning_rate=0.5), phases=HEAD_FIRST)
    return Recipe(data=Data(name="xor"), network=network, training=training)


@pytest.fixture
def data(small: Recipe, places: Places) -> TrainingSet:
    """The data of the recipe."""
    return training_set(small.data, places)


def changed(recipe: Recipe, **training: Any) -> Recipe:
    """The recipe with other settings of its training."""
    return replace(recipe, training=replace(recipe.training, **training))


def test_frozen_layers_stay_as_they_are_until_their_phase_and_batch_normalization_infers(
    small: Recipe, data: TrainingSet
) -> None:
    weights: list[Any] = [build(small.network, (2,), 2, small.seed).get_weights()]
    for phases in ((replace(HEAD_FIRST[0], share=0.0),), HEAD_FIRST):
        run(changed(small, phases=phases), data, visit=lambda done: weights.append(done.model.get_weights()))
    before, with_head, with_all = weights
    assert [np.array_equal(*pair) for pair in zip(before, with_head, strict=True)] == [True] * 6 + [False] * 2
    assert [np.array_equal(*pair) for pair in zip(before, with_all, strict=True)] == [False] * 8


def test_a_training_continues_where_it_was_stopped_in_a_phase_or_between_two(
    small: Recipe, data: TrainingSet, tmp_path: Path
) -> None:
    def scores(**settings: Any) -> list[Any]:
        epochs = run(small, data, **settings).folds[0].epochs
        return [(each.training, each.validation, each.learning_rate) for each in epochs]

    def stopping(number: int) -> Callable[[Event], bool]:
        return lambda event: not (isinstance(event, Epoch) and event.number == number)

    whole, checkpoint = scores(), tmp_path / "checkpoint.npz"
    assert [rate for *_, rate in whole] == pytest.approx([0.5, 0.05, 0.05, 0.05])
    between = scores(watch=lambda event: not isinstance(event, Pulse), checkpoint=checkpoint)
    assert (len(between), scores(checkpoint=checkpoint)) == (1, whole)
    for number in (1, 2, 3):
        checkpoint = tmp_path / f"checkpoint-{number}.npz"
        assert len(scores(watch=stopping(number), checkpoint=checkpoint)) == number
        assert scores(checkpoint=checkpoint) == whole


def test_early_stopping_waits_for_the_last_phase(small: Recipe, data: TrainingSet) -> None:
    patience = Patience(epochs=1, min_delta=10.0)
    assert len(run(changed(small, epochs=8, early_stopping=patience), data).folds[0].epochs) == 6


def test_an_epoch_of_a_frozen_network_counts_as_a_cheap_one(small: Recipe, data: TrainingSet) -> None:
    plain = changed(small, phases=())
    assert work(plain, data).multiply_adds == 2 * 64 + 64 * 2
    assert work(small, data).multiply_adds == round((0.4 * (256 + 128 + 128) / (3 * 256) + 0.6) * 256)
    preflight = Preflight({"xor": data}, 2**33)
    assert preflight.full_epoch(plain, 1.0, 1) == 1.0
    assert preflight.full_epoch(small, 1.0, 1) > 1.0 > preflight.full_epoch(small, 1.0, 4)
    assert epoch_seconds(small, data) > 0


def test_a_phase_begins_within_an_epoch_and_short_looks_have_all_phases() -> None:
    training = Training(epochs=1, phases=(Phase(share=0.25, trainable=1), Phase(share=0.25, trainable=2), Phase()))
    assert phase_numbers(training, 1, 8).tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert list(stretches(training, 1, 8, 0, 0, 8)) == [(0, 0, 2, False), (1, 2, 4, True), (2, 4, 8, True)]
    assert list(stretches(training, 1, 8, 0, 3, 8)) == [(1, 3, 4, False), (2, 4, 8, True)]
    lean = replace(training, epochs=2, lean_epochs=2, lean_share=0.25)
    assert [phase_numbers(lean, epoch, 8)[:2].tolist() for epoch in (1, 2)] == [[0, 1], [2, 2]]
    assert list(stretches(lean, 2, 8, 2, 0, 2)) == [(2, 0, 2, True)]
    falling = replace(training, schedule=FallingRate(kind="linear", final=0.0))
    plain = rates(replace(falling, phases=()), 1, 8, [])
    halved = replace(falling, phases=(*training.phases[:2], Phase(learning_rate_factor=0.5)))
    assert rates(halved, 1, 8, []) == pytest.approx([*plain[:4], *(plain[4:] / 2)])


def test_a_factor_needs_a_rate_that_the_loop_may_set(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    rate = "keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)"
    text = BASE.replace("return keras", "model = keras") + f"    model.compile(keras.optimizers.SGD({rate}), 'mse')\n"
    recipe = recipe_of(text + "    return model\n", phases=HEAD_FIRST)
    with pytest.raises(Invalid, match=r"training.phases: must have no learning_rate_factor"):
        trained(recipe)
