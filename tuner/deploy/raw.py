"""A table's rows as a model takes them that has what codes them inside: an array (n, 1) for each column, by its name."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.values import column_of, days_of, names_of, numbers_of, times_written
from tuner.networks.layers.row_coder import SECONDS_A_DAY


def raw_columns(coding: Coding, frame: pd.DataFrame, where: str = "the table") -> dict[str, NDArray[Any]]:
    """Numbers float64, dates float64 seconds since 1970 (NaN where nothing is there), all others texts ("" there). Raises
    `DataError` for a column that is missing, and for what is no number."""
    return {column.name: _values(column, column_of(frame, column.name, where), where) for column in coding.columns}


def _values(column: ColumnCoding, series: "pd.Series[Any]", where: str) -> NDArray[Any]:
    if column.kind == "number":
        return numbers_of(series, where)[:, np.newaxis]
    if column.kind == "date" and pd.api.types.is_datetime64_any_dtype(series):
        return days_of(series)[:, np.newaxis] * SECONDS_A_DAY
    named = names_of(series, where)
    if column.kind == "date":
        days = np.append(days_of(times_written(named.names, column.format)), np.nan)
        return days[named.numbers][:, np.newaxis] * SECONDS_A_DAY
    return np.array([*named.names, ""], object)[named.numbers][:, np.newaxis]
