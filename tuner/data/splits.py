"""Cutting a training part into folds, as the protocol says."""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tuner.data.catalogue import Entry
from tuner.data.examples import TrainingSet
from tuner.decode import encode
from tuner.errors import Invalid
from tuner.recipe.protocols import Holdout, KFold, NoValidation, OnTest, Protocol, validated_part

Indices = NDArray[np.int64]

WAY_OF_CUTTING = 1
"""To be counted up where the same protocol is to give other folds, so that those that are kept are not taken for them."""


@dataclass(frozen=True)
class Fold:
    """Indices into the training part, ascending. Without validation, all of it is trained on."""

    training: Indices
    validation: Indices | None


def folds(protocol: Protocol, labels: NDArray[Any]) -> tuple[Fold, ...]:
    """The folds of a protocol for examples with these labels: the same for the same protocol.

    Raises `Invalid` with an address in `protocol` where there are too few examples.
    """
    _, members = np.unique(labels, return_counts=True)
    demand_sizes(protocol, len(labels), len(members), min(members, default=0))
    match protocol:
        case Holdout():
            return (_holdout(protocol, labels),)
        case KFold():
            return _k_fold(protocol, labels)
        case NoValidation() | OnTest():
            return (Fold(np.arange(len(labels)), None),)


def folds_of(protocol: Protocol, data: TrainingSet) -> tuple[Fold, ...]:
    """The folds of a protocol for a data set, from its folder once they are there: scikit-learn, which cuts most of them, takes
    a second to import, and every training process would wait for it."""
    labels = data.examples.labels
    if data.folder is None or isinstance(protocol, NoValidation | OnTest):
        return folds(protocol, labels)
    said = json.dumps([WAY_OF_CUTTING, encode(protocol)], sort_keys=True).encode()
    path = data.folder / f"folds-{hashlib.sha256(said + labels.tobytes()).hexdigest()[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path) as kept:
        return tuple(Fold(kept[f"training_{i}"], kept[f"validation_{i}"]) for i in range(len(kept.files) // 2))
    found = folds(protocol, labels)
    parts = {f"{part}_{i}": getattr(fold, part) for i, fold in enumerate(found) for part in ("training", "validation")}
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    with contextlib.suppress(OSError):  # a folder that cannot be written costs a second, and no more
        np.savez(aside, **parts)
        aside.replace(path)
    return found


def demand_sizes(protocol: Protocol, examples: int, classes: int, rarest: int) -> None:
    """Raise `Invalid` with an address in `protocol` where these are too few examples for it, `rarest` of them of one of the
    classes and no fewer of the others."""
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
        case KFold(folds=count):
            return count, total - total // count, total // count
        case NoValidation() | OnTest():
            return 1, total, 0


def validated_on(protocol: Protocol, entry: Entry) -> int:
    """How many of a data set's examples a validation accuracy is measured on, over all folds; none counts twice."""
    if isinstance(protocol, OnTest):
        return entry.test_examples
    total = entry.training_examples + (entry.test_examples if validated_part(protocol) == "test" else 0)
    folds, _, each = sizes(protocol, total)
    return min(folds * each, total)


def _holdout(protocol: Holdout, labels: NDArray[Any]) -> Fold:
    total = len(labels)
    _, _, count = sizes(protocol, total)
    if protocol.pick == "last":
        return Fold(np.arange(total - count), np.arange(total - count, total))
    if protocol.pick == "random":
        order = np.random.default_rng(protocol.seed).permutation(total)
        return Fold(np.sort(order[count:]), np.sort(order[:count]))
    return _stratified(protocol.seed, count, labels)


def _stratified(seed: int, count: int, labels: NDArray[Any]) -> Fold:
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(n_splits=1, test_size=count, random_state=seed)
    training, validation = next(splitter.split(np.zeros(len(labels)), labels))
    return Fold(np.sort(training), np.sort(validation))


def _k_fold(protocol: KFold, labels: NDArray[Any]) -> tuple[Fold, ...]:
    from sklearn import model_selection

    if protocol.pick == "stratified":
        splitter = model_selection.StratifiedKFold(protocol.folds, shuffle=True, random_state=protocol.seed)
    elif protocol.pick == "random":
        splitter = model_selection.KFold(protocol.folds, shuffle=True, random_state=protocol.seed)
    else:
        splitter = model_selection.KFold(protocol.folds)
    return tuple(Fold(training, validation) for training, validation in splitter.split(np.zeros(len(labels)), labels))
