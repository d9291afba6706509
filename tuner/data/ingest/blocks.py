"""A table's rows block by block, so that a file of any length fits into memory."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError, near_miss
from tuner.data.ingest.files import found_file, is_packed
from tuner.data.ingest.separated import head_of, separated_blocks
from tuner.data.ingest.tables import PREFIX, SUFFIXES, read_table

ROWS = 2**17


def table_blocks(
    path: str, wanted: Sequence[str], texts: Collection[str], beside: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """Blocks of the table that `path` names (from the root), with the columns `wanted`, and those `beside` them that are there;
    their index counts rows from 0. What a file writes in the columns `texts` stays as it is written.

    Raises `DataError` for what is no table and for a column that is not there, before the first block.
    """
    kind = _kind(path)
    if kind in SUFFIXES:
        yield from _separated(found_file(path, ()), SUFFIXES[kind], wanted, texts, beside)
    elif kind == ".parquet" and (batches := _parquet(path, wanted, beside)) is not None:
        yield from batches
    else:
        frame = read_table(path, (), texts)
        yield frame[_there(wanted, beside, list(map(str, frame.columns)), path)]


def is_table(path: str) -> bool:
    """Whether the name is one of a table's."""
    return path.startswith(PREFIX) or _kind(path) in (*SUFFIXES, ".parquet")


def _kind(path: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = is_packed(Path(path)) and len(suffixes) > 1
    return suffixes[-2] if packed else (suffixes or [""])[-1]


def _there(wanted: Sequence[str], beside: Collection[str], names: Sequence[str], where: str) -> list[str]:
    for name in wanted:
        if name not in names:
            raise DataError(f"{where}: has no column {name!r}; {near_miss(name, names)}")
    return [name for name in names if name in {*wanted, *beside}]


def _separated(
    path: Path, separators: str, wanted: Sequence[str], texts: Collection[str], beside: Collection[str]
) -> Iterator[pd.DataFrame]:
    head = head_of(path, separators)
    chosen = _there(wanted, beside, head.names, str(path))
    for block in separated_blocks(path, head, [name for name in chosen if name in texts], ROWS):
        if block.empty:
            raise DataError(f"{path}: has no rows")
        yield block[chosen]


def _parquet(path: str, wanted: Sequence[str], beside: Collection[str]) -> Iterator[pd.DataFrame] | None:
    """Batches of the file; None where `read_table` says what is wrong with it."""
    try:
        from pyarrow import ArrowException, parquet

        file = parquet.ParquetFile(found_file(path, ()))
    except (ImportError, ArrowException, OSError):
        return None
    return _batches(file, _there(wanted, beside, file.schema_arrow.names, path))


def _batches(file: "object", chosen: list[str]) -> Iterator[pd.DataFrame]:
    start = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=chosen):  # type: ignore[attr-defined]
        frame: pd.DataFrame = batch.to_pandas()[chosen]
        frame.index = pd.RangeIndex(start, start + len(frame))
        start += len(frame)
        yield frame
