"""Saved models: they take inputs as stored, and are read without anything of their training."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.data.examples import Examples
from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.deploy.safe_loading import load_safely
from tuner.networks import Convolutional, Dense, Hidden, LocallyConnected, Network, ResidualDense, Staged
from tuner.networks.build import build
from tuner.recipe import Data, PlainLoss, Recipe, Training, Views
from tuner.training.compiling import compile_model
from tuner.training.parts import Scaler
from tuner.training.saving import UNSCALED, load_model, save_average, save_models, scores_of
from tuner.training.targets import targets
from tuner.training.with_scaling import with_scaling

EVERYTHING = Hidden(
    batch_normalization="before", dropout=0.1, kernel_l1=0.1, kernel_l2=0.1, activity_l1=0.1, precision="bfloat16"
)
CASES: list[tuple[Network, str]] = [
    (Dense(widths=(4,), output="signed"), "half_squared_error"),
    (Dense(widths=(4,), hidden=EVERYTHING), "kl_divergence"),
    (Convolutional(filters=(4,), widths=(3,), hidden=EVERYTHING), "sparse_categorical_crossentropy"),
    (LocallyConnected(filters=(2,), hidden=Hidden(kernel_l2=0.1)), "mean_squared_error"),
    (Staged(filters=(3, 4), block="residual", widths=(3,), hidden=EVERYTHING), "sparse_categorical_crossentropy"),
    (Staged(filters=(3, 4), block="separable", stem=2, hidden=EVERYTHING), "kl_divergence"),
    (ResidualDense(width=4, hidden=EVERYTHING), "sparse_categorical_crossentropy"),
]


@pytest.mark.parametrize(("network", "loss"), CASES)
def test_a_compiled_model_is_saved_with_its_scaling_and_read_back(network: Network, loss: str, tmp_path: Path) -> None:
    training = Training(loss=PlainLoss(kind=loss))  # type: ignore[arg-type]
    model = build(network, (6, 6), 2, seed=0)
    recipe = Recipe(data=Data(name="circle"), network=network, training=training)
    compile_model(model, recipe)
    path = tmp_path / "model.keras"
    scale = Scaler(np.asarray(-1.0, np.float32), np.asarray(0.5, np.float32))
    save_models([with_scaling(model, recipe, scale, (6, 6), 2)], recipe, path)
    stored = np.random.default_rng(0).uniform(-1, 1, (3, 6, 6)).astype(np.float32)
    wanted = model((stored + 1.0) * 0.5)
    np.testing.assert_allclose(load_model(path)(stored), wanted, rtol=1e-5, atol=1e-6)
    assert not keras.models.load_model(path).compiled
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def on_views(model: keras.Model, images: np.ndarray, views: Views) -> np.ndarray:
    """The mean of the outputs, with all views by NumPy; the middle of a shifted image counts as much as both of its corners."""
    seen = [images, images[:, :, ::-1]] if views.is_mirrored else [images]
    outputs = [np.asarray(model(each)) for each in seen]
    if views.is_shifted:
        padded = [np.pad(each, [(0, 0), (1, 1), (1, 1)], mode="edge") for each in seen]
        outputs += [
            np.asarray(model(each[:, 2:, 2:])) / 2 + np.asarray(model(each[:, :-2, :-2])) / 2 for each in padded
        ]
    return np.asarray(np.mean(outputs, axis=0))


@pytest.mark.parametrize(
    ("views", "temperature"), [(Views(), 1.0), (Views(), 0.4), (Views(is_mirrored=True, is_shifted=True), 1.0)]
)
def test_an_average_of_saved_models_is_a_model(views: Views, temperature: float, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.keras" for number in range(3)]
    for number, path in enumerate(paths):
        network = Staged(filters=(3,), block="residual" if number else "plain")
        recipe = Recipe(data=Data(name="digits"), network=network)
        model = with_scaling(build(network, (6, 6), 2, seed=number), recipe, UNSCALED, (6, 6), 2)
        save_models([model], recipe, path)
    parameters = save_average(paths, tmp_path / "all.keras", views, temperature)
    stored = np.random.default_rng(0).uniform(0, 1, (5, 6, 6)).astype(np.float32)
    alone = [load_model(path) for path in paths]
    expected = np.mean([on_views(model, stored, views) for model in alone], axis=0)
    if temperature != 1:
        expected = expected ** (1 / temperature) / (expected ** (1 / temperature)).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(load_safely(tmp_path / "all.keras")(stored), expected, rtol=1e-5, atol=1e-6)
    assert parameters == sum(model.count_params() for model in alone)


def test_a_column_whose_name_has_a_slash_gives_no_warning(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save(tmp_path / "one.keras")
    coding = Coding(columns=(ColumnCoding(name="speed (km/h)", kind="number"),))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "When providing")
        save_average([tmp_path / "one.keras"], tmp_path / "both.keras", coding=coding)
        model = load_model(tmp_path / "both.keras")
    assert list(model.input) == ["speed (km/h)"]


READING = """
import keras, sys
*plain, ours = sys.argv[1:]
for path in plain:
    keras.models.load_model(path).summary()
assert "tuner" not in sys.modules
import tuner.networks.layers
keras.models.load_model(ours).summary()
"""


@pytest.mark.slow
def test_keras_alone_reads_a_saved_model_and_after_one_import_those_with_layers_of_ours(tmp_path: Path) -> None:
    networks: dict[str, Network] = {
        "convolutional.keras": Convolutional(filters=(4,), widths=(3,), hidden=EVERYTHING),
        "residual.keras": Staged(filters=(3, 4), block="residual", widths=(3,), hidden=EVERYTHING),
        "ours.keras": LocallyConnected(filters=(2,)),
    }
    for name, network in networks.items():
        recipe, model = Recipe(data=Data(name="digits"), network=network), build(network, (6, 6), 2, seed=0)
        save_models([with_scaling(model, recipe, UNSCALED, (6, 6), 2)], recipe, tmp_path / name)
    package = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    subprocess.run([sys.executable, "-c", READING, *networks], check=True, cwd=tmp_path, env=environment)


@pytest.mark.parametrize(("network", "loss"), CASES)
def test_scores_of_what_a_model_gives_are_those_of_keras(network: Network, loss: str) -> None:
    training = Training(loss=PlainLoss(kind=loss))  # type: ignore[arg-type]
    recipe = Recipe(data=Data(name="circle"), network=network, training=training)
    hidden = replace(network.hidden, kernel_l1=0.0, kernel_l2=0.0, activity_l1=0.0, precision="float32")
    model = build(replace(network, hidden=hidden), (6, 6), 2, seed=0)  # type: ignore[arg-type]
    compile_model(model, recipe)
    model.run_eagerly = True  # traces nothing
    random = np.random.default_rng(0)
    inputs, labels = random.uniform(-1, 1, (50, 6, 6)).astype(np.float32), random.integers(0, 2, 50).astype(np.uint8)
    ours = scores_of(np.asarray(model(inputs)), recipe, Examples(inputs, labels), 2)
    keras_loss, keras_accuracy = model.evaluate(inputs, targets(recipe, labels, 2), batch_size=50, verbose=0)
    assert (ours.loss, ours.accuracy) == pytest.approx((keras_loss, keras_accuracy), rel=1e-5)
