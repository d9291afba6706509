"""Columns to leave out: copies of the target, identifiers of rows, and columns that no network can read."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data.ingest.columns import MARKED, ColumnProfile
from tuner.data.ingest.formats import Numbers
from tuner.data.ingest.values import Factorized, factorize, numbers_of

NEARLY_ALL = 0.95
EQUAL = 0.9999
SUSPICIOUS = 0.98
SHARE_OF_ERRORS = 0.2
"""A suspicious column makes fewer than this share of the majority class's errors."""
CURE = "is it known before the target is? If not, take it out"
SAMPLE = 5_000
FEWEST_KEYS = 20
FEW_COPIES, MUCH_MORE = 0.01, 10
KEY_NAME = re.compile(r"(?i:(.*[_\s.-])?(id|uuid|guid|key|index|unnamed: \d+))|.*[a-z]I[Dd]")
SKIPPED_TYPES = (list, tuple, set, dict, np.ndarray, bytes)


def unusable_reason(series: "pd.Series[Any]") -> str:
    """Why no network can use the column; empty where one can."""
    known = series.dropna()
    if len(known) < (1 - NEARLY_ALL) * len(series):
        return f"missing in {f'{100 - 100 * len(known) / len(series):.1f}'.removesuffix('.0')} % of the rows"
    if pd.api.types.is_timedelta64_dtype(series):
        return "durations: write them as numbers"
    if isinstance(known.iloc[0], SKIPPED_TYPES):
        return "holds lists or other collections"
    if len(known) == len(series) and known.nunique() == 1:
        return f"the same in all rows: {known.iloc[0]}"
    return ""


def identifier_reason(column: ColumnProfile, series: "pd.Series[Any]") -> str:
    """Why the column only identifies the rows; empty where it may be more."""
    known = series.dropna()
    differ = column.values == len(known) and len(known) >= FEWEST_KEYS
    is_key = bool(KEY_NAME.fullmatch(column.name))
    is_whole = column.kind == "number" and column.reason != "numbers" and not column.format
    if is_whole and differ:
        numbers = numbers_of(known, "", column.format)
        if numbers.max() - numbers.min() == len(known) - 1:
            return "a running number of the rows"
    if differ and ((is_whole and is_key) or (column.kind == "category" and column.reason != MARKED)):
        return "an identifier: different in every row"
    if is_key and (is_whole or column.kind == "category") and column.values > len(known) / 2:
        return "an identifier by its name, with a value for every row or two"
    return ""


def equal_columns(frame: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, str]]:
    """Each column that equals an earlier one, with that one."""
    first: dict[bytes, str] = {}
    for name in names:
        series = frame[name]
        is_number = pd.api.types.is_numeric_dtype(series) and not series.isna().any()
        hashed = pd.util.hash_array(series.astype(np.float64 if is_number else str).to_numpy()).tobytes()
        if first.setdefault(hashed, name) != name:
            yield name, first[hashed]


def copied_rows(frame: pd.DataFrame, columns: Sequence[ColumnProfile]) -> int:
    """The number of rows that equal an earlier one; 0 where there are few, where as many are equal by chance if columns are
    independent, and where no column has many values."""
    names = [each.name for each in columns]
    copies = int(frame[names].duplicated().sum())
    chance = math.prod(float((frame[name].value_counts(normalize=True, dropna=False) ** 2).sum()) for name in names)
    is_fine = any(each.values > FEWEST_KEYS for each in columns if each.kind in ("number", "date", "text"))
    is_many = copies > max(FEW_COPIES * len(frame), MUCH_MORE * chance * len(frame) ** 2 / 2)
    return copies if is_fine and is_many else 0


def target_leak(
    column: ColumnProfile, series: "pd.Series[Any]", targets: Mapping[str, Factorized | Numbers]
) -> tuple[str, str]:
    """Why the column is a copy of a target, and why it is suspicious; each empty where it is not. Numbers are compared by their
    correlation; classes by the share of rows that the column alone predicts."""
    for target, values in targets.items():
        if isinstance(values, Factorized):
            reasons = _class_leak(column, series, target, values)
        else:
            reasons = _number_leak(column, series, target, values)
        if any(reasons):
            return reasons
    return "", ""


def _number_leak(column: ColumnProfile, series: "pd.Series[Any]", target: str, numbers: Numbers) -> tuple[str, str]:
    if column.kind != "number":
        return "", ""
    values = numbers_of(series, "", column.format)
    known = ~np.isnan(values)
    if known.sum() < 3 or values[known].std() == 0 or numbers[known].std() == 0:
        return "", ""
    correlation = abs(float(np.corrcoef(values[known], numbers[known])[0, 1]))
    if correlation > EQUAL:
        return f"is a copy of {target}: correlation {correlation:.5f}", ""
    if correlation > SUSPICIOUS:
        return "", f"{column.name} nearly equals {target}: correlation {correlation:.3f}; {CURE}"
    return "", ""


def _class_leak(column: ColumnProfile, series: "pd.Series[Any]", target: str, classes: Factorized) -> tuple[str, str]:
    if column.kind in ("boolean", "category") or (column.kind == "number" and column.values == len(classes.names)):
        values = factorize(series, "")
        pairs = len(np.unique(values.numbers * len(classes.names) + classes.numbers))
        if not column.missing and pairs == len(values.names) == len(classes.names):
            return f"is a copy of {target}: each of its values has a class of its own", ""
        right = _right_by_value(values, classes)
    elif column.kind == "number":
        right = _right_by_cuts(numbers_of(series, "", column.format), classes)
    else:
        return "", ""
    usual = float(np.bincount(classes.numbers).max() / len(classes.numbers))
    if right > SUSPICIOUS and 1 - right < SHARE_OF_ERRORS * (1 - usual):
        return "", f"{column.name} alone predicts {target} in {100 * right:.1f} % of the rows; {CURE}"
    return "", ""


def _right_by_value(column: Factorized, classes: Factorized) -> float:
    """The share of rows that the most frequent class of each value predicts; the first row of each value does not count."""
    values = column.numbers + 1
    table = np.zeros((values.max() + 1, len(classes.names)), np.int64)
    if table.size > 10**7:
        return 0.0
    np.add.at(table, (values, classes.numbers), 1)
    different = int((table.sum(axis=1) > 0).sum())
    predicted = len(values) - different
    return float((table.max(axis=1).sum() - different) / predicted) if predicted >= len(values) / 2 else 0.0


def _right_by_cuts(values: Numbers, classes: Factorized) -> float:
    """The share of rows that one cut for each class but the first predicts."""
    from sklearn.tree import DecisionTreeClassifier

    known: NDArray[np.int64] = np.flatnonzero(~np.isnan(values))
    if len(known) > SAMPLE:
        known = np.random.default_rng(0).choice(known, SAMPLE, replace=False)
    labels = classes.numbers[known]
    tree = DecisionTreeClassifier(max_leaf_nodes=max(2, len(classes.names)), random_state=0)
    return float(tree.fit(values[known, None], labels).score(values[known, None], labels))


def possible_groups(columns: Iterable[ColumnProfile], rows: int) -> Sequence[str]:
    """Warnings about columns whose name suggests an identifier of several rows."""
    return [
        f"{column.name} identifies something that has several rows; if these rows belong together, use --group {column.name}"
        for column in columns
        if KEY_NAME.fullmatch(column.name) and 1 < column.values <= rows / 2
    ]
