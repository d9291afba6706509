"""What reaches a function that makes the network of a study on data from Python: arrays as they are, texts as words, weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tuner
from tests.support.models import trained
from tuner.__main__ import run
from tuner.base.errors import DataError, Invalid
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.predictor import Predictor
from tuner.networks import Dense, Function, layer_table
from tuner.networks.build import build
from tuner.python.arguments import data_of
from tuner.python.examples import inputs_of
from tuner.python.study import Changes, network_of, study_on
from tuner.recipe import Arrays, Recipe, Table, describe

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 300, (60, 12))
Y = np.where((TOKENS == 7).any(axis=1) | (TOKENS[:, 0] > 150), "yes", "no")
WORDS = np.array(["red", "green", "blue", "old", "new", "wet"])
TEXTS = [" ".join(row) for row in WORDS[RNG.integers(0, 6, (60, 9))]]
AGES = RNG.integers(20, 60, 60)


def of_tokens(trial: Any, inputs: Any, outputs: int) -> Any:
    """Token numbers, embedded; their type is that of `Embedding`."""
    import keras

    tokens = keras.Input(inputs, dtype="int32")
    inside = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(300, trial.suggest_int("size", 2, 4))(tokens))
    return keras.Model(tokens, keras.layers.Dense(outputs, activation="softmax")(inside))


def of_words(trial: Any, inputs: Any, outputs: int) -> Any:
    """The words of a text in their order, and the rest of a table."""
    import keras

    words, table = (keras.Input(inputs[name], name=name) for name in ("text", "table"))
    embedded = keras.layers.Embedding(5002, trial.suggest_int("size", 2, 4), mask_zero=True)(words)
    inside = keras.layers.concatenate([keras.layers.GRU(4)(embedded), table])
    return keras.Model([words, table], keras.layers.Dense(outputs, activation="softmax")(inside))


def of_any(trial: Any, inputs: Any, outputs: int) -> Any:
    """Any single array."""
    import keras

    layers = [keras.Input(inputs), keras.layers.Flatten(), keras.layers.Dense(trial.suggest_int("units", 2, 4))]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, activation="softmax")])


def with_weights(trial: Any, inputs: Any, outputs: int, weights: str) -> Any:
    """A network that begins with weights from a file."""
    model = of_any(trial, inputs, outputs)
    if weights:
        model.load_weights(weights)
    return model


def recipe_on(x: Any, network: Any, places: Places, study: Any = None, y: Any = Y, **others: Any) -> Recipe:
    """The first recipe of the study that `tuner.optimize` makes for these data and this function."""
    changes = Changes(network=network_of(network, others.pop("pretrained", None)))
    examples, changes = data_of(x, y, {}, others.pop("test", 0.0), None, changes)
    return study_on(study, examples, changes, places).corners[0][1]


@pytest.mark.parametrize("x", [TOKENS, TOKENS.tolist(), TOKENS[:, 0], TOKENS / 7, TOKENS.astype(np.uint8)])
def test_an_array_of_numbers_reaches_a_function_as_it_is(x: Any, places: Places) -> None:
    data = recipe_on(x, of_any, places).data
    assert isinstance(data, Arrays)
    assert data.scaling == "none"
    stored, expected = training_set(data, places).examples.inputs, np.asarray(x).reshape(60, -1)
    assert describe(data).inputs == expected.shape[1:]
    assert np.array_equal(stored, expected.astype(stored.dtype))


def test_a_study_may_scale_the_arrays_of_a_function(places: Places) -> None:
    for data, scaling in (({"scaling": "standard"}, "standard"), ({}, "none")):
        study = {"recipe": {"data": {"kind": "arrays", "path": "x.npz", **data}}}
        assert recipe_on(TOKENS, of_any, places, study).data.scaling == scaling  # type: ignore[union-attr]


def test_a_frame_reaches_a_function_as_encoded_columns(places: Places) -> None:
    frame = pd.DataFrame({"text": TEXTS, "age": np.where(AGES > 50, np.nan, AGES)})
    data = recipe_on(frame, of_any, places).data
    assert isinstance(data, Table)
    assert [(each.name, each.kind, each.format) for each in data.columns] == [
        ("text", "text", ""),
        ("age", "number", ""),
    ]


def test_an_array_with_gaps_is_told(places: Places) -> None:
    gaps = np.where(TOKENS > 290, np.nan, TOKENS)
    row = int(np.argmax(np.isnan(gaps).any(axis=1))) + 1
    with pytest.raises(DataError, match=rf"the data: x, row {row}: must be finite numbers .*; fill missing ones"):
        recipe_on(gaps, of_any, places)


def test_the_texts_of_a_mapping_reach_a_function_as_words(places: Places) -> None:
    data = recipe_on({"text": TEXTS, "age": AGES}, of_words, places).data
    assert isinstance(data, Table)
    inputs = describe(data).inputs
    rows = training_set(data, places).examples.inputs
    assert rows.shape == (60, 9 + 1)
    codes = {word: rows[TEXTS.index(text), place] for text in TEXTS for place, word in enumerate(text.split())}
    assert sorted(codes.values()) == [2, 3, 4, 5, 6, 7]
    assert [[codes[word] for word in text.split()] for text in TEXTS] == rows[:, :9].tolist()
    with pytest.raises(
        Invalid, match=r"network.kind: must be 'function' for the words of 'text'; leave its format out"
    ):
        layer_table(Dense(widths=(4,)), inputs, 2)


IN_PARTS: dict[str, Any] = {"text": TEXTS, "age": AGES}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", ["tokens", "words"])
def test_a_model_is_served_and_exported_with_the_inputs_that_its_function_had(
    case: str, tmp_path: Path, places: Places
) -> None:
    pytest.importorskip("httpx", reason="needs httpx, which FastAPI's test client stands on")
    from fastapi.testclient import TestClient

    from tuner.deploy.serve.application import application
    from tuner.report.pages import page_as_html

    x, network = (TOKENS, of_tokens) if case == "tokens" else (IN_PARTS, of_words)
    recipe = recipe_on(x, network, places)
    predictor = Predictor.load(trained(recipe.data, tmp_path, places, network=recipe.network))  # type: ignore[arg-type]
    inputs = inputs_of(x, stays_array=True)
    values = predictor.predict(inputs).values
    changed = TOKENS[:, ::-1] % 7 if case == "tokens" else {**IN_PARTS, "text": [text[::-1] for text in TEXTS]}
    assert np.abs(predictor.predict(inputs_of(changed, stays_array=True)).values - values).max() > 1e-4
    body = {"inputs": TOKENS[:1].tolist()} if case == "tokens" else {"text": TEXTS[0], "age": int(AGES[0])}
    client = TestClient(application(predictor, 100_000, 50, page_as_html, ["testserver"]))
    answered = client.post("/predict", json=body)
    assert answered.status_code == 200, answered.text
    probability = answered.json()["predictions"][0]["probabilities"][predictor.output.names[0]]
    assert probability == pytest.approx(values[0, 0], abs=1e-5)
    data = tmp_path / ("x.npz" if case == "tokens" else "x.csv")
    if case == "tokens":
        np.savez(data, x=TOKENS)
    else:
        pd.DataFrame(IN_PARTS).to_csv(data, index=False)
    assert run(["export", "--model", str(predictor.path), "--out", str(tmp_path / "saved"), "--data", str(data)]) == 0


def test_a_function_gets_the_path_of_weights(tmp_path: Path, places: Places) -> None:
    import keras

    path = tmp_path / "base.weights.h5"
    model = keras.Sequential([keras.Input((12,)), keras.layers.Flatten(), keras.layers.Dense(2), keras.layers.Dense(2)])
    model.save_weights(path)
    network = recipe_on(TOKENS, with_weights, places, pretrained=path).network
    assert isinstance(network, Function)
    built = build(network, (12,), 2, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(built.get_weights(), model.get_weights(), strict=True))
    model.layers[1].bias.assign([1.0, 2.0])
    model.save_weights(path)
    with pytest.raises(Invalid, match=r"base.weights.h5 has changed since this recipe was made"):
        build(network, (12,), 2, seed=0)


def test_weights_without_a_function_are_told(tmp_path: Path, places: Places) -> None:
    with pytest.raises(Invalid, match=r"pretrained: comes with network, a function that gets the file's path"):
        tuner.optimize(TOKENS, Y, pretrained="base.keras", runs=tmp_path)
    with pytest.raises(Invalid, match=r"pretrained: there is no file .*none.keras in"):
        tuner.optimize(TOKENS, Y, network=with_weights, pretrained="none.keras", runs=tmp_path)
    with pytest.raises(Invalid, match=r"of_any must have a parameter weights, which gets the path"):
        recipe_on(TOKENS, of_any, places, pretrained=__file__)
