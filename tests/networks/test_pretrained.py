"""A trained model in a file as a network: its last layer, its weights, and what is told of a file that has changed."""

import re
import tomllib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tuner.base.decode import decode
from tuner.base.errors import Invalid
from tuner.networks.asker import facts
from tuner.networks.build import build
from tuner.networks.function import Call, Function
from tuner.networks.sources import source_at
from tuner.recipe import Phase
from tuner.recipe.phases import learning

WITH_WEIGHTS = """
import keras

def build(trial, inputs, outputs, weights):
    model = keras.Sequential([keras.Input(inputs), keras.layers.Dense(4, name="low")])
    if weights:
        model.load_weights(weights)
    return keras.Sequential([model, keras.layers.Dense(outputs, activation="softmax", name="top")])
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model for four classes of small pictures, with a model inside it."""
    inside = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(3, 3, name="conv"), keras.layers.BatchNormalization(name="norm")]
    )
    model = keras.Sequential(
        [inside, keras.layers.Flatten(), keras.layers.Dense(4, name="old"), keras.layers.Softmax()]
    )
    model.save(tmp_path / "base.keras")
    return tmp_path / "base.keras"


def network_in(path: Path, inputs: tuple[int, ...], outputs: int, task: Any = "classification") -> Function:
    """The network of a file, with the facts of its model."""
    source, sha256 = source_at(str(path), path.parent)
    info = facts(Call(source, sha256, inputs, outputs, task), lambda *_: None)
    assert not info.problem, info.problem
    return Function(source=source, sha256=sha256, found=info)


@pytest.mark.parametrize(
    ("task", "outputs", "activation"), [("classification", 4, "softmax"), ("regression", 4, "linear"), ("multi_label", 4, "sigmoid")]
)  # fmt: skip
def test_the_last_layer_is_a_new_one_for_the_task(saved: Path, task: str, outputs: int, activation: str) -> None:
    network = network_in(saved, (6, 6, 1), outputs, task)
    assert [each.name for each in network.info.layers] == ["conv", "norm", "head"]
    assert network.output == activation
    first, second = (build(network, (6, 6, 1), outputs, seed) for seed in (0, 1))
    assert first.layers[-1].activation.__name__ == activation
    *body, kernel, _ = (np.array_equal(*pair) for pair in zip(first.get_weights(), second.get_weights(), strict=True))
    assert all(body)
    assert not kernel


def test_a_model_without_a_last_dense_layer_gets_one_on_the_mean_of_its_places(tmp_path: Path) -> None:
    maps = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Conv2D(3, 3, name="conv")])
    maps.save(tmp_path / "maps.keras")
    network = network_in(tmp_path / "maps.keras", (6, 6, 1), 2)
    model = build(network, (6, 6, 1), 2, 0)
    assert [each.name for each in network.info.layers] == ["conv", "head"]
    assert model.count_params() == 3 * (9 + 1) + 2 * (3 + 1)


def test_what_cannot_be_a_network_is_one_message(saved: Path, tmp_path: Path) -> None:
    source, sha256 = source_at("base.keras", tmp_path)
    assert "its model takes inputs of the shape (6, 6, 1), the data have (5,)" in facts(
        Call(source, sha256, (5,), 2), lambda *_: None
    ).problem  # fmt: skip
    members = [keras.layers.Dense(2, name=name) for name in "ab"]
    start = keras.Input((3,))
    keras.Model(start, keras.layers.Average()([each(start) for each in members])).save(tmp_path / "two.keras")
    (tmp_path / "no.keras").write_text("no model")
    for name, problem in (
        ("two", "the last layer of .*two.keras joins 2 networks"),
        ("no", "cannot be read as a Keras"),
    ):
        with pytest.raises(AssertionError, match=problem):
            network_in(tmp_path / f"{name}.keras", (3,), 2)
    network = network_in(saved, (6, 6), 4)
    saved.write_bytes(saved.read_bytes() + b" ")
    with pytest.raises(Invalid, match=r"base.keras has changed since this recipe was made"):
        build(network, (6, 6), 4, 0)
    with pytest.raises(Invalid, match=r"there is no file gone.keras in"):
        source_at("gone.keras", tmp_path)


def test_a_function_gets_its_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(WITH_WEIGHTS)
    trained = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, kernel_initializer="ones", name="low")])
    trained.save_weights(tmp_path / "low.weights.h5")
    (source, sha256), (weights, of_weights) = (
        source_at(f"{tmp_path / 'nets.py'}:build", tmp_path), (str(tmp_path / "low.weights.h5"), "")
    )  # fmt: skip
    network = Function(source=source, sha256=sha256, weights=weights, weights_sha256=of_weights)
    assert np.array_equal(build(network, (3,), 2, 0).get_weights()[0], trained.get_weights()[0])
    plain = Function(source=source, sha256=sha256)
    assert not np.array_equal(build(plain, (3,), 2, 0).get_weights()[0], trained.get_weights()[0])
    (tmp_path / "nets.py").write_text(WITH_WEIGHTS.replace(", weights)", ")").replace("if weights", "if not outputs"))
    with pytest.raises(Invalid, match="build must have a parameter weights, which gets the path"):
        build(Function(source=source, weights=weights), (3,), 2, 0)


@pytest.mark.long
def test_the_function_of_the_page_has_the_layers_that_its_phases_name(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "fine-tuning.md").read_text(encoding="utf-8")
    function = next(text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "MobileNetV2" in text)
    (tmp_path / "photos.py").write_text(function, encoding="utf-8")
    source, sha256 = source_at(f"{tmp_path / 'photos.py'}:build", tmp_path)
    info = facts(Call(source, sha256, (48, 48, 3), 3), lambda _, hole: hole.points(2)[0])
    assert not info.problem, info.problem
    settings = next(text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "photos.py" in text)
    first, second = tomllib.loads(settings)["recipe"]["training"]["phases"]
    names, everything = second["trainable"]["choice"]
    counts = [
        sum(learning(decode(Phase, {"trainable": each}).trainable, info.layers))
        for each in (first["trainable"], names, everything)
    ]
    assert counts == [1, 9, 105]
