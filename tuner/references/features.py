"""What reference models see of inputs as stored: the same columns as the networks.

Coded rows for all but trees: numbers, dates and pixels standardized, with the median for missing values and an indicator; one-hot
categories of the 100 most frequent values; the tf-idf of the words of a text, sparse. Trees take numbers with their gaps, and
categories as they are. Images are scaled to 0 to 1, other arrays are standardized.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.networks import Inputs, Rows
from tuner.networks.columns import FIRST, MISSING, UNSEEN

Array = NDArray[Any]
MOST_VALUES = 100
"""Values of a category with an input each; the rarer ones share one."""
MOST_CATEGORIES = 255
"""Codes of a category that trees take as categories; columns with more, ordered by frequency, are taken as numbers."""
TREE_WORDS = 200
"""The most frequent words of a text that trees see: they take no sparse inputs."""


def preparation(inputs: Inputs, value_range: tuple[float, float]) -> Any:
    """An unfitted transformer for all models but trees, from inputs as stored to (n, features), sparse where that is smaller."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    if isinstance(inputs, Rows):
        return _row_preparation(inputs)
    if len(inputs) > 1:
        return FunctionTransformer(partial(_scaled, value_range=value_range))
    return make_pipeline(FunctionTransformer(_flat), SimpleImputer(keep_empty_features=True), StandardScaler())


def tree_preparation(inputs: Inputs) -> Any:
    """An unfitted transformer for trees: dense features, NaN where a value is missing."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(partial(_tree_rows, rows=inputs) if isinstance(inputs, Rows) else _flat)


def frame_preparation(inputs: Inputs) -> Any:
    """The same for CatBoost, which takes categories as whole numbers in a data frame."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(
        tree_preparation(inputs), FunctionTransformer(partial(_frame, categories=tree_categories(inputs)))
    )


def tree_categories(inputs: Inputs) -> NDArray[np.bool_] | None:
    """Which of the trees' features are categories; None for images and arrays."""
    if not isinstance(inputs, Rows):
        return None
    is_category: list[bool] = []
    for column in _coded_columns(inputs):
        words = min(TREE_WORDS, max(0, column.size - FIRST))
        width = words if column.kind == "text" else column.last - column.first
        is_category += [column.kind == "category" and column.size <= MOST_CATEGORIES] * width
    return np.array(is_category, bool)


@dataclass(frozen=True)
class _CodedColumn:
    """The places `first` to `last` (exclusive) of a coded row, and the number of codes (0 for numbers)."""

    kind: str
    first: int
    last: int
    size: int


def _coded_columns(rows: Rows) -> Iterator[_CodedColumn]:
    first = 0
    for column in rows.columns:
        kind = "number" if column.is_number else "text" if column.kind == "text" else "category"
        yield _CodedColumn(kind, first, first + column.places, column.size)
        first += column.places


def _row_preparation(rows: Rows) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    columns = tuple(_coded_columns(rows))
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_hot = OneHotEncoder(max_categories=MOST_VALUES + 1, handle_unknown="infrequent_if_exist")
    parts: list[tuple[str, Any, list[int]]] = [
        (
            "numbers",
            make_pipeline(imputer, StandardScaler()),
            [place for each in columns if each.kind == "number" for place in range(each.first, each.last)],
        ),
        ("categories", one_hot, [each.first for each in columns if each.kind == "category"]),
    ]
    for each in columns:
        if each.kind == "text":
            counts = FunctionTransformer(partial(_word_counts, size=each.size))
            places = list(range(each.first, each.last))
            parts.append((f"text {each.first}", make_pipeline(counts, TfidfTransformer()), places))
    present = [part for part in parts if part[2]]
    return make_pipeline(FunctionTransformer(partial(_cleaned, rows=rows)), ColumnTransformer(present))


def _word_counts(codes: Array, size: int) -> Any:
    """A sparse matrix (n, size) of word counts, from the codes of each text's words (n, places)."""
    from scipy.sparse import csr_matrix

    text, place = np.nonzero(codes != MISSING)
    return csr_matrix((np.ones(len(text)), (text, codes[text, place].astype(np.int64))), shape=(len(codes), size))


def _cleaned(coded: Array, rows: Rows) -> Array:
    """Coded rows in float64 with NaN for infinite numbers and valid codes only."""
    clean = coded.astype(np.float64)
    clean[~np.isfinite(clean)] = np.nan
    for each in _coded_columns(rows):
        if each.kind != "number":
            codes = clean[:, each.first : each.last]
            codes[np.isnan(codes)] = MISSING
            codes[(codes < 0) | (codes >= each.size)] = UNSEEN
    return clean


def _tree_rows(coded: Array, rows: Rows) -> Array:
    clean = _cleaned(coded, rows)
    features = []
    for each in _coded_columns(rows):
        codes = clean[:, each.first : each.last]
        is_text = each.kind == "text"
        features.append(_word_counts(codes, each.size)[:, FIRST : FIRST + TREE_WORDS].toarray() if is_text else codes)
    return np.concatenate(features, axis=1)


def _frame(features: Array, categories: NDArray[np.bool_] | None) -> pd.DataFrame:
    frame = pd.DataFrame(features)
    return frame if categories is None else frame.astype(dict.fromkeys(np.flatnonzero(categories), np.int64))


def _flat(inputs: Array) -> Array:
    return inputs.reshape(len(inputs), -1).astype(np.float32)


def _scaled(inputs: Array, value_range: tuple[float, float]) -> Array:
    low, high = value_range
    return (_flat(inputs) - np.float32(low)) / np.float32(high - low if high > low else 1.0)
