"""Columns that are left out, each with its reason: they tell nothing, or they tell the target itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data.ingest.goal import Goal
from tuner.data.ingest.kinds import MARKED, ColumnProfile
from tuner.data.ingest.values import Named, Numbers, names_of, numbers_of

NEARLY_ALL = 0.95
SAME = 0.9999
TELLING = 0.98
SHARE_OF_ERRORS = 0.2
"""Of the errors of whoever always says the most frequent class: who makes no fewer tells nothing."""
ROWS_LOOKED_AT = 5_000
FEWEST_KEYS = 20
KEY_NAME = re.compile(r"(?i:(.*[_\s.-])?(id|uuid|guid|key|index|unnamed: \d+))|.*[a-z]I[Dd]")
SKIPPED_TYPES = (list, tuple, set, dict, np.ndarray, bytes)


def unusable(series: "pd.Series[Any]") -> str:
    """Why no network can see the column; empty where one can."""
    known = series.dropna()
    if len(known) < (1 - NEARLY_ALL) * len(series):
        return f"nothing stands in {1 - len(known) / len(series):.1%} of the rows".replace(".0%", "%").replace(
            "%", " %"
        )
    if pd.api.types.is_timedelta64_dtype(series):
        return "lengths of time: write them as numbers"
    if isinstance(known.iloc[0], SKIPPED_TYPES):
        return "holds no single values"
    if len(known) == len(series) and known.nunique() == 1:
        return f"the same everywhere: {known.iloc[0]}"
    return ""


def key_reason(column: ColumnProfile, series: "pd.Series[Any]") -> str:
    """Why the column does no more than to number or name the rows; empty where it may tell something."""
    known = series.dropna()
    differ = column.values == len(known) and len(known) >= FEWEST_KEYS
    is_named_so = bool(KEY_NAME.fullmatch(column.name))
    if column.kind == "category" and differ and column.reason != MARKED:
        return "an identifier: every row has its own"
    if column.kind == "number" and column.reason != "numbers" and differ:
        numbers = numbers_of(known, "")
        if numbers.max() - numbers.min() == len(known) - 1:
            return "a running number of the rows"
        if is_named_so:
            return "an identifier: every row has its own"
    is_name = column.kind == "category" or (column.kind == "number" and column.reason != "numbers")
    if is_named_so and is_name and column.values > len(known) / 2:
        return "an identifier by its name, with a value for every row or two"
    return ""


def equal_columns(frame: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, str]]:
    """Each column that equals an earlier one, with that one."""
    first: dict[bytes, str] = {}
    for name in names:
        series = frame[name]
        plain = series.astype(np.float64) if _is_number(series) else series.astype(str)
        seen = first.setdefault(pd.util.hash_array(plain.to_numpy()).tobytes(), name)
        if seen != name:
            yield name, seen


def _is_number(series: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(series) and not series.isna().any()


def wanted_of(targets: pd.DataFrame, goal: Goal, where: str) -> dict[str, Named | Numbers]:
    """Each target's classes, or its numbers."""
    read = numbers_of if goal.task == "regression" else names_of
    return {str(name): read(targets[name], where) for name in targets.columns}


def told_by(column: ColumnProfile, series: "pd.Series[Any]", wanted: Mapping[str, Named | Numbers]) -> tuple[str, str]:
    """Why the column is a target itself, and why it is suspicious; each empty where it is not.

    Of numbers to be told, their correlation; of classes, whether each value has a class of its own, and how many rows are
    told rightly by one cut for each class but the first, or by the most frequent class of each value (the first row of
    each value is what teaches that). Several targets are looked at one by one.
    """
    for target, values in wanted.items():
        if isinstance(values, Named):
            copy, suspicion = _classed(column, series, target, values)
        else:
            copy, suspicion = _correlated(column, series, target, values)
        if copy or suspicion:
            return copy, suspicion
    return "", ""


def _correlated(column: ColumnProfile, series: "pd.Series[Any]", target: str, wanted: Numbers) -> tuple[str, str]:
    if column.kind != "number":
        return "", ""
    values = numbers_of(series, "")
    known = ~np.isnan(values)
    if known.sum() < 3 or values[known].std() == 0 or wanted[known].std() == 0:
        return "", ""
    correlation = abs(float(np.corrcoef(values[known], wanted[known])[0, 1]))
    if correlation > SAME:
        return f"is {target} again: correlation {correlation:.5f}", ""
    if correlation > TELLING:
        return "", f"{column.name} tells {target} nearly exactly: correlation {correlation:.3f}; {CURE}"
    return "", ""


def _classed(column: ColumnProfile, series: "pd.Series[Any]", target: str, classes: Named) -> tuple[str, str]:
    if column.kind in ("boolean", "category") or (column.kind == "number" and column.values == len(classes.names)):
        named = names_of(series, "")
        pairs = len(np.unique(named.numbers * len(classes.names) + classes.numbers))
        if not column.missing and pairs == len(named.names) == len(classes.names):
            return f"is {target} again: each of its values has a class of its own", ""
        right = _right_by_value(named, classes)
    elif column.kind == "number":
        right = _right_by_cuts(numbers_of(series, ""), classes)
    else:
        return "", ""
    usual = float(np.bincount(classes.numbers).max() / len(classes.numbers))
    if right > TELLING and 1 - right < SHARE_OF_ERRORS * (1 - usual):
        return "", f"{column.name} alone tells {target} in {100 * right:.1f} % of the rows; {CURE}"
    return "", ""


CURE = "is it known before the target is? If not, take it out"


def _right_by_value(named: Named, classes: Named) -> float:
    values = named.numbers + 1
    table = np.zeros((values.max() + 1, len(classes.names)), np.int64)
    if table.size > 10**7:
        return 0.0
    np.add.at(table, (values, classes.numbers), 1)
    seen = int((table.sum(axis=1) > 0).sum())
    taught = len(values) - seen
    return float((table.max(axis=1).sum() - seen) / taught) if taught >= len(values) / 2 else 0.0


def _right_by_cuts(values: Numbers, classes: Named) -> float:
    from sklearn.tree import DecisionTreeClassifier

    known: NDArray[np.int64] = np.flatnonzero(~np.isnan(values))
    if len(known) > ROWS_LOOKED_AT:
        known = np.random.default_rng(0).choice(known, ROWS_LOOKED_AT, replace=False)
    wanted = classes.numbers[known]
    tree = DecisionTreeClassifier(max_leaf_nodes=max(2, len(classes.names)), random_state=0)
    return float(tree.fit(values[known, None], wanted).score(values[known, None], wanted))


def groups_by_name(columns: Mapping[str, ColumnProfile], rows: int) -> Iterator[str]:
    """Columns whose name says that they name something of which there are several rows."""
    for name, column in columns.items():
        if KEY_NAME.fullmatch(name) and 1 < column.values <= rows / 2:
            yield name
