"""Traced networks: they learn with every encoding of a table, begin again on another fold with its constants, and share a graph
with recipes that differ in numbers only."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_iris

from tuner.data.examples import Examples
from tuner.networks import Dense, Hidden, LocallyConnected, Network, ResidualDense, Staged, TabularEnsemble
from tuner.networks.build import build, initial_values
from tuner.networks.columns import Coded, Encoding, Rows
from tuner.networks.fitting import fit_encoder
from tuner.recipe import (
    Adam,
    AdamW,
    Augmentation,
    CategoricalCrossentropy,
    Data,
    Recipe,
    ScheduleFreeAdamW,
    Sgd,
    Training,
)
from tuner.training.fold_data import FoldData
from tuner.training.parts import Scaler
from tuner.training.saving import UNSCALED
from tuner.training.traced import Traced, graph_key, traced
from tuner.training.train import order_of_examples

COLUMNS = (Coded("number", lacks=True), Coded("number"), Coded("category", 10), Coded("category", 40), Coded("date"))


def iris() -> Examples:
    """Iris with two of its columns made categories, one day after the other, and gaps."""
    inputs, labels = load_iris(return_X_y=True)
    tenths = np.round(inputs * 10).astype(int)
    columns = [inputs[:, 0], inputs[:, 1], 2 + tenths[:, 2] // 10, 2 + tenths[:, 3], np.arange(150) % 50]
    coded = np.stack(columns, axis=1).astype(np.float32)
    coded[::9, 0] = np.nan
    return Examples(coded, labels.astype(np.int64))


def fold(number: int, encoding: Encoding) -> FoldData:
    """One of three folds."""
    examples, rows = iris(), Rows(COLUMNS, encoding)
    is_validation = np.arange(150) % 3 == number
    training, validation = (
        Examples(examples.inputs[each], examples.labels[each]) for each in (~is_validation, is_validation)
    )
    constants = tuple(fit_encoder(rows, examples.inputs, np.flatnonzero(~is_validation)))
    return FoldData(training, validation, rows, 3, UNSCALED, constants=constants)


def recipe_of(network: Network) -> Recipe:
    """Small steps on iris."""
    training = Training(optimizer=Adam(learning_rate=0.01), batch_size=20, epochs=6)
    return Recipe(data=Data(name="digits"), network=network, training=training)


def losses(recipe: Recipe, fold_data: FoldData) -> list[float]:
    """Validation losses after each epoch of a training that begins now."""
    loop = traced(recipe, fold_data).loop
    found = []
    for epoch in range(recipe.training.epochs):
        _, validation = loop.epoch(order_of_examples(recipe, 0, epoch, 100), np.full(5, 0.01, np.float32))
        assert validation is not None
        found.append(validation.loss)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("numbers", ["standard", "robust", "quantile", "piecewise", "periodic", "pbld"])
def test_a_network_learns_with_every_encoding(numbers: str) -> None:
    encoding = Encoding(numbers=numbers)  # type: ignore[arg-type]
    found = losses(recipe_of(Dense(widths=(16,))), fold(0, encoding))
    assert found[-1] < 0.7 * found[0]


@pytest.mark.slow
@pytest.mark.parametrize("network", [ResidualDense(width=8), TabularEnsemble(widths=(8,), members=4)])
def test_every_family_for_tables_learns(network: Network) -> None:
    found = losses(recipe_of(network), fold(0, Encoding()))
    assert found[-1] < 0.7 * found[0]


@pytest.mark.slow
def test_a_traced_network_begins_again_on_another_fold_with_its_constants() -> None:
    recipe, first, second = recipe_of(Dense(widths=(16,))), fold(0, Encoding()), fold(1, Encoding())
    assert not np.array_equal(first.constants[0], second.constants[0])
    before = losses(recipe, first)
    network = traced(recipe, first)
    assert traced(recipe, second) is network, "the graphs are equal"
    fresh = build(recipe.network, second.inputs, 3, recipe.seed, second.constants)
    for mine, wanted in zip(network.model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    assert losses(recipe, second) != before
    assert losses(recipe, first) == before, "and nothing of the other fold is left"
    assert traced(recipe, replace(first, inputs=Rows(COLUMNS, Encoding(embedding=4)))) is not network


def image_fold(examples: int) -> FoldData:
    """Random images of 8×8."""
    generator = np.random.default_rng(examples)
    training, validation = (
        Examples(
            generator.integers(0, 255, (count, 8, 8)).astype(np.uint8), generator.integers(0, 3, count).astype(np.int64)
        )
        for count in (examples, 40)
    )
    return FoldData(training, validation, (8, 8), 3, Scaler(np.zeros((), np.float32), np.asarray(1 / 255, np.float32)))


def staged(share: float, seed: int) -> Recipe:
    """Every number that a graph reads from a variable is a multiple of the share."""
    hidden = Hidden(dropout=share, kernel_l1=share / 100, kernel_l2=share / 10, batch_normalization="before")
    training = Training(
        optimizer=Sgd(learning_rate=share, momentum=2 * share, weight_decay=share / 100),
        loss=CategoricalCrossentropy(label_smoothing=share / 3),
        averaging=0.5 + share,
        augmentation=Augmentation(
            shift=round(10 * share), rotate=90 * share, zoom=share, elastic=share, erase=share, mixup=share
        ),
        batch_size=round(50 * share),
        epochs=2,
    )
    network = Staged(filters=(4,), widths=(6,), bridge="flatten", stage_dropout=share / 2, hidden=hidden)
    return Recipe(data=Data(name="digits"), network=network, training=training, seed=seed)


def dense(share: float, seed: int) -> Recipe:
    """The same with another optimizer, and the penalties and augmentation that `staged` cannot have."""
    optimizer = AdamW(weight_decay=share)
    augmentation = Augmentation(shift=round(10 * share), flip=True)
    training = Training(
        optimizer=optimizer,
        augmentation=augmentation,
        regularization="flat_cosine",
        batch_size=round(50 * share),
        epochs=2,
    )
    network = Dense(widths=(6, 5), input_dropout=share / 4, hidden=Hidden(dropout=(share, share / 2), kernel_l2=share))
    return Recipe(data=Data(name="digits"), network=network, training=training, seed=seed)


def free_of_schedules(share: float, seed: int) -> Recipe:
    """An optimizer whose state begins as the weights, which change after every second batch."""
    optimizer = ScheduleFreeAdamW(learning_rate=share)
    training = Training(optimizer=optimizer, gradient_accumulation_steps=2, averaging=share, batch_size=20, epochs=2)
    return Recipe(data=Data(name="digits"), network=Dense(widths=(5,)), training=training, seed=seed)


def outcome(network: Traced, recipe: Recipe, examples: int) -> tuple[object, list[NDArray[Any]]]:
    """The scores of two epochs and the final state."""
    rates = np.full(network.loop.steps, recipe.training.optimizer.learning_rate, np.float32)
    scores = [network.loop.epoch(order_of_examples(recipe, 0, epoch, examples), rates) for epoch in (1, 2)]
    return scores, network.state


def members(share: float, seed: int) -> Recipe:
    """An ensemble, whose batches are smaller than its first layer."""
    training = Training(optimizer=AdamW(weight_decay=share), batch_size=round(50 * share), epochs=2)
    network = TabularEnsemble(widths=(20,), members=3, hidden=Hidden(dropout=share))
    return Recipe(data=Data(name="digits"), network=network, training=training, seed=seed)


def test_the_graph_of_an_ensemble_depends_on_whether_batches_are_larger_than_its_first_layer() -> None:
    keys = [graph_key(members(share, 1), image_fold(50)) for share in (0.2, 0.3, 0.5)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.slow
@pytest.mark.parametrize("recipe_at", [staged, dense, members, free_of_schedules])
def test_recipes_that_differ_in_numbers_share_a_graph_and_give_what_each_gives_alone(
    recipe_at: Callable[[float, int], Recipe],
) -> None:
    first, second, smaller, larger = recipe_at(0.2, 1), recipe_at(0.3, 2), image_fold(50), image_fold(61)
    assert graph_key(first, smaller) == graph_key(second, larger)
    shared = traced(first, smaller)
    outcome(shared, first, 50)
    assert traced(second, larger) is shared
    scores, state = outcome(shared, second, 61)
    wanted, wanted_state = outcome(Traced(second, larger), second, 61)
    assert scores == wanted
    for mine, alone in zip(state, wanted_state, strict=True):
        np.testing.assert_array_equal(mine, alone)


def test_a_number_of_zero_has_a_graph_of_its_own() -> None:
    recipe, fold_data = staged(0.2, 1), image_fold(50)
    training, network = recipe.training, recipe.network
    assert isinstance(network, Staged)
    others = [
        replace(recipe, training=replace(training, **change))
        for change in (
            {"averaging": 0.0},
            {"loss": CategoricalCrossentropy()},
            {"optimizer": Sgd(momentum=0.4)},
            {"optimizer": Sgd(momentum=0.4, nesterov=True, weight_decay=0.1)},
            {"augmentation": replace(training.augmentation, elastic=0.0)},
            {"augmentation": replace(training.augmentation, flip=True)},
        )
    ] + [
        replace(recipe, network=replace(network, **change))
        for change in (
            {"stage_dropout": 0.0},
            {"hidden": replace(network.hidden, dropout=0.0)},
            {"hidden": replace(network.hidden, kernel_l1=0.0)},
            {"hidden": replace(network.hidden, normalization_momentum=0.9)},
        )
    ]
    keys = [graph_key(each, fold_data) for each in (recipe, *others)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "network",
    [
        Dense(widths=(5,), hidden=Hidden(dropout=0.2, batch_normalization="after", precision="bfloat16")),
        Staged(
            filters=(4, 6), stem=3, block="residual", stage_dropout=0.1, hidden=Hidden(batch_normalization="before")
        ),
        Staged(filters=(4,), block="separable", widths=(5,)),
        LocallyConnected(filters=(3,)),
    ],
)
def test_initial_values_are_those_of_a_new_network(network: Network) -> None:
    wanted = build(network, (8, 8), 3, seed=4).variables
    for mine, theirs in zip(initial_values(network, (8, 8), 3, seed=4), wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)
