"""What plain models see of inputs as stored: the same columns that the networks see, as numbers.

Coded rows for all but trees: numbers and dates with their median where they are missing, one more input that says so,
standardized; a 0 or 1 for each of the 100 most frequent values of a category; the words of a text, sparse, by their frequency
(tf-idf). Trees take numbers with their gaps and categories as they are. Images lie in 0 to 1, other arrays are standardized.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.networks import Inputs, Rows
from tuner.networks.columns import FIRST, MISSING, UNSEEN

Array = NDArray[Any]
MOST_VALUES = 100
"""Of a category, that have an input each; the rarer ones share one."""
MOST_CATEGORIES = 255
"""Codes of a category that trees take as one; codes of more are ordered by frequency, and taken as numbers."""
TREE_WORDS = 200
"""The most frequent words of a text: trees take no sparse inputs."""


@dataclass(frozen=True)
class Place:
    """Columns `first` to `last` of a coded row: what they hold, and how many codes there are (0 for numbers)."""

    kind: str
    first: int
    last: int
    size: int


def places(rows: Rows) -> Iterator[Place]:
    """Where each column lies in a coded row."""
    first = 0
    for column in rows.columns:
        kind = "number" if column.is_number else "text" if column.kind == "text" else "category"
        yield Place(kind, first, first + column.places, column.size)
        first += column.places


def preparation(inputs: Inputs, value_range: tuple[float, float]) -> Any:
    """A transformer, not fitted yet, from inputs as stored to what all but trees see: (n, columns), sparse where that is
    smaller."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    if isinstance(inputs, Rows):
        return _of_rows(inputs)
    if len(inputs) > 1:
        return FunctionTransformer(partial(_in_unit, value_range=value_range))
    return make_pipeline(FunctionTransformer(_flat), SimpleImputer(keep_empty_features=True), StandardScaler())


def for_trees(inputs: Inputs) -> Any:
    """The same for trees: dense, with NaN for what is missing."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(partial(_tree_rows, rows=inputs) if isinstance(inputs, Rows) else _flat)


def nothing() -> Any:
    """The same for models that look at no input: one column of zeros."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_zeros)


def tree_categories(inputs: Inputs) -> NDArray[np.bool_] | None:
    """Which of the columns that trees see are categories; None for images and arrays."""
    if not isinstance(inputs, Rows):
        return None
    each = [[_is_category(place)] * _tree_width(place) for place in places(inputs)]
    return np.array([is_category for column in each for is_category in column], bool)


def _of_rows(rows: Rows) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    found = tuple(places(rows))
    numbers = [each.first for each in found if each.kind == "number"]
    categories = [each.first for each in found if each.kind == "category"]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_hot = OneHotEncoder(max_categories=MOST_VALUES + 1, handle_unknown="infrequent_if_exist")
    texts = [
        (f"text {each.first}", make_pipeline(FunctionTransformer(partial(words, size=each.size)), TfidfTransformer()),
         list(range(each.first, each.last)))
        for each in found
        if each.kind == "text"
    ]  # fmt: skip
    parts = [
        ("numbers", make_pipeline(imputer, StandardScaler()), numbers),
        ("categories", one_hot, categories),
        *texts,
    ]
    named = [part for part in parts if part[2]]
    return make_pipeline(FunctionTransformer(partial(_clean, rows=rows)), ColumnTransformer(named))


def words(codes: Array, size: int) -> Any:
    """How often each word stands in a text, sparse (n, size), from the codes of its words (n, places)."""
    from scipy.sparse import csr_matrix

    text, place = np.nonzero(codes != MISSING)
    counts = np.ones(len(text))
    return csr_matrix((counts, (text, codes[text, place].astype(np.int64))), shape=(len(codes), size))


def _clean(coded: Array, rows: Rows) -> Array:
    """Coded rows in float64: NaN for what is no number, and only codes that there are."""
    clean = coded.astype(np.float64)
    clean[~np.isfinite(clean)] = np.nan
    for each in places(rows):
        if each.kind != "number":
            codes = clean[:, each.first : each.last]
            codes[np.isnan(codes)] = MISSING
            codes[(codes < 0) | (codes >= each.size)] = UNSEEN
    return clean


def _tree_rows(coded: Array, rows: Rows) -> Array:
    clean = _clean(coded, rows)
    columns = []
    for each in places(rows):
        own = clean[:, each.first : each.last]
        columns.append(words(own, each.size)[:, FIRST : FIRST + TREE_WORDS].toarray() if each.kind == "text" else own)
    return np.concatenate(columns, axis=1)


def _is_category(place: Place) -> bool:
    return place.kind == "category" and place.size <= MOST_CATEGORIES


def _tree_width(place: Place) -> int:
    return min(TREE_WORDS, max(0, place.size - FIRST)) if place.kind == "text" else 1


def _zeros(inputs: Array) -> Array:
    return np.zeros((len(inputs), 1))


def _flat(inputs: Array) -> Array:
    return inputs.reshape(len(inputs), -1).astype(np.float32)


def _in_unit(inputs: Array, value_range: tuple[float, float]) -> Array:
    low, high = value_range
    return (_flat(inputs) - np.float32(low)) / np.float32(high - low if high > low else 1.0)
