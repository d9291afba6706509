"""A look at the user's data: the same record, with what was found. The first prepares it; a second one takes milliseconds."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError, Invalid
from tuner.base.writing import write_json
from tuner.data.examples import Examples
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.files import folders_from, found_file, found_folder
from tuner.data.sources import Places
from tuner.data.store import (
    Facts,
    folder_of,
    index_if_complete,
    new_folder,
    open_examples,
    save_examples,
    store_own,
)
from tuner.recipe.data import Arrays, Found, Images, Table

Tell = Callable[[str], None]
Looked = TypeVar("Looked", bound=Table | Arrays | Images)
WAY_OF_LOOKING = 1
"""To be counted up where the same files are to be prepared in another way, so that what was found before is not taken."""
BUNDLED, FROM_PYTHON = "sklearn:", "python:"
"""What paths begin with that are no files: data sets of scikit-learn, and what was given from Python, by its identity."""


def look(data: Looked, folder: Path, places: Places, tell: Tell) -> Looked:
    """The same data with what was found in its files, which are looked for from the study file's `folder` on. Raises `DataError`
    with file, row and column for what cannot be used."""
    where = folders_from(folder, places.data_dir)
    sources = [_source(data, path, where) for path in dict.fromkeys((data.path, data.test)) if isinstance(path, str)]
    key = _key(data, sources)
    found = _remembered(key, places)
    if found is None:
        tell(f"reading {data.path}")
        found = _read(data, where, f"from {sources[0]}", places)
        if _key(data, sources) != key:
            raise DataError(f"{data.path}: changed while it was read; load the study again")
        _remember(key, found, places)
    return replace(data, found=found)


def _source(data: Table | Arrays | Images, path: str, where: Sequence[Path]) -> str:
    if path.startswith((BUNDLED, FROM_PYTHON)):
        return path
    return str(found_folder(path, where) if isinstance(data, Images) else found_file(path, where))


def keep_from_python(
    data: Looked, facts: Facts, coding: Coding, training: Examples, test: Examples, places: Places
) -> Looked:
    """The data with what was found in examples from Python, which are kept; its path names them, so that a look at that finds
    them again."""
    found = _keep(data, facts, coding, training, test, "from Python", places)
    source = f"{FROM_PYTHON}{found.identity}"
    named = replace(data, path=source, test=source if isinstance(data.test, str) else data.test, found=found)
    _remember(_key(named, [source]), found, places)
    return named


def _read(data: Table | Arrays | Images, where: Sequence[Path], origin: str, places: Places) -> Found:
    if data.path.startswith(FROM_PYTHON):
        raise DataError(f"{data.path}: was given from Python and is not in the cache {places.cache}; give it again")
    coding = Coding()
    match data:  # what reads the files takes a second to import
        case Images():
            from tuner.data.ingest.images import image_parts

            with new_folder(places) as folder:
                facts = image_parts(data, where, folder)
                identity = store_own(folder, facts, coding, origin, places)
            return _found(identity, facts, coding, data, places)
        case Arrays():
            from tuner.data.ingest.arrays import array_parts

            facts, training, test = array_parts(data, where)
        case Table():
            from tuner.data.ingest.rows import table_parts

            facts, coding, training, test = table_parts(data, where)
    return _keep(data, facts, coding, training, test, origin, places)


def _keep(
    data: Table | Arrays | Images,
    facts: Facts,
    coding: Coding,
    training: Examples,
    test: Examples,
    origin: str,
    places: Places,
) -> Found:
    """Write both parts into the cache."""
    with new_folder(places) as folder:
        save_examples(folder, "train", training)
        save_examples(folder, "test", test)
        identity = store_own(folder, facts, coding, origin, places)
    return _found(identity, facts, coding, data, places)


def _found(identity: str, facts: Facts, coding: Coding, data: Table | Arrays | Images, places: Places) -> Found:
    training, test = (open_examples(folder_of(f"own-{identity}", places), part) for part in ("train", "test"))
    has_classes = training.labels.ndim == 1
    return Found(
        identity=identity,
        training_examples=len(training),
        test_examples=len(test),
        classes=facts.classes,
        rarest=int(np.bincount(training.labels).min()) if has_classes else len(training),
        shape=() if isinstance(data, Table) else tuple(training.shape),
        columns=coding.coded,
        value_range=facts.value_range,
    )


def _key(data: Table | Arrays | Images, sources: Sequence[str]) -> str:
    """Names the files as they are now, and all that decides what is prepared from them."""
    settings = {name: value for name, value in encode(data).items() if name not in ("found", "scaling", "encoding")}
    said = [WAY_OF_LOOKING, settings, [list(_states(source)) for source in sources]]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _states(source: str) -> Iterator[Any]:
    """Of each folder its path; of each file path, size and time of change; of what comes with scikit-learn, the version."""
    if source.startswith(BUNDLED):
        yield source, version("scikit-learn")
    elif source.startswith(FROM_PYTHON):
        yield source
    elif Path(source).is_dir():
        for folder, inside, files in os.walk(source):
            inside.sort()
            yield folder  # an empty one is a class, too
            yield from (each for name in sorted(files) for each in _states(os.path.join(folder, name)))
    else:
        state = os.stat(source)
        yield source, state.st_size, state.st_mtime_ns


def _path(key: str, places: Places) -> Path:
    return places.cache / "looked" / f"{key}.json"


def _remembered(key: str, places: Places) -> Found | None:
    try:
        found = decode(Found, json.loads(_path(key, places).read_text(encoding="utf-8")))
    except (OSError, ValueError, Invalid):
        return None
    return found if index_if_complete(folder_of(f"own-{found.identity}", places)) else None


def _remember(key: str, found: Found, places: Places) -> None:
    with suppress(OSError):  # a folder that cannot be written costs reading again, and no more
        write_json(_path(key, places), encode(found))
