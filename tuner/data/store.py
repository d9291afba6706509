"""Arrays in the user's cache: complete or absent, and memory-mapped by all processes."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError
from tuner.base.writing import remove, temporary_folder, write_json
from tuner.data.examples import Array, Examples
from tuner.data.ingest.columns import Coding
from tuner.data.sources import Places

PARTS = ("train", "test")
FIELDS = ("inputs", "labels", "weights", "groups")
CODING, INDEX = "coding.json", "index.json"
OWN = "own"
BLOCK_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the identity of a user's data covers in addition to the arrays. `classes` as in `recipe.data.Found`."""

    classes: tuple[str, ...] = ()
    value_range: tuple[float, ...] = (0.0, 1.0)
    is_ordered: bool = False


def folder_of(name: str, identity: str, places: Places) -> Path:
    """The folder of stored arrays. `name` is the catalogue's name, or `OWN` for a user's data."""
    return places.cache / "prepared" / f"{name}-{identity}"


def origin_if_complete(folder: Path) -> str | None:
    """Where stored arrays came from; None where a file is missing or has another size."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        files = {folder / (name if "." in name else f"{name}.npy"): size for name, size in index["sizes"].items()}
        return str(index["origin"]) if all(path.stat().st_size == size for path, size in files.items()) else None
    except (OSError, ValueError, LookupError):
        return None


def open_examples(folder: Path, part: str) -> Examples:
    """The examples of one of the `PARTS`, memory-mapped and read-only."""
    paths = {field: folder / f"{part}_{field}.npy" for field in FIELDS}
    arrays = {field: np.load(path, mmap_mode="r") for field, path in paths.items() if path.exists()}
    return replace(Examples(inputs=arrays.pop("inputs"), labels=arrays.pop("labels")), **arrays)


def open_coding(folder: Path) -> Coding:
    """How a table's columns were coded; without columns for arrays and images."""
    return decode(Coding, json.loads((folder / CODING).read_text(encoding="utf-8")))


@contextmanager
def new_folder(places: Places) -> Iterator[Path]:
    """An empty folder for arrays, removed unless it is stored. Raises `DataError` where the cache cannot be written."""
    try:
        with temporary_folder(places.cache / "prepared") as folder:
            yield folder
    except OSError as error:
        problem = f"the cache folder {places.cache} cannot be written: {error.strerror}"
        raise DataError(f"{problem}; choose another with TUNER_CACHE") from error


def save_examples(folder: Path, part: str, examples: Examples) -> None:
    """Write the examples of one of the `PARTS`."""
    for field in FIELDS:
        values = getattr(examples, field)
        if values is not None:
            np.save(folder / f"{part}_{field}.npy", values)


def store_own(folder: Path, facts: Facts, coding: Coding, origin: str, places: Places) -> str:
    """Move saved arrays of the user to their place; their identity. The coding has its own file because thousands of words take
    long to decode."""
    (folder / CODING).write_text(json.dumps(encode(coding)), encoding="utf-8")
    identity = _identity(folder, facts)
    store(folder, folder_of(OWN, identity, places), origin)
    return identity


def store(folder: Path, final: Path, origin: str) -> None:
    """Move saved arrays to their place. Arrays that are stored already only get the new index, which names the last origin."""
    index = {"origin": origin, "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())}}
    write_json(folder / INDEX, index)
    if origin_if_complete(final) is not None:
        write_json(final / INDEX, index)
        return
    if final.exists():  # damaged: moved away, since another process may be reading it
        final.rename(folder / "damaged")
        remove(folder / "damaged")
    try:
        folder.rename(final)
    except OSError:
        if origin_if_complete(final) is None:
            raise


def _identity(folder: Path, facts: Facts) -> str:
    """16 hexadecimal digits for the facts, the coding and all arrays (C order, little-endian)."""
    digest = hashlib.sha256(json.dumps(encode(facts), sort_keys=True).encode())
    digest.update((folder / CODING).read_bytes())
    for part in PARTS:
        examples = open_examples(folder, part)
        for field in FIELDS:
            values: Array | None = getattr(examples, field)
            if values is not None:
                digest.update(f"{part} {field} {values.dtype.name} {values.shape}".encode())
                rows = max(1, BLOCK_BYTES // max(1, values[:1].nbytes))
                for start in range(0, len(values), rows):
                    block = np.ascontiguousarray(values[start : start + rows])
                    digest.update(block.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()[:16]
