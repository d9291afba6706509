"""Cutting a training part into folds, as the protocol says.

Examples in an order in time keep it, whatever the protocol picks: a holdout is the last part, and the folds of
cross-validation are contiguous blocks. A fold then trains on what came after its block, too. Folds that grow with time would
not, but they train on 1/k to all of the data: their figures are of different networks, and a mean over them is nobody's. Blocks
leave each fold equally much to train on and validate every example once, and only at their two edges do neighbours
in time meet. Who must not see the future says `holdout`.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import encode
from tuner.base.errors import Invalid
from tuner.base.writing import atomic_path
from tuner.data.catalogue import Entry
from tuner.data.examples import Array, TrainingSet
from tuner.data.groups import dealt_groups, part_of_groups
from tuner.recipe.data import Description
from tuner.recipe.protocols import Holdout, KFold, NoValidation, OnTest, Protocol, validated_part

Indices = NDArray[np.int64]

WAY_OF_CUTTING = 1
"""To be counted up where the same protocol is to give other folds, so that those that are kept are not taken for them."""

MOST_BINS = 10
"""Strata of examples whose label is a number."""


@dataclass(frozen=True)
class Fold:
    """Indices into the training part, ascending. Without validation, all of it is trained on."""

    training: Indices
    validation: Indices | None


def folds(
    protocol: Protocol, labels: NDArray[Any], groups: Array | None = None, is_ordered: bool = False
) -> tuple[Fold, ...]:
    """The folds of a protocol for examples with these labels: the same for the same protocol.

    `stratified` represents every class alike; of labels that are one number, every tenth of their range; several labels or
    numbers are cut at random. No group stands in two folds: sizes are then as near to the protocol's as whole groups
    allow. Raises `Invalid` with an address in `protocol` where there are too few examples or groups.
    """
    if isinstance(protocol, NoValidation | OnTest):
        return (Fold(np.arange(len(labels)), None),)
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
    """The folds of a protocol for a data set, from its folder once they are there: scikit-learn, which cuts most of them, takes
    a second to import, and every training process would wait for it."""
    labels, groups = data.examples.labels, data.examples.groups
    if data.folder is None or isinstance(protocol, NoValidation | OnTest):
        return folds(protocol, labels, groups, data.is_ordered)
    said = json.dumps([WAY_OF_CUTTING, encode(protocol)], sort_keys=True).encode()
    kept_by = (b"" if groups is None else groups.tobytes()) + (b"ordered" if data.is_ordered else b"")
    path = data.folder / f"folds-{hashlib.sha256(said + labels.tobytes() + kept_by).hexdigest()[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path) as kept:
        return tuple(Fold(kept[f"training_{i}"], kept[f"validation_{i}"]) for i in range(len(kept.files) // 2))
    found = folds(protocol, labels, groups, data.is_ordered)
    parts = {f"{part}_{i}": getattr(fold, part) for i, fold in enumerate(found) for part in ("training", "validation")}
    with contextlib.suppress(OSError), atomic_path(path) as temporary:  # a folder that cannot be written costs a second
        np.savez(temporary, **parts)
    return found


def require_sizes(protocol: Protocol, examples: int, classes: int, rarest: int) -> None:
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


def validated_on(protocol: Protocol, entry: Entry | Description) -> int:
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


def _strata(protocol: Holdout | KFold, labels: NDArray[Any]) -> NDArray[Any]:
    """What is to be represented alike: classes; of one number, equally many of each tenth, or fewer parts where a cut needs
    more examples of each; nothing of several."""
    if labels.ndim == 1:
        return labels
    total = len(labels)
    if labels.shape[1] > 1 or total == 0:
        return np.zeros(total, np.int64)
    count, training, validation = sizes(protocol, total)
    bins = max(1, min(MOST_BINS, total // max(2, count), training, validation))
    places = np.empty(total, np.int64)
    places[np.argsort(labels[:, 0], kind="stable")] = np.arange(total)
    return places * bins // total


def _grouped(protocol: Holdout | KFold, strata: NDArray[Any], groups: Array) -> tuple[Fold, ...]:
    total, (_, firsts) = len(groups), np.unique(groups, return_index=True)
    count, _, validation = sizes(protocol, total)
    if len(firsts) < max(2, count):
        field = "folds" if isinstance(protocol, KFold) else "validation"
        raise Invalid(f"protocol.{field}", f"needs at least {max(2, count)} groups, and there are {len(firsts)}")
    require_sizes(replace(protocol, pick="random"), total, 1, total)
    _, alike = np.unique(strata, return_inverse=True)
    if protocol.pick != "stratified":
        alike = np.zeros_like(alike)
    if isinstance(protocol, KFold):
        fold_of = _fold_of_groups(protocol, alike, groups, firsts)
        return tuple(_of(fold_of == number) for number in range(count))
    latest_first = np.argsort(-firsts, kind="stable")
    order = latest_first if protocol.pick == "last" else np.random.default_rng(protocol.seed).permutation(len(firsts))
    return (_of(part_of_groups(groups, alike, validation, order)),)


def _fold_of_groups(protocol: KFold, strata: Indices, groups: Array, firsts: Indices) -> Indices:
    """The fold of each row; of `last`, runs of groups in the order in which they begin."""
    if protocol.pick != "last":
        return dealt_groups(groups, strata, protocol.folds, protocol.seed)
    _, of_rows = np.unique(groups, return_inverse=True)
    place = np.empty(len(firsts), np.int64)
    place[np.argsort(firsts, kind="stable")] = np.arange(len(firsts)) * protocol.folds // len(firsts)
    return np.asarray(place[of_rows])


def _of(validated: NDArray[np.bool_]) -> Fold:
    return Fold(np.flatnonzero(~validated), np.flatnonzero(validated))
