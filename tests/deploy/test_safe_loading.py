"""Saved models from anywhere: what is damaged, or far larger than its file, is refused before it is unpacked."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest import files
from tuner.deploy.predictor import Predictor

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with two inputs and three classes, of which nothing is trained."""
    path = tmp_path_factory.mktemp("small") / "small.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")]).save(path)
    return path


def repacked(model: Path, target: Path, name: str, change: Callable[[bytes], bytes], compression: int = 0) -> Path:
    """The model with another content of one of its parts."""
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(target, "w", compression) as new:
        for each in old.namelist():
            new.writestr(each, change(old.read(each)) if each == name else old.read(each))
    return target


def complaint(path: Path) -> str:
    """The message about a model, without its path."""
    with pytest.raises(DataError) as error:
        Predictor.load(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_layers_with_more_weights_than_the_file_are_refused(small_model: Path, tmp_path: Path) -> None:
    def enormous(content: bytes) -> bytes:
        return content.replace(b'"units": 3', b'"units": 20000000')

    path = repacked(small_model, tmp_path / "m.keras", CONFIG, enormous)
    assert complaint(path) == "its layers have 60,000,000 weights, and 9 are stored; it is not loaded"


def test_a_part_that_unpacks_to_far_too_much_is_refused(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HARMLESS_BYTES", 2**20)
    path = repacked(small_model, tmp_path / "m.keras", WEIGHTS, lambda _: bytes(2**22), zipfile.ZIP_DEFLATED)
    rule = "unpacks to more than 8 GiB, or beyond 1 MiB to 150 times its size"
    assert complaint(path) == f"{rule}; if that is intended, unpack it first"


def test_weights_that_are_described_and_not_stored_are_refused(small_model: Path, tmp_path: Path) -> None:
    def hollow(_: bytes) -> bytes:
        with h5py.File(stream := io.BytesIO(), "w") as file:
            file.create_dataset("layers/dense/vars/0", (2**28,), "f4", chunks=(2**20,))
        return stream.getvalue()

    path = repacked(small_model, tmp_path / "m.keras", WEIGHTS, hollow)
    assert complaint(path).startswith("unpacks to more than 8 GiB, or beyond 100 MiB to 150 times its size")


def patched(model: Path, target: Path, places: tuple[int, int], value: int) -> Path:
    """The model with another value of a field in each header of its parts."""
    content = bytearray(model.read_bytes())
    for mark, place in zip((LOCAL, CENTRAL), places, strict=True):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            struct.pack_into("<H", content, start + place, value)
    target.write_bytes(content)
    return target


@pytest.mark.parametrize(("places", "value"), [((6, 8), 1), ((8, 10), 97)], ids=["encrypted", "unknown compression"])
def test_a_part_that_cannot_be_unpacked_is_refused(
    places: tuple[int, int], value: int, small_model: Path, tmp_path: Path
) -> None:
    assert complaint(patched(small_model, tmp_path / "m.keras", places, value)) == "is not a Keras model (.keras)"


def test_a_broken_stream_is_refused(small_model: Path, tmp_path: Path) -> None:
    path = repacked(small_model, tmp_path / "m.keras", "", bytes, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    start = content.find(CONFIG.encode()) + len(CONFIG)
    content[start + 20 : start + 60] = b"\xff" * 40
    path.write_bytes(content)
    assert complaint(path) == "is not a Keras model (.keras)"


def test_a_damaged_configuration_is_refused(small_model: Path, tmp_path: Path) -> None:
    def broken(content: bytes) -> bytes:
        return content.replace(b'"activation": "softmax"', b'"activation": "sofmax"')

    message = complaint(repacked(small_model, tmp_path / "m.keras", CONFIG, broken))
    assert message.startswith("cannot be read as a model: ")


def test_layers_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    lookup = keras.layers.TextVectorization(vocabulary=["a", "b"])
    keras.Sequential([keras.Input((1,), dtype="string"), lookup, keras.layers.Flatten()]).save(tmp_path / "m.keras")
    assert complaint(tmp_path / "m.keras").startswith("has layers that do not fit together: ")


def test_a_model_of_any_layers_is_loaded(tmp_path: Path) -> None:
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.RandomFlip()(inputs)
    x = layers.Normalization(mean=[0.0] * 3, variance=[1.0] * 3)(x)
    x = layers.BatchNormalization()(layers.SeparableConv2D(4, 3, activation="relu")(x))
    x = layers.Reshape((36, 4))(x)
    x = layers.Dropout(0.5)(layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x)))
    x = layers.Flatten()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.save(tmp_path / "m.keras")
    values = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(values, training=False))
    np.testing.assert_allclose(Predictor.load(tmp_path / "m.keras").predict(values).values, expected, atol=1e-6)
