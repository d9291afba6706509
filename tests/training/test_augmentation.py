"""Augmentation: what each kind does to an image, that draws follow from the seed, and that a training goes on with them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.recipe import Augmentation, CategoricalCrossentropy, Training
from tuner.training.augmentation import augmenter

SEED = (7, 3)


def changed(settings: Augmentation, images: NDArray[Any], seed: tuple[int, int] = SEED) -> NDArray[Any]:
    """The images after augmentation."""
    augment = augmenter(settings)
    assert augment is not None
    targets = np.eye(len(images), dtype=np.float32)
    return np.asarray(augment(tf.constant(images), tf.constant(targets), tf.constant(seed))[0])


def pictures(count: int = 64, side: int = 9, channels: int = 0) -> NDArray[np.float32]:
    """Random images."""
    shape = (count, side, side, channels) if channels else (count, side, side)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


EACH = [
    Augmentation(shift=2),
    Augmentation(flip=True),
    Augmentation(rotate=20.0),
    Augmentation(zoom=0.2),
    Augmentation(elastic=1.0),
    Augmentation(erase=0.4),
    Augmentation(shift=1, flip=True, rotate=10.0, zoom=0.1, elastic=0.5, erase=0.3, mixup=0.2),
]


def test_nothing_is_changed_by_default() -> None:
    assert augmenter(Augmentation()) is None


@pytest.mark.parametrize("settings", EACH, ids=str)
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_a_batch_keeps_its_shape_and_range_and_follows_its_seed(settings: Augmentation, channels: int) -> None:
    images = pictures(channels=channels)
    one, same, other = (changed(settings, images, seed) for seed in (SEED, SEED, (7, 4)))
    assert one.shape == images.shape
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.min() >= images.min() - 1e-5
    assert one.max() <= images.max() + 1e-5


def test_images_are_moved_by_whole_pixels_with_the_edge_repeated() -> None:
    images = pictures(count=200)
    moved = changed(Augmentation(shift=1), images)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    candidates = np.stack([padded[:, y : y + 9, x : x + 9] for y in range(3) for x in range(3)])
    found = (candidates == moved).all(axis=(2, 3))
    assert (found.sum(axis=0) == 1).all(), "each is one of nine"
    assert (found.sum(axis=1) > 5).all(), "and all nine occur"


def test_half_of_the_images_are_mirrored() -> None:
    images = pictures(count=400)
    mirrored = changed(Augmentation(flip=True), images)
    is_mirrored = (mirrored == images[:, :, ::-1]).all(axis=(1, 2))
    assert ((mirrored == images).all(axis=(1, 2)) | is_mirrored).all()
    assert 0.4 < is_mirrored.mean() < 0.6


def test_without_movement_bending_gives_the_image_back() -> None:
    images = pictures()
    np.testing.assert_allclose(changed(Augmentation(rotate=1e-6), images), images, atol=1e-5)


def test_a_square_is_wiped_out() -> None:
    images = pictures(count=100, side=20)
    wiped = (changed(Augmentation(erase=0.5), images) != images).sum(axis=(1, 2))
    assert wiped.max() == 100, "ten by ten, where it lies inside"
    assert wiped.min() >= 25, "and no less than a quarter of it at a corner"


def test_mixup_blends_inputs_and_targets_alike() -> None:
    augment = augmenter(Augmentation(mixup=1.0))
    assert augment is not None
    inputs, targets = pictures(count=4), np.eye(4, dtype=np.float32)
    blended, wanted = augment(tf.constant(inputs), tf.constant(targets), tf.constant(SEED))
    share = float(wanted[0, 0])
    assert 0 < share < 1
    np.testing.assert_allclose(wanted, share * targets + (1 - share) * targets[::-1], atol=1e-6)
    np.testing.assert_allclose(blended, share * inputs + (1 - share) * inputs[::-1], atol=1e-6)


def test_mixup_needs_targets_that_blend() -> None:
    with pytest.raises(Invalid, match=r"augmentation.mixup: needs a loss with one-hot targets"):
        Training(augmentation=Augmentation(mixup=0.2))
    mixed = Training(augmentation=Augmentation(mixup=0.2), loss=CategoricalCrossentropy())
    assert replace(mixed, epochs=3).augmentation.mixup == 0.2
