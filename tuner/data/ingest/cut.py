"""Cutting the test part off a data set that has none of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.examples import Array
from tuner.data.groups import part_of_groups
from tuner.recipe.data import Cut

Rows = NDArray[np.int64]


def cut_off(cut: Cut, labels: Array, groups: Array | None, is_ordered: bool, where: str) -> tuple[Rows, Rows]:
    """The rows of the training part and of the test part, ascending.

    Of rows in an order in time the last; of groups whole ones; of classes alike many, and never the only row of a class;
    else at random. Raises `DataError` where there is only one group.
    """
    if cut.share == 0:
        return np.arange(len(labels)), np.arange(0)
    count = min(max(1, round(cut.share * len(labels))), len(labels) - 1)
    is_test = np.zeros(len(labels), bool)
    if is_ordered:
        is_test[-count:] = True
    elif groups is not None:
        is_test = _whole_groups(cut, labels, groups, count, where)
    elif labels.ndim == 1:
        is_test[_of_each_class(cut.seed, labels, count)] = True
    else:
        is_test[np.random.default_rng(cut.seed).permutation(len(labels))[:count]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _whole_groups(cut: Cut, labels: Array, groups: Array, count: int, where: str) -> NDArray[np.bool_]:
    different = len(np.unique(groups))
    if different < 2:
        raise DataError(f"{where}: has one group only, of which no test part can be cut off; name a test file")
    strata = labels.astype(np.int64) if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    return part_of_groups(groups, strata, count, np.random.default_rng(cut.seed).permutation(different))


def _of_each_class(seed: int, labels: Array, count: int) -> Rows:
    """Every so-many-th of the rows in the order of their classes, within a class in random order: each class's share is exact
    to one row. The first of each class stays in the training part."""
    generator = np.random.default_rng(seed)
    order = np.lexsort((generator.random(len(labels)), labels))
    free = order[1:][np.diff(labels[order].astype(np.int64)) == 0]
    count = min(count, len(free))
    chosen = (np.arange(count) + generator.random()) * len(free) / count
    return np.asarray(free[chosen.astype(np.int64)])


def require_all_classes(labels: Array, classes: Sequence[str], where: str) -> None:
    """Raise `DataError` where the training part has no example of a class that the test part has."""
    if labels.ndim > 1:
        return
    without = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(without):
        problem = f"the class {classes[without[0]]!r} stands in the test part only"
        raise DataError(f"{where}: {problem}; make that smaller, or name a test file")
