"""Phases of a training: what is frozen, when a phase begins, and that a stop changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.base.errors import Invalid
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks.build import build
from tuner.recipe import FallingRate, Patience, Phase, Recipe, Sgd, Training
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
HEAD_FIRST = (Phase(share=0.5, trainable="head"), Phase(learning_rate_factor=0.1))


def test_a_frozen_layer_stays_as_it_is_and_its_batch_normalization_infers(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    recipe = recipe_of(BASE, phases=(Phase(trainable=["head"]),))  # type: ignore[arg-type]
    before = build(recipe.network, (2,), 2, recipe.seed).weights
    for own, other in zip(trained(recipe).model.weights, before, strict=True):
        assert (own.path.startswith("sequential") and "head" in own.path) != np.array_equal(own, other), own.path


def test_a_later_phase_trains_what_was_frozen(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    recipe = recipe_of(BASE, phases=HEAD_FIRST, optimizer=Sgd(learning_rate=0.5))
    done = trained(recipe)
    assert [epoch.learning_rate for epoch in done.fold.epochs] == pytest.approx([0.5, 0.05])
    before = build(recipe.network, (2,), 2, recipe.seed).get_weights()
    assert all(not np.array_equal(*pair) for pair in zip(done.model.get_weights(), before, strict=True))


def test_a_phase_begins_within_an_epoch_and_short_looks_have_all_phases() -> None:
    training = Training(epochs=1, phases=(Phase(share=0.25, trainable=1), Phase(share=0.25, trainable=2), Phase()))
    assert phase_numbers(training, 1, 8).tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert list(stretches(training, 1, 8, 0, 0, 8)) == [
        (0, 0, 2, False), (1, 2, 4, True), (2, 4, 8, True)
    ]  # fmt: skip
    assert list(stretches(training, 1, 8, 0, 3, 8)) == [(1, 3, 4, False), (2, 4, 8, True)]
    lean = replace(training, epochs=2, lean_epochs=2, lean_share=0.25)
    assert [phase_numbers(lean, epoch, 8)[:2].tolist() for epoch in (1, 2)] == [[0, 1], [2, 2]]
    assert list(stretches(lean, 2, 8, 2, 0, 2)) == [(2, 0, 2, True)]
    falling = replace(training, schedule=FallingRate(kind="linear", final=0.0))
    plain = rates(replace(falling, phases=()), 1, 8, [])
    halved = replace(falling, phases=(*training.phases[:2], Phase(learning_rate_factor=0.5)))
    assert rates(halved, 1, 8, []) == pytest.approx([*plain[:4], *(plain[4:] / 2)])


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 3])
def test_a_training_continues_where_it_was_stopped_in_a_phase_or_between_two(
    recipe_of: Callable[..., Recipe], places: Places, tmp_path: Path, stopped_after: int
) -> None:
    recipe = recipe_of(BASE, epochs=4, phases=(Phase(share=0.4, trainable="head"), Phase(learning_rate_factor=0.1)))
    data, checkpoint = training_set(recipe.data, places), tmp_path / "checkpoint.npz"

    def scores(**settings: Any) -> list[Any]:
        epochs = run(recipe, data, **settings).folds[0].epochs
        return [(each.training, each.validation) for each in epochs]

    def watch(event: Event) -> bool:
        if stopped_after:
            return not (isinstance(event, Epoch) and event.number == stopped_after)
        return not isinstance(event, Pulse)  # in the second epoch, where the second phase begins

    assert len(scores(watch=watch, checkpoint=checkpoint)) == (stopped_after or 1)
    assert scores(checkpoint=checkpoint) == scores()


def test_early_stopping_waits_for_the_last_phase(recipe_of: Callable[..., Recipe], places: Places) -> None:
    patience = Patience(epochs=1, min_delta=10.0)
    plain = recipe_of(BASE, epochs=6, early_stopping=patience)
    phased = recipe_of(BASE, epochs=6, early_stopping=patience, phases=HEAD_FIRST)
    data = training_set(plain.data, places)
    assert [len(run(each, data).folds[0].epochs) for each in (plain, phased)] == [2, 5]


def test_an_epoch_of_a_frozen_network_counts_as_a_cheap_one(recipe_of: Callable[..., Recipe], places: Places) -> None:
    recipe = recipe_of(BASE, phases=HEAD_FIRST)
    data = training_set(recipe.data, places)
    plain = replace(recipe, training=replace(recipe.training, phases=()))
    assert work(plain, data).multiply_adds == 2 * 64 + 64 * 2
    assert work(recipe, data).multiply_adds == round((1 + (128 + 128 + 128 + 128) / (3 * 256)) / 2 * 256)
    preflight = Preflight({"xor": data}, 2**33)
    assert preflight.full_epoch(plain, 1.0, 1) == 1.0
    assert preflight.full_epoch(recipe, 1.0, 1) > 1.0 > preflight.full_epoch(recipe, 1.0, 2)
    assert epoch_seconds(recipe, data) > 0


def test_a_factor_needs_a_rate_that_the_loop_may_set(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    rate = "keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)"
    text = BASE.replace("return keras", "model = keras") + f"    model.compile(keras.optimizers.SGD({rate}), 'mse')\n"
    recipe = recipe_of(text + "    return model\n", phases=HEAD_FIRST)
    with pytest.raises(Invalid, match=r"training.phases: must have no learning_rate_factor"):
        trained(recipe)
