"""Parts of a data set that divide no group."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def part_of_groups(groups: NDArray[Any], strata: Indices, count: int, order: Indices) -> NDArray[np.bool_]:
    """Which rows are in a part of about `count` rows. Groups (numbered by `np.unique`) are tried in `order` and taken greedily
    where they improve the part's share of every stratum; scikit-learn's StratifiedGroupKFold is much slower. Neither side is
    empty where there are two groups."""
    contents = _contents(groups, strata)
    lacking = contents.totals * (count / len(groups))
    is_in = np.zeros(len(order), bool)
    for group in order:
        inside, counts = contents.strata[group], contents.counts[group]
        if ((counts * (counts - 2 * lacking[inside])) / contents.totals[inside]).sum() < 0:
            lacking[inside] -= counts
            is_in[group] = True
    smallest = order[np.argmin(contents.sizes[order])]
    if is_in.all() or not is_in.any():
        is_in[smallest] = not is_in[smallest]
    return is_in[contents.of_rows]


def balanced_folds(groups: NDArray[Any], strata: Indices, folds: int, seed: int) -> Indices:
    """The fold of each row: the largest groups first, in random order, each to the fold that lacks its strata most."""
    contents = _contents(groups, strata)
    load, rows = np.zeros((folds, len(contents.totals))), np.zeros(folds)
    fold_of = np.zeros(len(contents.counts), np.int64)
    order = np.random.default_rng(seed).permutation(len(fold_of))
    for group in order[np.argsort(-contents.sizes[order], kind="stable")]:
        inside, counts = contents.strata[group], contents.counts[group]
        fold = int(np.lexsort((rows, (load[:, inside] * (counts / contents.totals[inside])).sum(axis=1)))[0])
        load[fold, inside] += counts
        rows[fold] += counts.sum()
        fold_of[group] = fold
    return fold_of[contents.of_rows]


@dataclass(frozen=True, eq=False)
class _Contents:
    """The group of each row; each group's rows, strata and rows of each stratum; the rows of each stratum."""

    of_rows: Indices
    sizes: Indices
    strata: list[Indices]
    counts: list[Indices]
    totals: Indices


def _contents(groups: NDArray[Any], strata: Indices) -> _Contents:
    _, of_rows = np.unique(groups, return_inverse=True)
    width = int(strata.max()) + 1
    pairs, counts = np.unique(of_rows.astype(np.int64) * width + strata, return_counts=True)
    owners, inside = np.divmod(pairs, width)
    borders = np.flatnonzero(np.diff(owners)) + 1
    totals = np.bincount(strata, minlength=width)
    return _Contents(of_rows, np.bincount(of_rows), np.split(inside, borders), np.split(counts, borders), totals)
