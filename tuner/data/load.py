"""Data sets in the user's cache: complete or absent, memory-mapped by all processes; the held-out part for those who may."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError, Invalid, data_errors
from tuner.base.writing import remove, temporary_folder, write_json
from tuner.data.catalogue import CATALOGUE
from tuner.data.examples import Array, Examples, HeldOut, TrainingSet
from tuner.data.ingest.columns import Coding
from tuner.data.sources import Places, download, find_source, verify
from tuner.data.synthetic import SYNTHETIC
from tuner.recipe import AnyData, Data, Table, describe
from tuner.recipe.data import UserData

Log = Callable[[str], None]
PARTS = ("train", "test")
FIELDS = ("inputs", "labels", "weights", "groups", "spans")
CODING, INDEX, TEST_ROWS = "coding.json", "index.json", "test_rows.npy"
OWN = "own"
BLOCK_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the identity of a user's data covers in addition to the arrays. `classes` as in `recipe.data.DataInfo`."""

    classes: tuple[str, ...] = ()
    value_range: tuple[float, ...] = (0.0, 1.0)
    is_ordered: bool = False


@dataclass(frozen=True)
class Index:
    """What lies beside stored arrays: where they came from, the size of each file, and its SHA-256, which earlier versions lack."""

    origin: str
    sizes: Mapping[str, int]
    sha256: Mapping[str, str] = field(default_factory=dict)


def no_log(_: str) -> None:
    """For callers that want no progress."""


def training_set(data: AnyData | str, places: Places, log: Log = no_log) -> TrainingSet:
    """The training part of a recipe's data, or of a data set of the catalogue by its name; that is fetched and decoded once. The
    test files are not opened. Raises `DataError` where stored arrays of a user's data are gone, where fetching fails, and where the
    contents are not the catalogue's."""
    data = Data(name=data) if isinstance(data, str) else data
    folder, origin = _stored(data, places, log, "train")
    facts, examples = describe(data), open_examples(folder, "train")
    is_ordered = isinstance(data, Table) and bool(data.time)
    return TrainingSet(
        data.name, examples, facts.classes, facts.value_range, facts.identity, origin, folder, is_ordered=is_ordered
    )


def held_out(data: AnyData | str, places: Places) -> HeldOut:
    """The test part. Only for confirmation and replication."""
    data = Data(name=data) if isinstance(data, str) else data
    folder, _ = _stored(data, places, no_log, "test")
    facts = describe(data)
    return HeldOut(data.name, open_examples(folder, "test"), facts.classes, facts.identity)


def coding_of(data: UserData, places: Places) -> Coding:
    """How a table's columns were coded; without columns for arrays and images."""
    folder, _ = _stored(data, places, no_log, CODING)
    return decode(Coding, json.loads((folder / CODING).read_text(encoding="utf-8")))


def test_rows_of(data: UserData, places: Places) -> Array | None:
    """The rows of a file, from 0, that were split off as the test part. None where that is a file of its own, and where an earlier
    version stored the arrays."""
    path = _stored(data, places, no_log, TEST_ROWS)[0] / TEST_ROWS
    return np.load(path) if path.is_file() else None


def catalogue_folder(name: str, places: Places) -> Path:
    """Where the decoded arrays of a data set of the catalogue are, or will be."""
    return folder_of(name, CATALOGUE[name].identity, places)


def status_of(name: str, places: Places) -> tuple[str, str]:
    """The state of a data set of the catalogue, `ready` (decoded), `found`, `made` or `to be fetched`, and its origin. Nothing is
    fetched or decoded."""
    origin = origin_if_complete(catalogue_folder(name, places))
    if origin is not None:
        return "ready", origin
    if CATALOGUE[name].format == "made":
        return "made", "made when needed"
    source = find_source(name, places)
    if source is not None:
        return "found", source.origin
    return "to be fetched", f"from {CATALOGUE[name].addresses[0]}"


def folder_of(name: str, identity: str, places: Places) -> Path:
    """The folder of stored arrays. `name` is the catalogue's name, or `OWN` for a user's data."""
    return places.cache / "prepared" / f"{name}-{identity}"


def origin_if_complete(folder: Path, *verified: str) -> str | None:
    """Where stored arrays came from; None where a file is missing or has another size, or other contents where its name begins with
    one of the `verified`: these are read once a process, at 1.1 GB in a second."""
    try:
        index = decode(Index, json.loads((folder / INDEX).read_text(encoding="utf-8")))
        files = {folder / (name if "." in name else f"{name}.npy"): size for name, size in index.sizes.items()}
        hashes = {folder / name: own for name, own in index.sha256.items() if name.startswith(verified)}
        is_same = all(path.stat().st_size == size for path, size in files.items())
        return index.origin if is_same and all(_sha256(path) == own for path, own in hashes.items()) else None
    except (OSError, ValueError, RecursionError, Invalid):
        return None


def open_examples(folder: Path, part: str) -> Examples:
    """The examples of one of the `PARTS`, memory-mapped and read-only."""
    paths = {name: folder / f"{part}_{name}.npy" for name in FIELDS}
    with data_errors(folder, "its stored arrays are damaged", "; remove the folder, and they are made again"):
        arrays = {name: np.load(path, mmap_mode="r") for name, path in paths.items() if path.exists()}
        return replace(Examples(inputs=arrays.pop("inputs"), labels=arrays.pop("labels")), **arrays)


@contextmanager
def new_folder(places: Places, rights: int = 0o777) -> Iterator[Path]:
    """An empty folder for arrays with at most these rights, removed unless it is stored. Raises `DataError` where the cache cannot be
    written."""
    try:
        with temporary_folder(places.cache / "prepared") as folder:
            folder.chmod(folder.stat().st_mode & rights)
            yield folder
    except OSError as error:
        problem = f"the cache folder {places.cache} cannot be written: {error.strerror}"
        raise DataError(f"{problem}; choose another with TUNER_CACHE") from error


def save_examples(folder: Path, part: str, examples: Examples) -> None:
    """Write the examples of one of the `PARTS`."""
    for name in FIELDS:
        values = getattr(examples, name)
        if values is not None:
            np.save(folder / f"{part}_{name}.npy", values)


def store_own(folder: Path, facts: Facts, coding: Coding, origin: str, places: Places) -> str:
    """Move saved arrays of the user to their place; their identity. The coding has its own file because thousands of words take
    long to decode."""
    (folder / CODING).write_text(json.dumps(encode(coding)), encoding="utf-8")
    identity = _identity(folder, facts)
    store(folder, folder_of(OWN, identity, places), f"{origin}{_shared_text(folder)}")
    return identity


def store(folder: Path, final: Path, origin: str) -> None:
    """Move saved arrays to their place. Arrays that are stored already only get the new index, which names the last origin."""
    files = sorted(folder.iterdir())
    sizes, hashes = {each.name: each.stat().st_size for each in files}, {each.name: _sha256(each) for each in files}
    write_json(folder / INDEX, encode(Index(origin, sizes, hashes)))
    with suppress(OSError):
        if all(_sha256(final / name) == own for name, own in hashes.items()):
            (folder / INDEX).replace(final / INDEX)
            return
    if final.exists():  # damaged, or an earlier version's: moved away, since another process may be reading it
        final.rename(folder / "damaged")
        remove(folder / "damaged")
    try:
        folder.rename(final)
    except OSError:
        if origin_if_complete(final) is None:
            raise


def _stored(data: AnyData, places: Places, log: Log, verified: str) -> tuple[Path, str]:
    """The folder of stored arrays, and where they came from. Data of the catalogue is fetched and decoded once, and again where those
    of its files are damaged whose names begin with `verified`."""
    if isinstance(data, Data):
        folder = catalogue_folder(data.name, places)
        return folder, origin_if_complete(folder, verified) or _decode(data.name, folder, places, log)
    if data.found is None:
        raise DataError(f"{data.path}: has not been ingested; load the study again")
    folder = folder_of(OWN, data.found.identity, places)
    if origin := origin_if_complete(folder, verified):
        return folder, origin
    missing = f"its stored arrays {data.found.identity} are not in the cache {places.cache}, or are damaged"
    raise DataError(f"{data.path}: {missing}; load the study again")


def _decode(name: str, final: Path, places: Places, log: Log) -> str:
    """Store the arrays of a data set of the catalogue in the folder `final`; where they came from."""
    entry = CATALOGUE[name]
    if entry.format == "made":
        arrays = SYNTHETIC[name]()
        origin = f"from {entry.bundled_with}" if entry.bundled_with else "made by its formula"
        verify(name, arrays, name)
    else:
        source = find_source(name, places) or download(name, places, log)
        arrays, origin = source.read(name), source.origin
    with new_folder(places) as folder:
        save_examples(folder, "train", Examples(*arrays[:2]))
        save_examples(folder, "test", Examples(*arrays[2:]))
        store(folder, final, origin)
    return origin


def _sha256(path: Path) -> str:
    """The SHA-256 of a file, which is read once a process as long as it does not change."""
    state = path.stat()
    return _sha256_of(path, state.st_size, state.st_mtime_ns, state.st_ino)


@cache
def _sha256_of(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shared_text(folder: Path) -> str:
    """How many test examples have the inputs of a training example; empty for none."""
    training, test = (open_examples(folder, part).inputs for part in PARTS)
    known = {np.asarray(each).tobytes() for each in test} & {np.asarray(each).tobytes() for each in training}
    count = sum(np.asarray(each).tobytes() in known for each in test)
    return f"; {count} of {len(test)} test examples equal a training example" if count else ""


def _identity(folder: Path, facts: Facts) -> str:
    """16 hexadecimal digits for the facts, the coding and all arrays (C order, little-endian)."""
    digest = hashlib.sha256(json.dumps(encode(facts), sort_keys=True).encode())
    digest.update((folder / CODING).read_bytes())
    for part in PARTS:
        examples = open_examples(folder, part)
        for name in FIELDS:
            values: Array | None = getattr(examples, name)
            if values is not None:
                digest.update(f"{part} {name} {values.dtype.name} {values.shape}".encode())
                rows = max(1, BLOCK_BYTES // max(1, values[:1].nbytes))
                for start in range(0, len(values), rows):
                    block = np.ascontiguousarray(values[start : start + rows])
                    digest.update(block.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()[:16]
