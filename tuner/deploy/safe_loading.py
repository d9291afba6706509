"""Loading a saved model from an untrusted source: it is read as data, and no code of it runs."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras

import tuner.networks.layers  # noqa: F401 (registers our layers)
from tuner.base.errors import DataError, data_errors
from tuner.data.ingest.files import require_ratio
from tuner.training.saving import load_model, own_names, weights_of

UNSAFE = {"Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__lambda__"}
"""Layers that hold code, or run code from another file."""

SAFE_PACKAGES = ("keras", "tuner", "builtins")
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONFIG_BYTES = 16 * 2**20
SPARE_WEIGHTS = 2**20
"""Weights that the layers may have more than the file, such as the states of random generators."""


def load_safely(path: Path) -> keras.Model:
    """The model in a `.keras` file, not compiled. Raises `DataError` for other and damaged files, and for everything in it that
    would run code, such as a Lambda layer or a class of another package. A class of the user's own comes from the file of the function
    that made the model, if that is here and has not changed. What is in the file is unpacked, and weights are allocated, only if the file
    is as large as it says (see `require_ratio`)."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such model; `tuner optimize` writes runs/NAME/best.keras")
    is_own = _require_safe(path)
    with data_errors(path, "cannot be read as a model"):
        if not is_own:
            _require_weights(path)
        model = load_model(path)
    if not isinstance(model, keras.Model):
        raise DataError(f"{path}: is not a model, but a {type(model).__name__}")
    return model


def _require_safe(path: Path) -> bool:
    """Raise `DataError` for a file that is not Keras's, and for an unsafe one, before any object is made from it. Whether it has classes
    of the user's own."""
    is_own, records = False, list[dict[str, Any]]()

    def collected(record: dict[str, Any]) -> dict[str, Any]:
        records.append(record)
        return record

    try:
        with zipfile.ZipFile(path) as archive:
            require_ratio(path, path.stat().st_size, sum(member.file_size for member in archive.infolist()))
            if archive.getinfo(CONFIG).file_size > CONFIG_BYTES:
                raise DataError(f"{path}: its {CONFIG} has more than {CONFIG_BYTES >> 20} MiB")
            archive.getinfo(WEIGHTS)
            json.loads(archive.read(CONFIG), object_hook=collected)
    except DataError:
        raise
    except Exception:  # `zipfile` raises any exception for a damaged file
        raise DataError(f"{path}: is not a Keras model (.keras)") from None
    for record in (each for each in reversed(records) if "class_name" in each):  # the outermost first
        name, module, settings = str(record["class_name"]), record.get("module"), record.get("config")
        if name in UNSAFE:
            raise DataError(f"{path}: has a {name.strip('_')} layer, which runs code from the file; it is not loaded")
        if isinstance(module, str) and (package := module.split(".")[0]) not in SAFE_PACKAGES:
            if name not in own_names(path):
                raise DataError(f"{path}: has {name!r} of the package {package!r}; it is not loaded")
            is_own = True
        if isinstance(settings, dict) and isinstance(settings.get("vocabulary"), str):
            raise DataError(f"{path}: takes a vocabulary from {settings['vocabulary']!r}; it is not loaded")
    return is_own


def _require_weights(path: Path) -> None:
    """Raise `DataError` where the weights of the layers, or those that the file describes, are far more than the file stores."""
    arrays: list[h5py.Dataset] = []
    with zipfile.ZipFile(path) as archive:
        config, content = json.loads(archive.read(CONFIG)), archive.read(WEIGHTS)
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(lambda _, each: arrays.append(each) if isinstance(each, h5py.Dataset) else None)
        require_ratio(path, len(content), sum(each.nbytes for each in arrays))
        stored = sum(each.size for each in arrays)
    described = weights_of(config)
    if described > stored + SPARE_WEIGHTS:
        raise DataError(f"{path}: its layers have {described:,} weights, and {stored:,} are stored; it is not loaded")
