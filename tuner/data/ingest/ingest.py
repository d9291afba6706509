"""Ingesting the user's data: read, prepared and stored once; the next call for the same files takes milliseconds."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import partial, reduce
from importlib.metadata import version
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from tuner.base.decode import decode, encode
from tuner.base.errors import DataError, Invalid
from tuner.base.metrics import Task
from tuner.base.writing import write_json
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.files import SKLEARN, data_folders, find_path
from tuner.data.load import OWN, Facts, Log, folder_of, new_folder, open_examples, origin_if_complete, store_own
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe.data import Arrays, Cut, DataInfo, Images, Table

if TYPE_CHECKING:  # pandas takes a second to import, and what is stored already needs none
    import pandas as pd

    from tuner.data.ingest.prepare import RawExamples

Save = Callable[[Path], tuple[Facts, Coding]]
"""Writes the arrays of both parts into a folder."""
AnyOwn = TypeVar("AnyOwn", bound=Table | Arrays | Images)
VERSION = 1
"""Increase it when the same files are prepared differently: they are then read again."""
LATER = (
    "format",
    "target_format",
    "missing",
    "drop_missing_target",
    "positive",
    "header",
    "bits",
    "series",
    "horizon",
    "season",
    "target_shapes",
)
"""Fields that earlier versions lack: at their defaults they leave the names of stored records as they were."""
MOST_WORDS = "256"
"""The format of a text from Python whose words are a part of the inputs."""
FROM_PYTHON = "python:"
"""The prefix of the paths of data from Python, before their identity."""
UNNAMED = "given"
"""The path of data from Python before it has an identity."""


def ingest(data: AnyOwn, folder: Path, places: Places, log: Log) -> AnyOwn:
    """The data with the facts of its files. Relative paths start at the study file's `folder`. Raises `DataError` with file, row
    and column."""
    where = data_folders(folder, places.data_dir)
    sources = {path: _source(data, path, where) for path in (data.path, data.test) if isinstance(path, str)}
    files = [*sources.values(), *_pictures(data, sources)]
    key = _key(data, files)
    info = _read_record(key, places)
    if info is None:
        log(f"reading {data.path}")
        info = _read(data, sources, places)
        if _key(data, files) != key:
            raise DataError(f"{data.path}: changed while it was read; load the study again")
        _write_record(key, info, places)
    return replace(data, found=info)


def ingest_from_python(raw: "RawExamples", test: "RawExamples | Cut", task: Task, places: Places) -> Table | Arrays:
    """Data from Python, stored and named by its contents, so that `ingest` recognizes it. Raises `DataError` with column and row."""
    import pandas as pd

    from tuner.data.ingest.arrays import inputs_of
    from tuner.data.ingest.prepare import RawExamples, save_prepared
    from tuner.data.ingest.profile import frame_columns

    if isinstance(test, RawExamples):
        test = replace(test, where="the test data")
    if isinstance(raw.x, pd.DataFrame):
        profiles = frame_columns(raw.x)
        for each in (each for each in profiles if each.hint or not each.kind):
            left_out = f"left out: {each.reason}; convert it to the type category to keep it"
            warnings.warn(f"the column {each.name}: {each.hint if each.kind else left_out}", stacklevel=2)
        words = {"text": MOST_WORDS} if raw.has_words else {}
        columns = tuple(
            Column(name=each.name, kind=each.kind, format=each.format or words.get(each.kind, ""))
            for each in profiles
            if each.kind
        )
        raw = replace(raw, columns=columns)
    else:
        raw = replace(raw, x=inputs_of(raw.x, "x", raw.where))
        test = test if isinstance(test, Cut) else replace(test, x=inputs_of(np.asarray(test.x), "x", test.where))
    data = _unnamed(raw, test if isinstance(test, Cut) else UNNAMED, task)
    info = _store(data, partial(save_prepared, task, raw, test), "from Python", places)
    source = f"{FROM_PYTHON}{info.identity}"
    named = replace(data, path=source, test=source if isinstance(data.test, str) else data.test, found=info)
    _write_record(_key(named, [source]), info, places)
    return named


def _unnamed(raw: "RawExamples", test: str | Cut, task: Task) -> Table | Arrays:
    """A table, or arrays where no columns are coded."""
    group, weight = ("" if values is None else str(values.name) for values in (raw.groups, raw.weights))
    shared: dict[str, Any] = {"path": UNNAMED, "task": task, "test": test, "positive": raw.positive}
    shared |= {"target_shapes": raw.target_shapes}
    if not raw.columns:
        return Arrays(**shared, groups=group, weights=weight)
    target, *others = (each.name for each in raw.target_shapes) if raw.target_shapes else map(str, raw.y.columns)
    targets = (target, *others) if others else target
    shared |= {"target_format": raw.target_format}
    return Table(**shared, target=targets, columns=raw.columns, group=group, weight=weight)


def _source(data: Table | Arrays | Images, path: str, where: Sequence[Path]) -> str:
    if path.startswith((SKLEARN, FROM_PYTHON)):
        return path
    return str(find_path(path, where, is_folder=isinstance(data, Images)))


def _rows(data: Table, sources: Mapping[str, str]) -> "Iterator[tuple[RawExamples, pd.DataFrame, Path]]":
    """The rows of each table, its frame and its folder."""
    from tuner.data.ingest.prepare import read_rows

    for path, source in sources.items():
        rows = read_rows(data, path, source)
        yield rows, cast("pd.DataFrame", rows.x), Path(source).parent


def _pictures(data: Table | Arrays | Images, sources: Mapping[str, str]) -> Iterator[str]:
    """The files of pictures that the columns of tables name, where they exist."""
    if not isinstance(data, Table) or all(each.kind != "picture" for each in data.columns):
        return
    names = [each.name for each in data.columns if each.kind == "picture"]
    for _, frame, folder in _rows(data, sources):
        files = (folder / each for name in names for each in frame[name].dropna())
        yield from sorted({str(file) for file in files if file.is_file()})


def _read(data: Table | Arrays | Images, sources: Mapping[str, str], places: Places) -> DataInfo:
    if data.path.startswith(FROM_PYTHON):
        raise DataError(f"{data.path}: came from Python and is not in the cache {places.cache}; pass it again")
    source = sources[data.path]
    test = data.test if isinstance(data.test, Cut) else Path(sources[data.test])
    from tuner.data.ingest import arrays, prepare

    if isinstance(data, Images):
        from tuner.data.ingest.images import save_images

        save: Save = partial(save_images, data, Path(source), test)
    elif isinstance(data, Arrays):
        save = partial(prepare.save_prepared, data.task, *arrays.read_arrays(data, Path(source), test))
    else:
        from tuner.data.ingest.pictures import with_pictures

        rows = [
            replace(each, x=with_pictures(frame, data.columns, folder, each.where))
            for each, frame, folder in _rows(data, sources)
        ]
        test_part = data.test if isinstance(data.test, Cut) else rows[-1]
        save = partial(prepare.save_prepared, data.task, rows[0], test_part)
    files = [*sources.values(), *_pictures(data, sources)]
    return _store(data, save, f"from {source}", places, _rights(files))


def _rights(sources: Iterable[str]) -> int:
    """The rights to a folder of arrays: what is private stays private."""
    paths = (Path(each[0] if isinstance(each, tuple) else each) for source in sources for each in _states(source))
    readers = reduce(and_, (path.stat().st_mode for path in paths if path.exists()), 0o044)
    return 0o700 | readers | readers >> 2


def _store(data: Table | Arrays | Images, save: Save, origin: str, places: Places, rights: int = 0o777) -> DataInfo:
    """Write both parts into the cache."""
    with new_folder(places, rights) as folder:
        facts, coding = save(folder)
        identity = store_own(folder, facts, coding, origin, places)
    training, test = (open_examples(folder_of(OWN, identity, places), part) for part in ("train", "test"))
    has_classes = training.labels.ndim == 1
    return DataInfo(
        identity=identity,
        training_examples=len(training),
        test_examples=len(test),
        classes=facts.classes,
        rarest=int(np.bincount(training.labels).min()) if has_classes else len(training),
        shape=() if isinstance(data, Table) else tuple(training.shape),
        columns=coding.coded,
        value_range=facts.value_range,
    )


def _key(data: Table | Arrays | Images, sources: Iterable[str]) -> str:
    """Names the files as they are now, and all that decides what is prepared from them."""
    later = ("found", "scaling", "encoding")
    settings = {name: value for name, value in settings_of(data).items() if name not in later}
    content = [VERSION, settings, [list(_states(source)) for source in sources]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def settings_of(value: object) -> Any:
    """As `encode`, without the fields that are `LATER` and at their defaults."""
    if is_dataclass(value):
        pairs = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: settings_of(own) for each, own in pairs if each.name not in LATER or own != each.default}
    return [settings_of(each) for each in value] if isinstance(value, tuple) else encode(value)


def _states(source: str) -> Iterator[Any]:
    """The path of each folder; path, size and time of change of each file; the version of what comes with scikit-learn."""
    if source.startswith(SKLEARN):
        yield source, version("scikit-learn")
    elif source.startswith(FROM_PYTHON):
        yield source
    elif Path(source).is_dir():
        for folder, inside, files in os.walk(source):
            inside.sort()
            yield folder  # an empty one is a class, too
            yield from (each for name in sorted(files) for each in _states(os.path.join(folder, name)))
    else:
        arrays = Path(source).parent.glob("*.npy") if source.endswith(".npy") else [source]
        for file in sorted(map(str, arrays)):  # an NPY file comes with those of its folder
            state = os.stat(file)
            yield file, state.st_size, state.st_mtime_ns


def _record_path(key: str, places: Places) -> Path:
    return places.cache / "looked" / f"{key}.json"


def _read_record(key: str, places: Places) -> DataInfo | None:
    """The facts of the same files as they were read before, if the arrays are stored still, and undamaged."""
    try:
        info = decode(DataInfo, json.loads(_record_path(key, places).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, Invalid):
        return None
    return info if origin_if_complete(folder_of(OWN, info.identity, places), "") else None


def _write_record(key: str, info: DataInfo, places: Places) -> None:
    with suppress(OSError):  # without a record the files are only read again
        write_json(_record_path(key, places), encode(info))
