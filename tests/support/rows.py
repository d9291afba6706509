"""A table's rows as a model takes them that has its row coder inside: an array (n, 1) for each column, by its name."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.formats import days_in
from tuner.data.ingest.values import column_of, factorize, numbers_of
from tuner.networks.layers.row_coder import SECONDS_A_DAY


def raw_columns(coding: Coding, frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Numbers float64, dates float64 seconds since 1970 (NaN where nothing is there), all others texts ("" there)."""
    return {column.name: _values(column, column_of(frame, column.name, "the table")) for column in coding.columns}


def _values(column: ColumnCoding, series: "pd.Series[Any]") -> NDArray[Any]:
    if column.kind == "number":
        return numbers_of(series, "the table", column.format)[:, np.newaxis]
    named = factorize(series, "the table")
    if column.kind == "date":
        days = np.append(days_in(named.names, column.format), np.nan)
        return days[named.numbers][:, np.newaxis] * SECONDS_A_DAY
    return np.array([*named.names, ""], object)[named.numbers][:, np.newaxis]
