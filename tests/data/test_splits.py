"""Splits and scaling: properties, refusals, figures from the training part only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.decode import decode, kinds
from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet, scaling_constants
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds, folds_of, sizes
from tuner.recipe import Holdout, KFold, NoValidation, OnTest, Protocol, fold_count, validated_part

LABELS = np.repeat(np.arange(5, dtype=np.uint8), 40)
PICKS = st.sampled_from(["stratified", "random", "last"])


@given(st.integers(5, 190), PICKS, st.integers(0, 99))
def test_a_holdout_takes_exactly_what_was_asked_for(count: int, pick: str, seed: int) -> None:
    protocol = Holdout(validation=count, pick=pick, seed=seed)  # type: ignore[arg-type]
    (fold,) = folds(protocol, LABELS)
    assert fold.validation is not None
    assert len(fold.validation) == count
    assert sorted([*fold.training, *fold.validation]) == list(range(200))
    (again,) = folds(protocol, LABELS)
    np.testing.assert_array_equal(again.training, fold.training)


@given(st.integers(2, 20), PICKS, st.integers(0, 99))
def test_every_example_is_validated_in_one_fold(count: int, pick: str, seed: int) -> None:
    cut = folds(KFold(folds=count, pick=pick, seed=seed), LABELS)  # type: ignore[arg-type]
    assert len(cut) == count
    assert sorted(np.concatenate([fold.validation for fold in cut if fold.validation is not None])) == list(range(200))
    for fold in cut:
        assert fold.validation is not None
        assert sorted([*fold.training, *fold.validation]) == list(range(200))


@pytest.mark.parametrize("kind", kinds(Protocol))
def test_what_a_protocol_says_without_data_is_what_it_does_with_it(kind: str) -> None:
    protocol: Protocol = decode(Protocol, kind)  # type: ignore[arg-type]
    cut = folds(protocol, LABELS)
    assert len(cut) == fold_count(protocol)
    assert {fold.validation is not None for fold in cut} == {validated_part(protocol) == "training"}


def test_a_stratified_holdout_keeps_the_shares_of_the_classes() -> None:
    (fold,) = folds(Holdout(validation=0.25), LABELS)
    assert fold.validation is not None
    assert np.bincount(LABELS[fold.validation]).tolist() == [10] * 5


def test_the_last_part_is_the_end_of_the_file() -> None:
    (fold,) = folds(Holdout(validation=20, pick="last"), LABELS)
    assert fold.validation is not None
    assert fold.validation.tolist() == list(range(180, 200))


def test_protocols_without_a_cut_train_on_everything() -> None:
    for protocol in (NoValidation(), OnTest()):
        (fold,) = folds(protocol, LABELS)
        assert len(fold.training) == 200
        assert fold.validation is None


@pytest.mark.parametrize(
    ("protocol", "labels", "message"),
    [
        (
            Holdout(validation=200),
            LABELS,
            "protocol.validation: must leave something of the 200 training examples on both sides, got 200",
        ),
        (
            Holdout(validation=2),
            LABELS,
            "protocol.pick: 'stratified' needs two examples of every class, and both parts at least as large as there "
            "are classes; use 'random'",
        ),
        (
            KFold(folds=50),
            LABELS,
            "protocol.folds: must be at most the number of examples of the rarest class, 40, got 50",
        ),
    ],
)
def test_a_cut_that_cannot_be_made_is_refused(protocol: Holdout | KFold, labels: np.ndarray, message: str) -> None:
    with pytest.raises(Invalid) as complaint:
        folds(protocol, labels)
    assert str(complaint.value) == message


def made_of(inputs: np.ndarray, low: float, high: float) -> TrainingSet:
    """A training set with these inputs."""
    examples = Examples(inputs=inputs, labels=np.zeros(len(inputs), np.uint8))
    return TrainingSet("made", examples, ("a", "b"), (low, high), "id", "here")


def test_scaling_maps_the_sets_own_range() -> None:
    inputs = np.array([[[0.0]], [[255.0]]])
    for scaling, wanted in (("unit", [0, 1]), ("symmetric", [-1, 1]), ("none", [0, 255])):
        offset, factor = scaling_constants(scaling, made_of(inputs, 0, 255), np.arange(2))  # type: ignore[arg-type]
        np.testing.assert_allclose(((inputs - offset) * factor).ravel(), wanted, atol=1e-6)


def test_standard_scaling_knows_the_training_part_only(places: Places) -> None:
    data = training_set("xor", places)
    training = np.arange(100)
    offset, factor = scaling_constants("standard", data, training)
    scaled = (data.examples.inputs[training] - offset) * factor
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)
    assert abs(((data.examples.inputs[100:] - offset) * factor).mean()) > 1e-4


def test_a_column_that_never_varies_stays_zero() -> None:
    inputs = np.array([[1.0, 5.0], [2.0, 5.0]])
    offset, factor = scaling_constants("standard", made_of(inputs, 0, 5), np.arange(2))
    np.testing.assert_allclose((inputs - offset) * factor, [[-1, 0], [1, 0]])


@pytest.mark.parametrize(
    ("protocol", "wanted"),
    [
        (Holdout(validation=30), (1, 170, 30)),
        (Holdout(validation=0.25), (1, 150, 50)),
        (KFold(folds=3), (3, 134, 66)),
        (NoValidation(), (1, 200, 0)),
        (OnTest(), (1, 200, 0)),
    ],
)
def test_the_sizes_of_a_cut_are_known_without_the_examples(protocol: Protocol, wanted: tuple[int, int, int]) -> None:
    assert sizes(protocol, 200) == wanted


def test_each_pick_cuts_in_its_own_way() -> None:
    stratified, random, last = (folds(KFold(folds=4, pick=pick), LABELS) for pick in ("stratified", "random", "last"))
    assert [np.bincount(LABELS[fold.validation], minlength=5).tolist() for fold in stratified] == [[10] * 5] * 4
    assert [np.bincount(LABELS[fold.validation], minlength=5).tolist() for fold in random] != [[10] * 5] * 4
    assert [fold.validation.tolist() for fold in last if fold.validation is not None] == [
        list(range(first, first + 50)) for first in (0, 50, 100, 150)
    ]
    assert all(fold.validation is not None and np.ptp(fold.validation) > 50 for fold in random)


PAIRS = np.repeat(np.arange(5, dtype=np.uint8), 2)


@pytest.mark.parametrize(
    ("protocol", "labels"),
    [
        (Holdout(validation=1, pick="random"), LABELS),
        (Holdout(validation=199, pick="last"), LABELS),
        (Holdout(validation=5), PAIRS),
        (KFold(folds=2), PAIRS),
        (KFold(folds=10, pick="random"), PAIRS),
    ],
)
def test_the_smallest_possible_cuts_are_made(protocol: Protocol, labels: np.ndarray) -> None:
    assert all(fold.validation is not None and len(fold.validation) > 0 for fold in folds(protocol, labels))


@pytest.mark.parametrize(
    ("protocol", "labels", "address"),
    [
        (Holdout(validation=0.001, pick="random"), LABELS, "protocol.validation"),
        (Holdout(validation=4), np.array([0] * 5 + [1] * 5 + [2]), "protocol.pick"),
        (Holdout(validation=4), PAIRS, "protocol.pick"),
        (Holdout(validation=6), PAIRS, "protocol.pick"),
        (KFold(folds=11, pick="random"), PAIRS, "protocol.folds: must be at most the number of training examples, 10,"),
        (KFold(folds=2), PAIRS[:0], "protocol.folds: must be at most the number of examples of the rarest class, 0,"),
    ],
)
def test_one_example_too_few_is_refused(protocol: Protocol, labels: np.ndarray, address: str) -> None:
    with pytest.raises(Invalid, match=f"^{address}"):
        folds(protocol, labels)


@pytest.mark.parametrize("protocol", [Holdout(validation=0.2), KFold(folds=3), Holdout(pick="last"), NoValidation()])
def test_stored_folds_are_those_that_were_made(protocol: Protocol, places: Places, tmp_path: Path) -> None:
    data = replace(training_set("xor", places), folder=tmp_path)
    wanted = folds(protocol, data.examples.labels)

    def are_wanted() -> bool:
        pairs = zip(folds_of(protocol, data), wanted, strict=True)
        return all(
            np.array_equal(ours.training, theirs.training) and np.array_equal(ours.validation, theirs.validation)  # type: ignore[arg-type]
            for ours, theirs in pairs
        )

    assert are_wanted()
    kept = list(tmp_path.iterdir())
    assert len(kept) == (not isinstance(protocol, NoValidation))
    assert are_wanted()
    for path in kept:
        path.write_bytes(b"PK damaged")
    assert are_wanted()
    assert are_wanted()
    assert list(tmp_path.iterdir()) == kept
    assert folds_of(protocol, replace(data, folder=tmp_path / "nowhere"))
