"""A table prepared: read, cut, coded, labelled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tuner.data.examples import Examples
from tuner.data.ingest.coding import code, coded
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.parts import Said, parts_of_one, parts_of_two
from tuner.data.ingest.tables import read_table
from tuner.data.ingest.values import (
    column_of,
    days_of,
    format_of,
    names_of,
    numbers_of,
    require_complete,
    require_rows,
    times_written,
)
from tuner.data.store import Facts
from tuner.recipe import Cut, Table


def table_parts(data: Table, where: Sequence[Path]) -> tuple[Facts, Coding, Examples, Examples]:
    """What is known of a table, its coding, its training part and its test part. Raises `DataError` for what cannot be used."""
    frame = _read(data, data.path, where)
    said = _said(data, frame, data.path)
    if isinstance(data.test, Cut):
        parts = parts_of_one(data.task, said, data.test, is_ordered=bool(data.time))
        coding, matrix = coded(data.columns, frame, parts.training_rows, data.path)
        inputs, test_inputs = matrix[parts.training_rows], matrix[parts.test_rows]
    else:
        test = _read(data, data.test, where)
        parts = parts_of_two(data.task, said, _said(data, test, data.test))
        coding, inputs = coded(data.columns, frame, parts.training_rows, data.path)
        test_inputs = code(coding, test, data.test)
    facts = Facts(classes=parts.classes, is_ordered=bool(data.time))
    return facts, coding, parts.training.on(inputs), parts.test.on(test_inputs)


def _said(data: Table, frame: pd.DataFrame, where: str) -> Said:
    weights, groups = (frame[name] if name else None for name in (data.weight, data.group))
    return Said(where, frame[list(data.targets)], weights, groups)


def _read(data: Table, path: str, where: Sequence[Path]) -> pd.DataFrame:
    """The rows in their order, with all columns that are named. What is a name stays as it is written."""
    texts = {column.name for column in data.columns if column.kind != "number"} | {data.group, data.time}
    frame = read_table(path, where, texts | set(data.targets if data.task == "classification" else ()))
    named = (*(column.name for column in data.columns), *data.targets, data.group, data.time, data.weight)
    for name in filter(None, named):
        column_of(frame, name, path)
    return _in_order(frame, data.time, path) if data.time else frame


def _in_order(frame: pd.DataFrame, time: str, where: str) -> pd.DataFrame:
    """The rows in the order of the column that says when; those of one time as they stand in the file."""
    column = frame[time]
    require_complete(column, where)
    if pd.api.types.is_datetime64_any_dtype(column):
        when = days_of(column)
    elif pd.to_numeric(column.astype(object), errors="coerce").notna().all():
        when = numbers_of(column, where)
    else:
        named = names_of(column, where)
        when = days_of(times_written(named.names, format_of(named.names)))[named.numbers]
        require_rows(np.isnan(when), column, "must be a number or a date such as 2024-12-31", where)
    return frame.iloc[np.argsort(when, kind="stable")].reset_index(drop=True)
