"""Predictions of a whole file, written as they come."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from tuner.base.errors import DataError, MissingPackage
from tuner.deploy.inputs import blocks_of, prefetched
from tuner.deploy.out import STANDARD_OUTPUT, atomic_path
from tuner.deploy.predictor import Predicted, Predictor


class Sink(Protocol):
    """Takes tables with the same columns, one after the other."""

    def __call__(self, frame: pd.DataFrame) -> None:
        """Write the rows of one more."""


def write_predictions(predictor: Predictor, data: str, out: str) -> int:
    """Write what the model says of each example in `data`, in its order, to a CSV or Parquet file (`-`: CSV to standard
    output), aside first; how many there are. Raises `StorageError` where that cannot be written."""
    examples = 0
    with _sink(out) as sink:
        for block in prefetched(blocks_of(predictor, data)):
            values = predictor.outputs(block.inputs, data)
            frame = Predicted(predictor.meaning.task, predictor.meaning.names, values).frame()
            if block.files:
                frame.insert(0, "file", list(block.files))
            sink(frame)
            examples += len(frame)
    return examples


@contextmanager
def _sink(out: str) -> Iterator[Sink]:
    if out == STANDARD_OUTPUT:
        yield _csv(sys.stdout)
        sys.stdout.flush()
        return
    with (
        atomic_path(Path(out)) as path,
        _parquet(path) if out.lower().endswith(".parquet") else _csv_file(path) as sink,
    ):
        yield sink


@contextmanager
def _csv_file(path: Path) -> Iterator[Sink]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield _csv(file)


def _csv(file: Any) -> Sink:
    is_first = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal is_first
        frame.to_csv(file, index=False, header=is_first, lineterminator="\n")
        is_first = False

    return write


@contextmanager
def _parquet(path: Path) -> Iterator[Sink]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingPackage("a Parquet file", "pyarrow") from None
    writer: Any = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal writer
        plain = frame.astype({name: str for name in ("prediction",) if frame[name].dtype == "category"})
        table = pyarrow.Table.from_pandas(plain, preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise DataError("there are no examples to predict")
