"""Data sets that need no file: scikit-learn's digits, and the TensorFlow Playground's by its formulas."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tuner.data.examples import Array, Arrays

HALF = 250
"""Half of the points of a set of the Playground."""
RADIUS = 5.0
GAP = 0.3


def _digits() -> Arrays:
    """1797 images of 8×8, split 80 to 20 with every class represented alike."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bundle = load_digits()
    images, labels = bundle.images.astype(np.uint8), bundle.target.astype(np.uint8)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels)
    train.sort()
    test.sort()
    return images[train], labels[train], images[test], labels[test]


def _playground(points: Callable[[Generator], tuple[Array, Array]], seed: int) -> Arrays:
    """500 points without noise in random order, half of them for training; four decimals, the same on every machine."""
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs, labels = points(generator)
    order = generator.permutation(len(labels))
    inputs, labels = inputs[order].round(4).astype(np.float32), labels[order].astype(np.uint8)
    return inputs[:HALF], labels[:HALF], inputs[HALF:], labels[HALF:]


def circle(generator: Generator) -> tuple[Array, Array]:
    """Class 1 within half the radius, class 0 from 0.7 to 1 radius; angles uniform."""
    radii = np.concatenate([generator.uniform(0, 0.5, HALF), generator.uniform(0.7, 1.0, HALF)]) * RADIUS
    angles = generator.uniform(0, 2 * np.pi, 2 * HALF)
    points = np.stack([radii * np.sin(angles), radii * np.cos(angles)], axis=1)
    return points, np.repeat([1, 0], HALF)


def xor(generator: Generator) -> tuple[Array, Array]:
    """Uniform in a square of ±5, pushed 0.3 away from the axes; class 1 where both coordinates have one sign."""
    points = generator.uniform(-RADIUS, RADIUS, (2 * HALF, 2))
    points += np.where(points > 0, GAP, -GAP)
    return points, (points.prod(axis=1) >= 0).astype(np.int64)


def spiral(_: Generator) -> tuple[Array, Array]:
    """Two arms of 250 points: radius 5 i/n, angle 1.75 · 2π · i/n, the other arm turned by π."""
    share, turn = np.tile(np.arange(HALF) / HALF, 2), np.repeat([0.0, np.pi], HALF)
    angles = 1.75 * 2 * np.pi * share + turn
    return np.stack([RADIUS * share * np.sin(angles), RADIUS * share * np.cos(angles)], axis=1), 1 - np.sign(turn)


def spiral_with_features(generator: Generator) -> tuple[Array, Array]:
    """The spiral with all inputs that the Playground offers: x1, x2, their squares, their product, their sines."""
    points, labels = spiral(generator)
    first, second = points.T
    return np.stack([first, second, first**2, second**2, first * second, np.sin(first), np.sin(second)], axis=1), labels


SYNTHETIC: dict[str, Callable[[], Arrays]] = {
    "digits": _digits,
    "circle": lambda: _playground(circle, 1),
    "xor": lambda: _playground(xor, 2),
    "spiral-features": lambda: _playground(spiral_with_features, 3),
    "spiral": lambda: _playground(spiral, 3),
}
