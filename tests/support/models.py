"""Small saved models with their metadata, for tests of what uses them."""

import json
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.data.ingest.coding import fit_coding
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.ingest import ingest
from tuner.data.load import coding_of, training_set
from tuner.data.sources import Places
from tuner.deploy.code import export_code
from tuner.deploy.predictor import Predictor
from tuner.networks import Dense, Network
from tuner.networks.build import build
from tuner.networks.columns import Column, Kind
from tuner.recipe import Arrays, Images, Recipe, Table, Training, Views
from tuner.recipe.losses import PlainLoss
from tuner.run import train_folds
from tuner.training.fold_data import fold_data
from tuner.training.saving import on_codes, save_average, save_models
from tuner.training.with_scaling import model_of
from tuner.worker.tasks import on_everything

IRIS = tuple(
    Column(name=name, kind="number")
    for name in ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
)


def trained(
    data: Table | Arrays | Images,
    folder: Path,
    places: Places,
    epochs: int = 2,
    network: Network | None = None,
    views: Views = Views(),  # noqa: B008 (frozen)
) -> Path:
    """A small network trained on this data, as confirmation saves it: `best.keras` with `best.json`."""
    found = ingest(data, folder, places, lambda text: None)
    is_regression = not isinstance(found, Images) and found.task == "regression"
    recipe = Recipe(
        data=found,
        network=network or Dense(widths=(8,), output="linear" if is_regression else "softmax"),
        training=Training(
            epochs=epochs,
            batch_size=16,
            loss=PlainLoss(kind="mean_squared_error" if is_regression else "sparse_categorical_crossentropy"),
        ),
    )
    (one,) = train_folds(on_everything(recipe), training_set(found, places))
    alone, best = folder / "alone.keras", folder / "best.keras"
    save_models([model_of(recipe, one)], recipe, alone)
    if views != Views():
        save_average([alone], best, views)
    elif isinstance(found, Table):
        save_average([alone], best, coding=coding_of(found, places))
    else:
        alone.replace(best)
    best.with_suffix(".json").write_text(json.dumps(metadata_of(recipe)))
    return best


def metadata_of(recipe: Recipe) -> Mapping[str, Any]:
    """As confirmation writes them."""
    return {
        "study": "small",
        "trial": 0,
        "recipe": recipe.to_dict(),
        "seeds": [0],
        "measure": "accuracy",
        "validation_accuracy": [0.9],
        "test_accuracy": 0.8,
        "test_loss": 0.5,
        "test_interval": [0.7, 0.9],
        "test_examples": 30,
        "test_figures": {"accuracy": 0.8, "log_loss": 0.5},
        "model": "best.keras",
        "parameters": 67,
        "environment": {"tuner": "0.1.0", "keras": "3.15.1"},
    }


MIXED: dict[str, tuple[Kind, list[Any]]] = {
    "größe": ("number", [1.5, None, -2.0, 1e6, 0.0, 3.25]),
    "wann": ("date", ["2024-02-29", None, "1999-12-31", "2024-03-01", "2030-01-01", "1970-01-01"]),
    "neu": ("boolean", ["true", "No", None, "1", "false", "YES"]),
    "stadt": ("category", ["Köln", "Århus", None, "Köln", "İzmir", "Łódź"]),
    "text": ("text", ["Grüße aus Köln", "ß und Ä", None, "grüße GRÜSSE köln", "aus aus", "naïve café_1"]),
}


def mixed() -> tuple[Coding, pd.DataFrame]:
    """A table with a column of each kind, and its coding."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, (_, values) in MIXED.items()})
    columns = tuple(Column(name=name, kind=kind) for name, (kind, _) in MIXED.items())
    return fit_coding(columns, frame, np.arange(len(frame)), "mixed")[0], frame


def require_script_of(predictor: Predictor, script: Path, places: Places) -> None:
    """The script of plain Keras that `export --as code` writes of a model builds its network, with the same constants of its encoder."""
    export_code(predictor.path, script, places)
    text = script.read_text(encoding="utf-8")
    assert "tuner" not in re.sub('""".*?"""|#[^\\n]*', "", text, flags=re.DOTALL)
    network = runpy.run_path(str(script))["build_model"]()
    assert network.count_params() == on_codes(predictor.model)[1].count_params()
    assert predictor.recipe is not None
    fold = fold_data(predictor.recipe, training_set(predictor.recipe.data, places), 0)
    own = build(predictor.recipe.network, fold.inputs, fold.outputs, 0, fold.constants)
    wanted, constants = encoder_constants(own), encoder_constants(network)
    assert constants.keys() == wanted.keys()
    for name, values in constants.items():
        assert values == pytest.approx(wanted[name])


def encoder_constants(model: Any) -> dict[str, Any]:
    """All constants of each encoder of a network on rows, by the kind of its first column."""
    encoders = [each for each in model._flatten_layers() if type(each).__name__ == "RowEncoder"]
    return {
        each.rows.columns[0].kind: np.concatenate([values.numpy().ravel() for values in each.non_trainable_variables])
        for each in encoders
    }


def without_metadata(model: Path) -> Path:
    """The same model with nothing beside it."""
    bare = model.parent / "bare.keras"
    bare.write_bytes(model.read_bytes())
    return bare


def iris(folder: Path, places: Places) -> Path:
    """A model on Fisher's irises."""
    return trained(Table(path="sklearn:iris", target="target", columns=IRIS), folder, places, epochs=20)


def diabetes(folder: Path, places: Places) -> Path:
    """A model that predicts numbers."""
    columns = tuple(Column(name=name, kind="number") for name in ("age", "bmi", "bp", "s5"))
    return trained(Table(path="sklearn:diabetes", target="target", columns=columns, task="regression"), folder, places)


def xor(folder: Path, places: Places) -> Path:
    """A model on arrays, of which `xor.npz` in the folder has some."""
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    np.savez(folder / "xor.npz", x=points, y=np.where(points.prod(axis=1) > 0, "same", "other"))
    return trained(Arrays(path="xor.npz"), folder, places, epochs=10)


def pictures(
    folder: Path,
    places: Places,
    epochs: int = 20,
    network: Network | None = None,
    views: Views = Views(),  # noqa: B008
) -> Path:
    """A model on 40 pictures, which lie in `pictures` in the folder: dark ones and light ones."""
    from PIL import Image

    chance = np.random.default_rng(0)
    for name, light in (("dark", 0), ("light", 150)):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            values = chance.integers(light, light + 100, (12, 10, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / "pictures" / name / f"{number:02}.png")
    return trained(Images(path="pictures", size=(8, 8), color=True), folder, places, epochs, network, views)
