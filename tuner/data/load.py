"""Loading data sets by name: the training part for everybody, the held-out part for those who may."""

from collections.abc import Callable
from dataclasses import dataclass

from tuner.data import cache
from tuner.data.catalogue import CATALOGUE
from tuner.data.download import bring
from tuner.data.examples import Examples, HeldOut, TrainingSet
from tuner.data.sources import Places as Places
from tuner.data.sources import Source, look
from tuner.data.synthetic import make
from tuner.recipe import AnyData, Data

Tell = Callable[[str], None]


def silently(_: str) -> None:
    """For callers that want no progress."""


def training_set(name: str, places: Places, tell: Tell = silently) -> TrainingSet:
    """The training part of a named data set; the test files are not opened.

    Found, fetched and decoded on the first call. Raises `DataError` where that fails or the contents are not the
    catalogue's.
    """
    entry = CATALOGUE[name]
    return TrainingSet(
        name=name,
        origin=_ensure(name, places, tell),
        examples=_examples(name, "train", places),
        classes=entry.classes,
        value_range=entry.value_range,
        identity=entry.identity,
        folder=cache.folder_of(name, places),
    )


def held_out(name: str, places: Places) -> HeldOut:
    """The test part. Only for confirmation and replication."""
    entry = CATALOGUE[name]
    _ensure(name, places, silently)
    return HeldOut(name=name, examples=_examples(name, "test", places), classes=entry.classes, identity=entry.identity)


def training_set_of(data: AnyData, places: Places, tell: Tell = silently) -> TrainingSet:
    """The training part of a recipe's data."""
    if isinstance(data, Data):
        return training_set(data.name, places, tell)
    from tuner.data.ingest.load import own_training_set

    return own_training_set(data, places)


def held_out_of(data: AnyData, places: Places) -> HeldOut:
    """The test part of a recipe's data. Only for confirmation and replication."""
    if isinstance(data, Data):
        return held_out(data.name, places)
    from tuner.data.ingest.load import own_held_out

    return own_held_out(data, places)


def fetch(name: str, places: Places, tell: Tell) -> None:
    """Have a data set decoded on this machine, and tell where it came from."""
    tell(f"{name}: {_ensure(name, places, tell)}")


@dataclass(frozen=True)
class Status:
    """One line of `tuner data`: `ready` (decoded), `found`, `made` when needed, or `to be fetched`."""

    name: str
    state: str
    origin: str
    shape: tuple[int, ...]
    training_examples: int
    test_examples: int
    classes: tuple[str, ...]


def survey(places: Places) -> tuple[Status, ...]:
    """The state of every data set of the catalogue; nothing is fetched or decoded."""
    return tuple(_status(name, places) for name in CATALOGUE)


def _status(name: str, places: Places) -> Status:
    entry = CATALOGUE[name]
    ready = cache.origin_if_ready(name, places)
    source = None if entry.format == "made" else look(name, places)
    if ready is not None:
        state, origin = "ready", ready
    elif entry.format == "made":
        state, origin = "made", "made when needed"
    elif source is not None:
        state, origin = "found", source.origin
    else:
        state, origin = "to be fetched", f"from {entry.addresses[0]}"
    return Status(
        name=name,
        state=state,
        origin=origin,
        shape=entry.shape,
        training_examples=entry.training_examples,
        test_examples=entry.test_examples,
        classes=entry.classes,
    )


def _ensure(name: str, places: Places, tell: Tell) -> str:
    """Have the decoded arrays in the cache; where they came from."""
    ready = cache.origin_if_ready(name, places)
    if ready is not None:
        return ready
    if CATALOGUE[name].format == "made":
        package = CATALOGUE[name].bundled_with
        arrays, origin = make(name), f"from {package}" if package else "made by its formula"
        cache.verify(name, arrays, name)
    else:
        source = look(name, places) or bring(name, places, lambda found: _verify(name, found), tell)
        arrays, origin = source.read(CATALOGUE[name]), source.origin
        cache.verify(name, arrays, str(source.path))
    cache.write(name, arrays, origin, places)
    return origin


def _verify(name: str, source: Source) -> None:
    cache.verify(name, source.read(CATALOGUE[name]), source.origin)


def _examples(name: str, part: str, places: Places) -> Examples:
    inputs = cache.open_array(name, f"{part}_inputs", places)
    return Examples(inputs=inputs, labels=cache.open_array(name, f"{part}_labels", places))
