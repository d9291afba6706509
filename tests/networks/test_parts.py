"""Rows with pictures or arrays in them: their named parts, what families and functions of the user's get of them."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid
from tuner.networks import Dense, Hidden, TabularEnsemble, layer_table, parameters
from tuner.networks.asker import facts
from tuner.networks.build import build, initial_values
from tuner.networks.columns import Coded, Column, Encoding, Rows
from tuner.networks.fitting import fit_encoder
from tuner.networks.function import Call, Function
from tuner.networks.parts import offered_shapes, parts_of
from tuner.networks.sources import source_at
from tuner.recipe.data import DataInfo

PICTURE = Coded("picture", places=8 * 9 * 3, part="photo", shape=(8, 9, 3))
ARRAY = Coded("array", places=4, part="wave", shape=(4,))
SMALL = Encoding(numbers="standard", filters=(3, 4), picture_size=5)
ROWS = Rows((Coded("number"), PICTURE, Coded("category", 5), ARRAY), SMALL)


def coded(rows: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    parts = [
        generator.normal(5, 2, (rows, 1)),
        generator.integers(0, 256, (rows, PICTURE.places)),
        generator.integers(2, 5, (rows, 1)),
        generator.normal(size=(rows, ARRAY.places)),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def test_columns_without_a_shape_are_one_part() -> None:
    table, photo, wave = parts_of(ROWS)
    assert (table.name, table.places) == ("table", ((0, 1), (217, 218)))
    assert (photo.name, photo.places) == ("photo", ((1, 217),))
    assert dict(offered_shapes(ROWS)) == {"table": (6,), "photo": (8, 9, 3), "wave": (4,)}  # type: ignore[arg-type]
    assert wave.places == ((218, 222),)
    assert ROWS.width == 6 + 5 + 4


@pytest.mark.parametrize("network", [Dense(widths=(6,)), TabularEnsemble(widths=(6,), members=2)])
def test_a_familys_parts_are_described_as_keras_has_them(network: Dense | TabularEnsemble) -> None:
    rows = coded(20)
    constants = fit_encoder(ROWS, rows)
    model = build(network, ROWS, 3, 0, constants)
    assert model.count_params() == parameters(network, ROWS, 3)
    assert layer_table(network, ROWS, 3)[0].output == (ROWS.width,)
    first = initial_values(network, ROWS, 3, 0, constants)
    assert all(np.array_equal(a, b) for a, b in zip(first, [each.numpy() for each in model.variables], strict=True))
    encoder = next(each for each in model._flatten_layers() if type(each).__name__ == "RowEncoder")
    assert encoder.non_trainable_variables[0].numpy() == pytest.approx([rows[:, 0].mean()])


def test_a_missing_picture_is_an_empty_one() -> None:
    rows = coded(4)
    model = build(Dense(widths=()), ROWS, 3, 0, fit_encoder(ROWS, rows))
    rows[0, 1:217] = np.nan
    rows[1] = rows[0]
    rows[1, 1:217] = 0.0
    first, second, *_ = np.asarray(model(rows))
    assert np.isfinite(first).all()
    assert first == pytest.approx(second)


def test_rows_of_pictures_alone_need_no_constants() -> None:
    rows = Rows((PICTURE,), SMALL)
    assert fit_encoder(rows, coded(5)[:, 1:217]) == []
    assert build(Dense(widths=(4,), hidden=Hidden(precision="bfloat16")), rows, 3, 0).output_shape == (None, 3)


TWO_INPUTS = """
import keras

def build(trial, inputs, outputs):
    photo = keras.Input(inputs["photo"], name="photo")
    table = keras.Input(inputs["table"], name="table")
    inside = keras.layers.concatenate([keras.layers.Flatten()(photo), table])
    units = trial.suggest_int("units", 2, 8)
    inside = keras.layers.Dense(units, "relu")(inside)
    model = keras.Model(INPUTS, keras.layers.Dense(outputs, activation="softmax")(inside))
    return model
"""


def asked(folder: Path, text: str) -> tuple[Function, str]:
    """The function in a file with the facts of its model on the rows above, and its problem."""
    (folder / "my_nets.py").write_text(text)
    source, sha256 = source_at(f"{folder / 'my_nets.py'}:build", folder)
    info = facts(Call(source, sha256, offered_shapes(ROWS), 3), lambda name, hole: 4)
    return Function(source=source, sha256=sha256, answers={"units": 4}, found=info), info.problem


@pytest.mark.parametrize("order", ["[photo, table]", "[table, photo]", '{"table": table, "photo": photo}'])
def test_a_function_gets_the_parts_that_its_inputs_are_called_after(order: str, tmp_path: Path) -> None:
    network, problem = asked(tmp_path, TWO_INPUTS.replace("INPUTS", order))
    assert not problem
    rows = coded(3)
    model = build(network, ROWS, 3, 0, fit_encoder(ROWS, rows))
    assert model.input_shape == (None, 222)
    before, changed = np.asarray(model(rows)), rows.copy()
    changed[:, 218:] += 1.0  # the part that it does not take
    assert np.asarray(model(changed)) == pytest.approx(before)
    changed[:, 1:217] = 255 - changed[:, 1:217]
    assert np.abs(np.asarray(model(changed)) - before).max() > 1e-4


def test_pictures_reach_a_function_from_0_to_1(tmp_path: Path) -> None:
    text = """
import keras

def build(trial, inputs, outputs):
    photo = keras.Input(inputs["photo"], name="photo")
    trial.suggest_int("units", 2, 8)
    return keras.Model(photo, keras.ops.max(photo, axis=(1, 2)))
"""
    network, problem = asked(tmp_path, text)
    assert not problem
    rows = coded(3)
    expected = rows[:, 1:217].reshape(-1, 8, 9, 3).max(axis=(1, 2)) / 255
    assert np.asarray(build(network, ROWS, 3, 0)(rows)) == pytest.approx(expected)


def test_an_input_that_is_no_part_is_named(tmp_path: Path) -> None:
    text = TWO_INPUTS.replace("INPUTS", "[photo, table]").replace('name="photo"', 'name="picture"')
    _, problem = asked(tmp_path, text)
    assert problem == (
        "build: its model takes inputs of the shape (8, 9, 3) in its input 'picture', the data have the parts table (6,), "
        "photo (8, 9, 3), wave (4,); keras.Input(…, name=…) says which one is meant"
    )


def test_a_part_that_is_called_table_keeps_its_name() -> None:
    rows = Rows((Coded("number"), Coded("array", places=2, part="table", shape=(2,))))
    assert [part.name for part in parts_of(rows)] == ["table_", "table"]


@pytest.mark.parametrize(
    ("kind", "format", "rule"),
    [
        ("picture", "", "must be a height and a width such as 32x32 or 32x32 color"),
        ("picture", "32x0", "must be a height and a width such as 32x32 or 32x32 color"),
        ("picture", "32 x 32", "must be a height and a width such as 32x32 or 32x32 color"),
        ("array", "28x28 color", "must be a shape such as 28x28"),
    ],
)
def test_a_format_that_is_no_shape_is_refused(kind: str, format: str, rule: str) -> None:
    with pytest.raises(Invalid) as complaint:
        decode(Column, {"name": "photo", "kind": kind, "format": format})
    assert complaint.value.problem.startswith(rule)


def test_facts_of_the_version_before_are_read() -> None:
    info = DataInfo(
        identity="x", training_examples=1, test_examples=1, classes=("a",), rarest=1, columns=(Coded("number"),)
    )
    plain = encode(info)
    del plain["columns"][0]["part"], plain["columns"][0]["shape"]
    assert decode(DataInfo, plain) == info


def test_the_parts_survive_saving(tmp_path: Path) -> None:
    rows = coded(4)
    model = build(Dense(widths=(4,)), ROWS, 3, 0, fit_encoder(ROWS, rows))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.asarray(loaded(rows)) == pytest.approx(np.asarray(model(rows)), abs=1e-6)


WINDOWS = tuple(Coded("window", places=6, part=name, shape=(6,)) for name in ("sales", "visits"))
SERIES = Rows((WINDOWS[0], Coded("number"), WINDOWS[1], PICTURE), SMALL)


def windowed(rows: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    parts = [generator.normal(level, 2, (rows, places)) for level, places in ((5, 6), (70, 1), (90, 6))]
    return np.concatenate([*parts, generator.integers(0, 256, (rows, PICTURE.places))], axis=1).astype(np.float32)


def test_all_windows_are_one_part_of_steps() -> None:
    table, window, photo = parts_of(SERIES)
    assert (window.name, window.places, window.steps) == ("window", ((0, 6), (7, 13)), (6, 2))
    assert (table.places, photo.places) == (((6, 7),), ((13, 229),))
    assert dict(offered_shapes(SERIES)) == {"table": (1,), "window": (6, 2), "photo": (8, 9, 3)}  # type: ignore[arg-type]
    assert SERIES.width == 1 + 12 + 5


@pytest.mark.parametrize("filters", [(), (3,), (3, 4)])
def test_windows_are_standardized_by_the_rows_they_are_fitted_to(filters: tuple[int, ...]) -> None:
    series, rows = replace(SERIES, encoding=replace(SMALL, window_filters=filters)), windowed(50)
    constants = fit_encoder(series, rows, slice(0, 30))
    network = Dense(widths=(6,))
    model = build(network, series, 3, 0, constants)
    assert model.count_params() == parameters(network, series, 3)
    assert layer_table(network, series, 3)[0].output == (series.width,)
    first = initial_values(network, series, 3, 0, constants)
    assert all(np.array_equal(a, b) for a, b in zip(first, [each.numpy() for each in model.variables], strict=True))
    front = model.layers[0]
    numbers = np.asarray(front(rows[:30]))
    expected = np.concatenate([rows[:30, :6], rows[:30, 7:13]], axis=1)
    np.testing.assert_allclose(numbers[:, 1:13], (expected - expected.mean(0)) / expected.std(0), atol=1e-4)
    np.testing.assert_allclose(numbers[:, 0], (rows[:30, 6] - rows[:30, 6].mean()) / rows[:30, 6].std(), atol=1e-4)


def test_dilated_convolutions_see_so_many_steps() -> None:
    series = Rows((Coded("window", places=12, part="y", shape=(12,)),), replace(SMALL, window_filters=(8, 8)))
    rows = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)
    model = build(Dense(widths=()), series, 1, 0, fit_encoder(series, rows))
    front = model.layers[0]
    before, seen = np.asarray(front(rows))[:, 12:], []
    for step in range(12):
        changed = rows.copy()
        changed[:, step] += 3.0
        seen.append(not np.allclose(np.asarray(front(changed))[:, 12:], before))
    assert seen == [False] * 5 + [True] * 7  # 1 + 2 × 1 + 2 × 2


def test_a_function_gets_windows_by_their_steps(tmp_path: Path) -> None:
    series, rows = Rows(WINDOWS, SMALL), np.delete(windowed(40)[:, :13], 6, axis=1)
    text = """
import keras

def build(trial, inputs, outputs):
    window = keras.Input(inputs["window"], name="window")
    trial.suggest_int("units", 2, 8)
    return keras.Model(window, window[:, -1])
"""
    (tmp_path / "last.py").write_text(text)
    source, sha256 = source_at(f"{tmp_path / 'last.py'}:build", tmp_path)
    info = facts(Call(source, sha256, offered_shapes(series), 2), lambda name, hole: 4)
    network = Function(source=source, sha256=sha256, answers={"units": 4}, found=info)
    last = rows[:, [5, 11]]
    outputs = np.asarray(build(network, series, 2, 0, fit_encoder(series, rows))(rows))
    np.testing.assert_allclose(outputs, (last - last.mean(0)) / last.std(0), atol=1e-4)


@pytest.mark.parametrize("inputs", [(28, 28), (("window", (6, 2)),), (("table", (1,)), ("photo", (8, 9, 3)))])
def test_what_a_function_is_called_with_survives_json(inputs: tuple[object, ...]) -> None:
    call = Call("nets.py:build", "0" * 64, inputs, 3)  # type: ignore[arg-type]
    assert decode(Call, json.loads(json.dumps(encode(call)))) == call
