"""Numeric targets on the scale of the loss, and back in their own units, also in a saved model."""

from pathlib import Path

import numpy as np
import pytest

from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet
from tuner.networks import Dense
from tuner.networks.build import build
from tuner.recipe import Arrays, Data, Recipe, Training
from tuner.recipe.data import DataInfo
from tuner.recipe.losses import PlainLoss
from tuner.references.fit import fit_reference_models
from tuner.training.parts import Scaler
from tuner.training.saving import load_model, save_average, save_models
from tuner.training.targets import target_scales
from tuner.training.with_scaling import with_scaling

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(60, 2)).astype(np.float32)
OFFSET = 1_700_000_000 + 60 * X[:, [0]].astype(np.float64) + 30 * X[:, [1]]
SKEWED = 10 ** (3 * X[:, [0]].astype(np.float64))
SQUARED = PlainLoss(kind="mean_squared_error")
UNSCALED = Scaler(np.zeros((), np.float32), np.ones((), np.float32))


@pytest.mark.parametrize("name", ["standard", "log"])
@pytest.mark.parametrize(
    "targets",
    [OFFSET, SKEWED.astype(np.float32), (1e-30 * X).astype(np.float32), np.concatenate([OFFSET, SKEWED], axis=1)],
    ids=["offset", "skewed", "tiny", "two targets"],
)
def test_a_scale_is_undone_without_loss(targets: np.ndarray, name: str) -> None:
    scale = target_scales(targets, None)[name]
    scaled = scale.standardized(targets)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-3)
    back = scale.inverse(scaled)
    assert back.dtype == targets.dtype
    assert (np.abs(back - targets).max(axis=0) < 1e-5 * np.ptp(targets, axis=0)).all()


def test_the_logarithm_spreads_small_targets_and_bears_those_below_the_training_part() -> None:
    scale = target_scales(np.append(SKEWED, [[0.0]], axis=0), None)["log"]
    assert np.abs(np.median(scale.standardized(SKEWED))) < 0.5
    assert np.isfinite(scale.standardized(np.array([[-1e9], [1e9]]))).all()
    assert scale.inverse(np.array([[1e6]], np.float32)) <= 2.01 * SKEWED.max()


@pytest.mark.parametrize("name", ["standard", "log"])
@pytest.mark.parametrize("targets", [OFFSET, SKEWED.astype(np.float32)], ids=["offset", "skewed"])
def test_a_saved_average_predicts_in_the_units_of_the_targets(targets: np.ndarray, name: str, tmp_path: Path) -> None:
    network, scale = Dense(widths=(3,), output="linear"), target_scales(targets, None)[name]
    data = Arrays(path="a.npz", task="regression")
    recipe = Recipe(data=data, network=network, training=Training(loss=SQUARED))
    paths, outputs = [tmp_path / "a.keras", tmp_path / "b.keras"], []
    for seed, path in enumerate(paths):
        model = build(network, (2,), 1, seed=seed)
        save_models([with_scaling(model, recipe, UNSCALED, (2,), 1, scale)], recipe, path)
        outputs.append(scale.inverse(np.asarray(model(X))))
    save_average(paths, tmp_path / "both.keras")
    predicted = np.asarray(load_model(tmp_path / "both.keras")(X))
    assert predicted.dtype == targets.dtype
    np.testing.assert_allclose(predicted, np.mean(outputs, axis=0), rtol=1e-5, atol=1e-4 * targets.std())


@pytest.mark.parametrize("model", ["ridge", "nearest neighbours"])
def test_reference_models_learn_targets_with_a_large_offset(model: str) -> None:
    facts = DataInfo(
        identity="0", training_examples=60, test_examples=0, classes=("y",), rarest=60, shape=(2,), value_range=(-3, 3)
    )
    data = Arrays(path="a.npz", task="regression", found=facts)
    recipe = Recipe(data=data, network=Dense(widths=(3,), output="linear"), training=Training(loss=SQUARED))
    figures = []
    for targets in (OFFSET, OFFSET - 1_700_000_000):
        training = TrainingSet("a.npz", Examples(X, targets), ("y",), (-3.0, 3.0), "0", "", None)
        (fitted,) = fit_reference_models(recipe, training, "r2", names=(model,))
        figures.append(fitted.figures["r2"])
    assert figures[0] == pytest.approx(figures[1], abs=1e-4)
    assert figures[0] > 0.7


def test_a_logarithm_of_classes_is_refused() -> None:
    with pytest.raises(Invalid, match=r"training\.target_scale: must be 'standard' for classification"):
        Recipe(data=Data(name="circle"), network=Dense(widths=(3,)), training=Training(target_scale="log"))
