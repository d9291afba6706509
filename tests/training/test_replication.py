"""Bagging: averages of probabilities, and members that went wrong."""

import numpy as np

from tuner.training.replication import bagged


def test_an_ensemble_averages_and_leaves_out_what_is_not_finite() -> None:
    labels = np.array([0, 1, 1])
    good = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32)
    other = np.array([[0.4, 0.6], [0.1, 0.9], [0.4, 0.6]], np.float32)
    broken = np.full((3, 2), np.nan, np.float32)
    found = bagged([good, broken, other], labels)
    np.testing.assert_allclose(found.single, [2 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(found.ensemble, [2 / 3, 2 / 3, 1.0])
    assert found.left_out == (1,)
