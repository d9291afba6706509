"""The user's data in the cache: written aside, named by its contents, memory-mapped from then on."""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError, Invalid
from tuner.base.writing import write_json
from tuner.data.examples import Array, Examples
from tuner.data.ingest.record import Coding
from tuner.data.sources import Places

PARTS = ("train", "test")
FIELDS = ("inputs", "labels", "weights", "groups")
CODING, INDEX = "coding.json", "index.json"
BLOCK_BYTES = 2**24
LEFT_BEHIND_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is kept beside the arrays, and named by the identity with them. `classes` as in `recipe.data.Found`."""

    classes: tuple[str, ...]
    value_range: tuple[float, ...] = (0.0, 1.0)
    is_ordered: bool = False


@dataclass(frozen=True, kw_only=True)
class Index:
    """The contents of `index.json`: the facts, where the data came from, and how many bytes each other file has. The coding
    has a file of its own: its thousands of words take longer to decode than all else, and few want them."""

    facts: Facts
    origin: str
    sizes: Mapping[str, int]


def folder_of(identity: str, places: Places) -> Path:
    """Where prepared arrays are, or will be."""
    return places.cache / "prepared" / f"own-{identity}"


def index_if_ready(identity: str, places: Places) -> Index | None:
    """What is known of prepared arrays; None where they are not there or not whole."""
    folder = folder_of(identity, places)
    try:
        index = decode(Index, json.loads((folder / INDEX).read_text(encoding="utf-8")))
        whole = all((folder / name).stat().st_size == size for name, size in index.sizes.items())
    except (OSError, ValueError, Invalid):
        return None
    return index if whole else None


def open_examples(identity: str, part: str, places: Places) -> Examples:
    """The examples of one of the `PARTS`, memory-mapped and read-only."""
    return _examples(folder_of(identity, places), part)


def open_coding(identity: str, places: Places) -> Coding:
    """How a table's columns were coded; of arrays and images, one without columns."""
    return decode(Coding, json.loads((folder_of(identity, places) / CODING).read_text(encoding="utf-8")))


@contextmanager
def aside(places: Places) -> Iterator[Path]:
    """An empty folder beside the final ones, gone afterwards unless it was given its name."""
    prepared = places.cache / "prepared"
    try:
        prepared.mkdir(parents=True, exist_ok=True)
        _clear(prepared)
        folder = prepared / f".own-{uuid.uuid4().hex}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"the cache folder {places.cache} cannot be written: {error.strerror}; choose another with TUNER_CACHE"
        ) from error


def _clear(prepared: Path) -> None:
    """What a killed process has left behind; nobody prepares for a day."""
    for folder in prepared.glob(".own-*"):
        with suppress(OSError):
            if folder.stat().st_mtime < time.time() - LEFT_BEHIND_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def save(folder: Path, part: str, examples: Examples) -> None:
    """Write the examples of one of the `PARTS`."""
    for field in FIELDS:
        values = getattr(examples, field)
        if values is not None:
            np.save(folder / f"{part}_{field}.npy", values)


def finish(folder: Path, facts: Facts, coding: Coding, origin: str, places: Places) -> str:
    """Give a folder of saved arrays its name, the identity of what is in it, which is returned. Whoever comes second finds
    them there, and leaves word of where they were read last."""
    (folder / CODING).write_text(json.dumps(encode(coding)), encoding="utf-8")
    identity = _identity(folder, facts)
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    index = Index(facts=facts, origin=origin, sizes=sizes)
    write_json(folder / INDEX, encode(index))
    final = folder_of(identity, places)
    if index_if_ready(identity, places) is not None:
        write_json(final / INDEX, encode(index))
        return identity
    if final.exists():  # damaged: moved away, since another process may be reading it
        final.rename(folder / "damaged")
        shutil.rmtree(folder / "damaged", ignore_errors=True)
    try:
        folder.rename(final)
    except OSError:
        if index_if_ready(identity, places) is None:
            raise
    return identity


def _identity(folder: Path, facts: Facts) -> str:
    """16 hexadecimal digits for all arrays (C order, little-endian) and what is known of them."""
    digest = hashlib.sha256(json.dumps(encode(facts), sort_keys=True).encode())
    digest.update((folder / CODING).read_bytes())
    for part in PARTS:
        examples = _examples(folder, part)
        for field in FIELDS:
            values: Array | None = getattr(examples, field)
            if values is not None:
                digest.update(f"{part} {field} {values.dtype.name} {values.shape}".encode())
                rows = max(1, BLOCK_BYTES // max(1, values[:1].nbytes))
                for start in range(0, len(values), rows):
                    block = np.ascontiguousarray(values[start : start + rows])
                    digest.update(block.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()[:16]


def _examples(folder: Path, part: str) -> Examples:
    paths = {field: folder / f"{part}_{field}.npy" for field in FIELDS}
    arrays = {field: np.load(path, mmap_mode="r") for field, path in paths.items() if path.exists()}
    return replace(Examples(inputs=arrays.pop("inputs"), labels=arrays.pop("labels")), **arrays)
