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
from tuner.recipe import AnyData, Data
from tuner.recipe.data import UserData

Log = Callable[[str], None]


def no_log(_: str) -> None:
    """For callers that want no progress."""


def training_set(name: str, places: Places, log: Log = no_log) -> TrainingSet:
    """The training part of a data set of the catalogue; the test files are not opened. It is fetched and decoded once. Raises
    `DataError` where that fails or the contents are not the catalogue's."""
    return training_set_of(Data(name=name), places, log)


def held_out(name: str, places: Places) -> HeldOut:
    """The test part of a data set of the catalogue. Only for confirmation and replication."""
    return held_out_of(Data(name=name), places)


def training_set_of(data: AnyData, places: Places, log: Log = no_log) -> TrainingSet:
    """The training part of a recipe's data. Raises `DataError` where the stored arrays of a user's data are gone."""
    identity, folder, index = _stored(data, places, log)
    low, high = index.facts.value_range
    return TrainingSet(
        name=data.name,
        examples=store.open_examples(folder, "train"),
        classes=index.facts.classes,
        value_range=(low, high),
        identity=identity,
        origin=index.origin,
        folder=folder,
        is_ordered=index.facts.is_ordered,
    )


def held_out_of(data: AnyData, places: Places) -> HeldOut:
    """The test part of a recipe's data. Only for confirmation and replication."""
    identity, folder, index = _stored(data, places, no_log)
    return HeldOut(data.name, store.open_examples(folder, "test"), index.facts.classes, identity)


def coding_of(data: UserData, places: Places) -> Coding:
    """How a table's columns were coded; without columns for arrays and images."""
    return store.open_coding(_stored(data, places, no_log)[1])


def catalogue_folder(name: str, places: Places) -> Path:
    """Where the decoded arrays of a data set of the catalogue are, or will be."""
    return store.folder_of(f"{name}-{CATALOGUE[name].identity}", places)


def status_of(name: str, places: Places) -> tuple[str, str]:
    """The state of a data set of the catalogue, `ready` (decoded), `found`, `made` or `to be fetched`, and its origin. Nothing is
    fetched or decoded."""
    index = store.index_if_complete(catalogue_folder(name, places))
    if index is not None:
        return "ready", index.origin
    if CATALOGUE[name].format == "made":
        return "made", "made when needed"
    source = find_source(name, places)
    if source is not None:
        return "found", source.origin
    return "to be fetched", f"from {CATALOGUE[name].addresses[0]}"


def _ensure(name: str, places: Places, log: Log) -> str:
    """Have the decoded arrays in the cache; where they came from."""
    folder, entry = catalogue_folder(name, places), CATALOGUE[name]
    index = store.index_if_complete(folder)
    if index is not None:
        return index.origin
    if entry.format == "made":
        arrays, origin = MADE[name](), f"from {entry.bundled_with}" if entry.bundled_with else "made by its formula"
        verify(name, arrays, name)
    else:
        source = find_source(name, places) or download(name, places, log)
        arrays, origin = source.read(name), source.origin
    with store.new_folder(places) as aside:
        store.save_examples(aside, "train", Examples(*arrays[:2]))
        store.save_examples(aside, "test", Examples(*arrays[2:]))
        store.store_catalogue(aside, folder.name, origin, places)
    return origin


def _stored(data: AnyData, places: Places, log: Log) -> tuple[str, Path, store.Index]:
    """The identity, folder and index of stored data."""
    if isinstance(data, Data):
        entry, folder = CATALOGUE[data.name], catalogue_folder(data.name, places)
        facts = store.Facts(classes=entry.classes, value_range=entry.value_range)
        return entry.identity, folder, store.Index(origin=_ensure(data.name, places, log), sizes={}, facts=facts)
    if data.found is None:
        raise DataError(f"{data.path}: has not been ingested; load the study again")
    folder = store.folder_of(f"own-{data.found.identity}", places)
    index = store.index_if_complete(folder)
    if index is None:
        missing = f"its stored arrays {data.found.identity} are not in the cache {places.cache}"
        raise DataError(f"{data.path}: {missing}; load the study again")
    return data.found.identity, folder, index
