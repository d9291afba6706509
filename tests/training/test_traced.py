"""Traced networks on tables: they learn with every encoding, and begin again on another fold with its constants."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris

from tuner.data.examples import Examples
from tuner.networks import Dense, Network, ResidualDense, TabularEnsemble
from tuner.networks.build import build
from tuner.networks.columns import Coded, Encoding, Rows
from tuner.networks.fitting import fit_encoder
from tuner.recipe import Adam, Data, Recipe, Training
from tuner.training.fold_data import FoldData
from tuner.training.saving import UNSCALED
from tuner.training.traced import traced
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
