"""Loading a saved model from an untrusted source: it is read as data, and no code of it runs."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

import tuner.networks.layers  # noqa: F401 (registers our layers)
from tuner.base.errors import DataError, first_line
from tuner.training.saving import load_model, own_names

UNSAFE = {"Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__lambda__"}
"""Layers that hold code, or run code from another file."""

SAFE_PACKAGES = ("keras", "tuner", "builtins")
CONFIG_BYTES = 64 * 2**20


def load_safely(path: Path) -> keras.Model:
    """The model in a `.keras` file, not compiled. Raises `DataError` for other and damaged files, and for everything in it that
    would run code, such as a Lambda layer or a class of another package. A class of the user's own comes from the file of the function
    that made the model, if that is here and has not changed."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such model; `tuner optimize` writes runs/NAME/best.keras")
    _require_safe(path)
    try:
        model = load_model(path)
    except Exception as error:  # Keras raises any exception for a damaged file
        raise DataError(f"{path}: cannot be read as a model: {first_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise DataError(f"{path}: is not a model, but a {type(model).__name__}")
    return model


def _require_safe(path: Path) -> None:
    """Raise `DataError` for a file that is not Keras's, and for an unsafe one, before any object is made from it."""
    records: list[dict[str, Any]] = []

    def collected(record: dict[str, Any]) -> dict[str, Any]:
        records.append(record)
        return record

    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > CONFIG_BYTES:
                raise DataError(f"{path}: its config.json has more than {CONFIG_BYTES >> 20} MiB")
            archive.getinfo("model.weights.h5")
            json.loads(archive.read("config.json"), object_hook=collected)
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        raise DataError(f"{path}: is not a Keras model (.keras)") from None
    for record in (each for each in reversed(records) if "class_name" in each):  # the outermost first
        name, module, settings = str(record["class_name"]), record.get("module"), record.get("config")
        if name in UNSAFE:
            raise DataError(f"{path}: has a {name.strip('_')} layer, which runs code from the file; it is not loaded")
        if (
            isinstance(module, str)
            and (package := module.split(".")[0]) not in SAFE_PACKAGES
            and name not in own_names(path)
        ):
            raise DataError(f"{path}: has {name!r} of the package {package!r}; it is not loaded")
        if isinstance(settings, dict) and isinstance(settings.get("vocabulary"), str):
            raise DataError(f"{path}: takes a vocabulary from {settings['vocabulary']!r}; it is not loaded")
