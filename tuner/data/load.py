"""Loading data sets: the training part for everybody, the held-out part for those who may."""

from collections.abc import Callable
from pathlib import Path

from tuner.base.errors import DataError
from tuner.data import store
from tuner.data.catalogue import CATALOGUE
from tuner.data.examples import Examples, HeldOut, TrainingSet
from tuner.data.ingest.columns import Coding
from tuner.data.sources import Places, download, find_source, verify
from tuner.data.synthetic import MADE
from tuner.recipe import AnyData, Data, Table, describe
from tuner.recipe.data import UserData

Log = Callable[[str], None]


def no_log(_: str) -> None:
    """For callers that want no progress."""


def training_set(data: AnyData | str, places: Places, log: Log = no_log) -> TrainingSet:
    """The training part of a recipe's data, or of a data set of the catalogue by its name; that is fetched and decoded once. The
    test files are not opened. Raises `DataError` where stored arrays of a user's data are gone, where fetching fails, and where the
    contents are not the catalogue's."""
    data = Data(name=data) if isinstance(data, str) else data
    folder, origin = _stored(data, places, log)
    facts, examples = describe(data), store.open_examples(folder, "train")
    is_ordered = isinstance(data, Table) and bool(data.time)
    return TrainingSet(
        data.name, examples, facts.classes, facts.value_range, facts.identity, origin, folder, is_ordered=is_ordered
    )


def held_out(data: AnyData | str, places: Places) -> HeldOut:
    """The test part. Only for confirmation and replication."""
    data = Data(name=data) if isinstance(data, str) else data
    folder, _ = _stored(data, places, no_log)
    facts = describe(data)
    return HeldOut(data.name, store.open_examples(folder, "test"), facts.classes, facts.identity)


def coding_of(data: UserData, places: Places) -> Coding:
    """How a table's columns were coded; without columns for arrays and images."""
    return store.open_coding(_stored(data, places, no_log)[0])


def catalogue_folder(name: str, places: Places) -> Path:
    """Where the decoded arrays of a data set of the catalogue are, or will be."""
    return store.folder_of(name, CATALOGUE[name].identity, places)


def status_of(name: str, places: Places) -> tuple[str, str]:
    """The state of a data set of the catalogue, `ready` (decoded), `found`, `made` or `to be fetched`, and its origin. Nothing is
    fetched or decoded."""
    origin = store.origin_if_complete(catalogue_folder(name, places))
    if origin is not None:
        return "ready", origin
    if CATALOGUE[name].format == "made":
        return "made", "made when needed"
    source = find_source(name, places)
    if source is not None:
        return "found", source.origin
    return "to be fetched", f"from {CATALOGUE[name].addresses[0]}"


def _stored(data: AnyData, places: Places, log: Log) -> tuple[Path, str]:
    """The folder of stored arrays, and where they came from. Data of the catalogue is fetched and decoded once."""
    if isinstance(data, Data):
        folder = catalogue_folder(data.name, places)
        return folder, store.origin_if_complete(folder) or _decode(data.name, folder, places, log)
    if data.found is None:
        raise DataError(f"{data.path}: has not been ingested; load the study again")
    folder = store.folder_of(store.OWN, data.found.identity, places)
    origin = store.origin_if_complete(folder)
    if origin is None:
        missing = f"its stored arrays {data.found.identity} are not in the cache {places.cache}"
        raise DataError(f"{data.path}: {missing}; load the study again")
    return folder, origin


def _decode(name: str, final: Path, places: Places, log: Log) -> str:
    """Store the arrays of a data set of the catalogue in the folder `final`; where they came from."""
    entry = CATALOGUE[name]
    if entry.format == "made":
        arrays, origin = MADE[name](), f"from {entry.bundled_with}" if entry.bundled_with else "made by its formula"
        verify(name, arrays, name)
    else:
        source = find_source(name, places) or download(name, places, log)
        arrays, origin = source.read(name), source.origin
    with store.new_folder(places) as folder:
        store.save_examples(folder, "train", Examples(*arrays[:2]))
        store.save_examples(folder, "test", Examples(*arrays[2:]))
        store.store(folder, final, origin)
    return origin
