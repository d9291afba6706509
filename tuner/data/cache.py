"""Decoded arrays in the user's cache: written once, memory-mapped from then on, shared by all processes."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from tuner.base.errors import DataError
from tuner.data.catalogue import ARRAYS, CATALOGUE
from tuner.data.examples import Array
from tuner.data.formats import Arrays
from tuner.data.sources import Places


def folder_of(name: str, places: Places) -> Path:
    """Where the decoded arrays are, or will be."""
    return places.cache / "prepared" / f"{name}-{CATALOGUE[name].identity}"


def origin_if_ready(name: str, places: Places) -> str | None:
    """Where the decoded arrays came from; None where they are not there or not whole."""
    folder = folder_of(name, places)
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        whole = all((folder / f"{array}.npy").stat().st_size == index["sizes"][array] for array in ARRAYS)
        return str(index["origin"]) if whole else None
    except (OSError, ValueError, KeyError):
        return None


def open_array(name: str, array: str, places: Places) -> Array:
    """One decoded array, memory-mapped and read-only."""
    values: Array = np.load(folder_of(name, places) / f"{array}.npy", mmap_mode="r")
    return values


def verify(name: str, arrays: Arrays, where: str) -> None:
    """Raise `DataError` unless the arrays are the catalogue's, to the byte."""
    for array, values, wanted in zip(ARRAYS, arrays, CATALOGUE[name].hashes, strict=True):
        found = hash_of(values)
        if found != wanted:
            what = f"{array.replace('_', ' ')} are not those of {name}"
            raise DataError(f"{where}: {what}: SHA-256 {found[:16]}…, wanted {wanted[:16]}…")


def hash_of(values: Array) -> str:
    """The SHA-256 of an array's bytes in C order, little-endian."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little.tobytes()).hexdigest()


def write(name: str, arrays: Arrays, origin: str, places: Places) -> None:
    """Write decoded arrays aside, then rename; whoever comes second finds them there."""
    final = folder_of(name, places)
    aside = final.with_name(f".{final.name}-{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        for array, values in zip(ARRAYS, arrays, strict=True):
            np.save(aside / f"{array}.npy", values)
        sizes = {array: (aside / f"{array}.npy").stat().st_size for array in ARRAYS}
        (aside / "index.json").write_text(json.dumps({"origin": origin, "sizes": sizes}), encoding="utf-8")
        _put(aside, final, name, places)
    except OSError as error:
        raise DataError(
            f"the cache folder {places.cache} cannot be written: {error.strerror}; choose another with TUNER_CACHE"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put(aside: Path, final: Path, name: str, places: Places) -> None:
    if origin_if_ready(name, places) is not None:
        return
    if final.exists():  # damaged: moved away, since another process may be reading it
        final.rename(aside.with_name(f"{aside.name}-damaged"))
        shutil.rmtree(aside.with_name(f"{aside.name}-damaged"), ignore_errors=True)
    try:
        aside.rename(final)
    except OSError:
        if origin_if_ready(name, places) is None:
            raise
