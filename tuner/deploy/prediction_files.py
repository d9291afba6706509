"""Predictions for a whole file, written block by block."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from tuner.base.errors import DataError, MissingPackage
from tuner.base.writing import output_path
from tuner.deploy.inputs import blocks_of, prefetched
from tuner.deploy.predictor import Predictions, Predictor

STANDARD_OUTPUT = "-"
Write = Callable[[pd.DataFrame], None]
"""Appends the rows of a table; all tables have the same columns."""


def write_predictions(predictor: Predictor, data: str, out: str) -> int:
    """Write the predictions for each example in `data`, in its order, to a CSV or Parquet file (`-`: CSV to standard output).
    Returns their number. Raises `StorageError` where the file cannot be written."""
    examples = 0
    with _writer(out) as write:
        for block in prefetched(blocks_of(predictor, data)):
            values = predictor.predict_inputs(block.inputs, data)
            frame = Predictions(predictor.output.task, predictor.output.names, values).frame()
            if block.files:
                frame.insert(0, "file", list(block.files))
            write(frame)
            examples += len(frame)
    return examples


@contextmanager
def _writer(out: str) -> Iterator[Write]:
    if out == STANDARD_OUTPUT:
        yield _csv(sys.stdout)
        sys.stdout.flush()
        return
    with output_path(Path(out)) as path:
        if out.lower().endswith(".parquet"):
            with _parquet(path) as write:
                yield write
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                yield _csv(file)


def _csv(file: TextIO) -> Write:
    header = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal header
        frame.to_csv(file, index=False, header=header, lineterminator="\n")
        header = False

    return write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingPackage("a Parquet file", "pyarrow") from None
    writer: Any = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal writer
        plain = frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, str))
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
