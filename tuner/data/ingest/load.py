"""The user's data once it has been looked at: the training part for everybody, the held-out part for those who may."""

from tuner.base.errors import DataError
from tuner.data.examples import HeldOut, TrainingSet
from tuner.data.ingest.prepared import Index, folder_of, index_if_ready, open_coding, open_examples
from tuner.data.ingest.record import Coding
from tuner.data.sources import Places
from tuner.recipe.data import Own


def own_training_set(data: Own, places: Places) -> TrainingSet:
    """The training part, memory-mapped. Raises `DataError` where the prepared arrays are gone."""
    identity, index = _prepared(data, places)
    low, high = index.facts.value_range
    return TrainingSet(
        name=data.name,
        examples=open_examples(identity, "train", places),
        classes=index.facts.classes,
        value_range=(low, high),
        identity=identity,
        origin=index.origin,
        folder=folder_of(identity, places),
        is_ordered=index.facts.is_ordered,
    )


def own_held_out(data: Own, places: Places) -> HeldOut:
    """The test part. Only for confirmation and replication."""
    identity, index = _prepared(data, places)
    examples = open_examples(identity, "test", places)
    return HeldOut(name=data.name, examples=examples, classes=index.facts.classes, identity=identity)


def coding_of(data: Own, places: Places) -> Coding:
    """How a table's columns were coded; of arrays and images, one without columns."""
    return open_coding(_prepared(data, places)[0], places)


def _prepared(data: Own, places: Places) -> tuple[str, Index]:
    if data.found is None:
        raise DataError(f"{data.path}: has not been looked at; load the study again")
    index = index_if_ready(data.found.identity, places)
    if index is None:
        gone = f"its prepared arrays {data.found.identity} are not in the cache {places.cache}"
        raise DataError(f"{data.path}: {gone}; load the study again")
    return data.found.identity, index
