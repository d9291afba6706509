"""Predictions for a whole file, written block by block."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

import pandas as pd

from tuner.base.errors import require_packages
from tuner.base.writing import output_path
from tuner.deploy.inputs import blocks_of, prefetched
from tuner.deploy.predictor import Predictions, Predictor
from tuner.recipe import Table

STANDARD_OUTPUT = "-"


def write_predictions(predictor: Predictor, data: str, out: str) -> int:
    """Write the predictions for each example in `data`, in its order, to a CSV or Parquet file (`-`: CSV to standard output).
    Returns their number. Raises `StorageError` where the file cannot be written."""
    tables = _tables(predictor, data)
    if out == STANDARD_OUTPUT:
        return _write_csv(tables, sys.stdout)
    with output_path(Path(out)) as path:
        if out.lower().endswith(".parquet"):
            return _write_parquet(tables, path)
        with path.open("w", encoding="utf-8", newline="") as file:
            return _write_csv(tables, file)


def _tables(predictor: Predictor, data: str) -> Iterator[pd.DataFrame]:
    for block in prefetched(blocks_of(predictor, data)):
        predictions = predictor.predict_inputs(block.inputs, data)
        frame = predictions.frame()
        if len(block.others.columns):
            frame = _by_step(predictor, predictions, block.others)
        if block.files:
            frame.insert(0, "file", list(block.files))
        yield frame


def _by_step(predictor: Predictor, predictions: Predictions, times: pd.DataFrame) -> pd.DataFrame:
    """The predictions of windows, each with its series and time: of a forecast a row for each step."""
    frame, times = predictions.frame(), times.reset_index(drop=True)
    if isinstance(predictor.data, Table) and predictor.data.horizon and predictions.task == "regression":
        names = [f"prediction_{name}" for name in predictor.data.targets]
        names = names if len(names) > 1 else ["prediction"]
        by_target = predictions.values.reshape(len(predictions.values), len(names), -1)
        frame = pd.DataFrame({name: by_target[:, place].ravel() for place, name in enumerate(names)})
    return pd.concat([times, frame], axis=1)


def _write_csv(tables: Iterator[pd.DataFrame], file: TextIO) -> int:
    rows = 0
    for frame in tables:
        frame.to_csv(file, index=False, header=rows == 0, lineterminator="\n")
        rows += len(frame)
    file.flush()
    return rows


def _write_parquet(tables: Iterator[pd.DataFrame], path: Path) -> int:
    require_packages("a Parquet file", "pyarrow")
    import pyarrow
    from pyarrow import parquet

    plain = (frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, str)) for frame in tables)
    blocks = (pyarrow.Table.from_pandas(frame, preserve_index=False) for frame in plain)
    first, rows = next(blocks), 0  # data without examples have been refused
    with parquet.ParquetWriter(path, first.schema) as writer:
        for block in chain([first], blocks):
            writer.write_table(block)
            rows += len(block)
    return rows
