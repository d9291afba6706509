"""Stored arrays on their way to a machine whose cache lacks them."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.catalogue import CATALOGUE
from tuner.data.load import OWN, catalogue_folder, folder_of, new_folder, origin_if_complete, training_set
from tuner.data.sources import Places
from tuner.recipe import AnyData, Data

Files = Mapping[str, NDArray[np.uint8]]
"""The contents of files by name."""


def is_missing(data: AnyData, places: Places) -> bool:
    """Whether the cache of this machine lacks the arrays. What is made by a formula is never missing."""
    is_made = isinstance(data, Data) and CATALOGUE[data.name].format == "made"
    return not is_made and origin_if_complete(_folder(data, places)) is None


def files_of(data: AnyData, places: Places) -> Files:
    """The files of stored arrays, which are fetched or decoded first where that is possible. Raises `DataError` as `training_set`."""
    training_set(data, places)
    return {path.name: np.memmap(path, np.uint8, "r") for path in _folder(data, places).iterdir()}


def store_files(data: AnyData, files: Files, places: Places) -> None:
    """Put the files into the cache of this machine, unless another process does at the same moment."""
    with new_folder(places, 0o777 if isinstance(data, Data) else 0o700) as folder:
        for name, content in files.items():
            content.tofile(folder / name)
        with suppress(OSError):
            folder.rename(_folder(data, places))


def _folder(data: AnyData, places: Places) -> Path:
    if isinstance(data, Data):
        return catalogue_folder(data.name, places)
    return folder_of(OWN, data.found.identity if data.found else "", places)
