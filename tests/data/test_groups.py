"""Splits of data with groups, an order in time, or labels that are numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet
from tuner.data.splits import folds, folds_of
from tuner.recipe import Holdout, KFold, Protocol

PICKS = st.sampled_from(["stratified", "random", "last"])
PROTOCOLS = st.one_of(
    st.builds(Holdout, validation=st.floats(0.1, 0.9), pick=PICKS, seed=st.integers(0, 9)),
    st.builds(KFold, folds=st.integers(2, 4), pick=PICKS, seed=st.integers(0, 9)),
)


@given(PROTOCOLS, st.lists(st.integers(0, 9), min_size=12, max_size=80), st.integers(2, 5))
def test_no_group_is_on_both_sides(protocol: Holdout | KFold, groups: list[int], classes: int) -> None:
    of_rows = np.array([*groups, 10, 11, 12, 13])
    cut = folds(protocol, np.arange(len(of_rows)) % classes, of_rows)
    for fold in cut:
        assert fold.validation is not None
        assert len(fold.training) > 0
        assert len(fold.validation) > 0
        assert sorted([*fold.training, *fold.validation]) == list(range(len(of_rows)))
        assert not np.isin(of_rows[fold.training], of_rows[fold.validation]).any()
    validated = np.concatenate([fold.validation for fold in cut if fold.validation is not None])
    assert len(np.unique(validated)) == len(validated)
    assert isinstance(protocol, Holdout) or len(validated) == len(of_rows)


def test_whole_groups_represent_classes_alike_where_they_can() -> None:
    groups, labels = np.repeat(np.arange(100), 4), np.repeat(np.arange(100) % 2, 4)
    (fold,) = folds(Holdout(validation=0.2), labels, groups)
    assert np.bincount(labels[fold.validation]).tolist() == [40, 40]
    for each in folds(KFold(folds=5), labels, groups):
        assert np.bincount(labels[each.validation]).tolist() == [40, 40]


def test_the_last_groups_are_those_that_begin_last() -> None:
    groups = np.array([3, 3, 1, 1, 2, 2, 0, 0])
    (fold,) = folds(Holdout(validation=0.25, pick="last"), np.arange(8) % 2, groups)
    assert fold.validation is not None
    assert fold.validation.tolist() == [6, 7]
    first, *_ = folds(KFold(folds=4, pick="last"), np.arange(8) % 2, groups)
    assert first.validation is not None
    assert first.validation.tolist() == [0, 1]


def test_too_few_groups_are_refused() -> None:
    labels, groups = np.arange(20) % 2, np.arange(20) // 10
    with pytest.raises(Invalid, match=r"^protocol\.folds: needs at least 5 groups, and there are 2$"):
        folds(KFold(folds=5), labels, groups)
    with pytest.raises(Invalid, match=r"^protocol\.validation: needs at least 2 groups, and there are 1$"):
        folds(Holdout(), labels, groups * 0)


@given(PROTOCOLS)
def test_an_order_in_time_is_kept_whatever_is_picked(protocol: Holdout | KFold) -> None:
    cut = folds(protocol, np.arange(40) % 2, is_ordered=True)
    wanted = folds(replace(protocol, pick="last"), np.arange(40) % 2)
    for ours, theirs in zip(cut, wanted, strict=True):
        np.testing.assert_array_equal(ours.validation, theirs.validation)
        assert ours.validation is not None
        assert np.ptp(ours.validation) == len(ours.validation) - 1


@given(PROTOCOLS, st.integers(10, 60), st.integers(1, 3))
def test_numbers_can_be_cut_in_every_way(protocol: Holdout | KFold, rows: int, targets: int) -> None:
    labels = np.random.default_rng(rows).normal(size=(rows, targets)).astype(np.float32)
    for fold in folds(protocol, labels):
        assert fold.validation is not None
        assert sorted([*fold.training, *fold.validation]) == list(range(rows))


def test_one_number_is_represented_alike_in_every_tenth() -> None:
    labels = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    tenth = np.argsort(np.argsort(labels[:, 0])) // 20
    (fold,) = folds(Holdout(validation=0.2), labels)
    assert np.bincount(tenth[fold.validation]).tolist() == [4] * 10
    for each in folds(KFold(folds=5), labels):
        assert np.bincount(tenth[each.validation]).tolist() == [4] * 10


def test_several_labels_are_cut_at_random() -> None:
    labels = np.random.default_rng(0).integers(0, 2, (50, 3)).astype(np.uint8)
    (stratified,), (random,) = folds(Holdout(), labels), folds(Holdout(pick="random"), labels)
    np.testing.assert_array_equal(stratified.training, random.training)


@pytest.mark.parametrize("protocol", [Holdout(), KFold(folds=3)])
def test_stored_folds_are_not_used_for_those_of_other_groups_or_orders(protocol: Protocol, tmp_path: Path) -> None:
    labels = np.arange(60) % 2
    plain = Examples(np.zeros((60, 1)), labels)
    grouped = replace(plain, groups=np.arange(60) // 4)
    sets = [
        TrainingSet("t", examples, ("a", "b"), (0, 1), "id", "here", tmp_path, is_ordered)
        for examples, is_ordered in ((plain, False), (plain, True), (grouped, False))
    ]
    for _ in range(2):
        first, ordered, whole = (folds_of(protocol, each)[0].training.tolist() for each in sets)
        assert first != ordered != whole != first
    assert len(list(tmp_path.iterdir())) == 3
