"""Splitting a training part into the folds of a protocol.

Examples in order of time keep it: a holdout is the last part, folds are contiguous blocks that also train on later examples. Windows
of time series are validated on what follows: each fold trains on the examples whose labels end before those of its validation begin.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import encode
from tuner.base.errors import Invalid
from tuner.base.writing import atomic_path
from tuner.data.examples import Array, TrainingSet
from tuner.data.groups import balanced_folds, part_of_groups
from tuner.recipe.protocols import Holdout, KFold, NoValidation, OnTest, Protocol

Indices = NDArray[np.int64]

VERSION = 1
"""Increase it when the same protocol gives other folds: stored folds are then ignored."""

MOST_BINS = 10
"""Strata of examples whose label is a number."""


@dataclass(frozen=True)
class Fold:
    """Indices into the training part, ascending; all of them for training where there is no validation."""

    training: Indices
    validation: Indices | None


def folds(
    protocol: Protocol,
    labels: NDArray[Any],
    groups: Array | None = None,
    is_ordered: bool = False,
    spans: Array | None = None,
) -> tuple[Fold, ...]:
    """The folds of a protocol for examples with these labels: the same in every call.

    `stratified` keeps the share of every class, or of every tenth of one number's range; several targets are split at random.
    Groups are never divided. Raises `Invalid` with an address in `protocol` for too few examples or groups.
    """
    if isinstance(protocol, NoValidation | OnTest):
        return (Fold(np.arange(len(labels)), None),)
    if spans is not None:
        return _forward(protocol, spans)
    strata = _strata(protocol, labels)
    if is_ordered and protocol.pick != "last":
        protocol = replace(protocol, pick="last")
    elif labels.ndim > 1 and protocol.pick == "stratified" and labels.shape[1] > 1:
        protocol = replace(protocol, pick="random")
    if groups is not None:
        return _grouped(protocol, strata, groups)
    _, members = np.unique(strata, return_counts=True)
    require_sizes(protocol, len(labels), len(members), min(members, default=0))
    return (_holdout(protocol, strata),) if isinstance(protocol, Holdout) else _k_fold(protocol, strata)


def folds_of(protocol: Protocol, data: TrainingSet) -> tuple[Fold, ...]:
    """The folds of a protocol for a data set, stored in its folder: importing scikit-learn takes a second in every process."""
    labels, groups, spans = data.examples.labels, data.examples.groups, data.examples.spans
    if data.folder is None or isinstance(protocol, NoValidation | OnTest):
        return folds(protocol, labels, groups, data.is_ordered, spans)
    cut_by = {name: value for name, value in encode(protocol).items() if name != "trained"}
    content = [json.dumps([VERSION, cut_by], sort_keys=True).encode(), labels.tobytes()]
    content += [b"" if groups is None else groups.tobytes(), b"ordered" if data.is_ordered else b""]
    content += [] if spans is None else [spans.tobytes()]
    path = data.folder / f"folds-{hashlib.sha256(b''.join(content)).hexdigest()[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path) as stored:
        return tuple(Fold(stored[f"training_{i}"], stored[f"validation_{i}"]) for i in range(len(stored.files) // 2))
    cut = folds(protocol, labels, groups, data.is_ordered, spans)
    arrays = {f"{part}_{i}": getattr(fold, part) for i, fold in enumerate(cut) for part in ("training", "validation")}
    with contextlib.suppress(OSError), atomic_path(path) as temporary:  # a folder that cannot be written costs a second
        np.savez(temporary, **arrays)
    return cut


def require_sizes(protocol: Protocol, examples: int, classes: int, rarest: int) -> None:
    """Raise `Invalid` with an address in `protocol` where these are too few examples for it, or too few of the `rarest` class."""
    _, training, validation = sizes(protocol, examples)
    match protocol:
        case Holdout():
            if not 0 < validation < examples:
                rule = f"must leave something of the {examples} training examples on both sides"
                raise Invalid("protocol.validation", f"{rule}, got {protocol.validation}")
            if protocol.pick == "stratified" and (rarest < 2 or min(training, validation) < classes):
                problem = "needs two examples of every class, and both parts at least as large as there are classes"
                raise Invalid("protocol.pick", f"'stratified' {problem}; use 'random'")
        case KFold(folds=folds, pick=pick):
            fewest = rarest if pick == "stratified" else examples
            if folds > fewest:
                what = "examples of the rarest class" if pick == "stratified" else "training examples"
                raise Invalid("protocol.folds", f"must be at most the number of {what}, {fewest}, got {folds}")
        case NoValidation() | OnTest():
            return


def sizes(protocol: Protocol, total: int) -> tuple[int, int, int]:
    """The number of folds, and how many of `total` examples one of them trains on and validates on."""
    match protocol:
        case Holdout(validation=validation):
            count = validation if isinstance(validation, int) else round(validation * total)
            return 1, total - count, count
        case KFold(folds=count, trained=trained):
            return trained or count, total - total // count, total // count
        case NoValidation() | OnTest():
            return 1, total, 0


def _forward(protocol: Holdout | KFold, spans: Array) -> tuple[Fold, ...]:
    """Folds that follow each other in time, as in scikit-learn's `TimeSeriesSplit`: the first part is only trained on."""
    total = len(spans)
    require_sizes(replace(protocol, pick="last"), total, 1, total)
    _, training, _ = sizes(protocol, total)
    count = protocol.folds if isinstance(protocol, KFold) else 1
    places = [training] if count == 1 else [total * number // (count + 1) for number in range(1, count + 1)]
    begins = [*np.sort(spans[:, 0])[places], spans[:, 0].max() + 1]
    cut = tuple(
        Fold(np.flatnonzero(spans[:, 1] < low), np.flatnonzero((spans[:, 0] >= low) & (spans[:, 0] < high)))
        for low, high in pairwise(begins)
    )
    if not all(len(each.training) and each.validation is not None and len(each.validation) for each in cut):
        field = "folds" if isinstance(protocol, KFold) else "validation"
        problem = f"leaves a part of the {total} windows empty, since no horizon reaches into the next part"
        raise Invalid(f"protocol.{field}", f"{problem}; choose fewer folds, a smaller part or a shorter horizon")
    return cut


def part_in_time(spans: Array, count: int) -> tuple[Indices, Indices]:
    """The examples of a training part, and those of a test part of about `count`, whose labels begin after all of the others' end."""
    begin = np.sort(spans[:, 0])[len(spans) - count]
    return np.flatnonzero(spans[:, 1] < begin), np.flatnonzero(spans[:, 0] >= begin)


def _holdout(protocol: Holdout, labels: NDArray[Any]) -> Fold:
    total = len(labels)
    _, _, count = sizes(protocol, total)
    if protocol.pick == "last":
        return _fold(np.arange(total) >= total - count)
    if protocol.pick == "random":
        validation = np.random.default_rng(protocol.seed).permutation(total)[:count]
    else:
        from sklearn.model_selection import StratifiedShuffleSplit

        splitter = StratifiedShuffleSplit(n_splits=1, test_size=count, random_state=protocol.seed)
        _, validation = next(splitter.split(np.zeros(total), labels))
    return _fold(np.isin(np.arange(total), validation))


def _k_fold(protocol: KFold, labels: NDArray[Any]) -> tuple[Fold, ...]:
    from sklearn import model_selection

    kind = model_selection.StratifiedKFold if protocol.pick == "stratified" else model_selection.KFold
    shuffle = protocol.pick != "last"
    splitter = kind(protocol.folds, shuffle=shuffle, random_state=protocol.seed if shuffle else None)
    return tuple(Fold(training, validation) for training, validation in splitter.split(np.zeros(len(labels)), labels))


def _strata(protocol: Holdout | KFold, labels: NDArray[Any]) -> NDArray[Any]:
    """The classes; at most ten parts of one number's range; one stratum for several targets."""
    if labels.ndim == 1:
        return labels
    total = len(labels)
    if labels.shape[1] > 1 or total == 0:
        return np.zeros(total, np.int64)
    _, training, validation = sizes(protocol, total)
    count = protocol.folds if isinstance(protocol, KFold) else 1
    bins = max(1, min(MOST_BINS, total // max(2, count), training, validation))
    places = np.empty(total, np.int64)
    places[np.argsort(labels[:, 0], kind="stable")] = np.arange(total)
    return places * bins // total


def _grouped(protocol: Holdout | KFold, strata: NDArray[Any], groups: Array) -> tuple[Fold, ...]:
    total, (_, firsts) = len(groups), np.unique(groups, return_index=True)
    _, _, validation = sizes(protocol, total)
    count = protocol.folds if isinstance(protocol, KFold) else 1
    if len(firsts) < max(2, count):
        field = "folds" if isinstance(protocol, KFold) else "validation"
        raise Invalid(f"protocol.{field}", f"needs at least {max(2, count)} groups, and there are {len(firsts)}")
    require_sizes(replace(protocol, pick="random"), total, 1, total)
    _, numbers = np.unique(strata, return_inverse=True)
    numbers = numbers if protocol.pick == "stratified" else np.zeros_like(numbers)
    match protocol:
        case KFold(pick="last"):  # runs of groups in the order in which they begin
            _, of_rows = np.unique(groups, return_inverse=True)
            fold_of = (np.argsort(np.argsort(firsts)) * count // len(firsts))[of_rows]
        case KFold():
            fold_of = balanced_folds(groups, numbers, count, protocol.seed)
        case Holdout(pick=pick, seed=seed):
            random = np.random.default_rng(seed).permutation(len(firsts))
            latest_first = np.argsort(-firsts)
            is_in = part_of_groups(groups, numbers, validation, latest_first if pick == "last" else random)
            fold_of = np.where(is_in, 0, 1)
    return tuple(_fold(fold_of == number) for number in range(count))


def _fold(is_validation: NDArray[np.bool_]) -> Fold:
    return Fold(np.flatnonzero(~is_validation), np.flatnonzero(is_validation))
