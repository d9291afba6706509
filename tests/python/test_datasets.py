"""Datasets of Keras and TensorFlow as data: read once, with a validation part of their own, or told what is wrong."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import tuner
from tuner.base.errors import DataError, StudyError
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.python.datasets import is_dataset, read_dataset, together
from tuner.python.examples import examples_of
from tuner.python.study import Changes, study_on
from tuner.recipe import Cut

X, Y = np.arange(24, dtype=np.float32).reshape(6, 4), np.arange(6) % 2
WEIGHTS = np.linspace(1, 2, 6)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of two."""

    def __init__(self, count: int | None = 3) -> None:
        super().__init__()
        self.count = count

    @property
    def num_batches(self) -> int | None:
        return self.count

    def __getitem__(self, place: int) -> tuple[Any, ...]:
        return X[2 * place :][:2], Y[2 * place :][:2], WEIGHTS[2 * place :][:2]


def generated() -> Any:
    """A generator of batches."""
    yield from (Batches()[place] for place in range(3))


@pytest.mark.parametrize(
    "dataset", [Batches(), generated(), tf.data.Dataset.from_tensor_slices((X, Y, WEIGHTS)).batch(4)]
)
def test_batches_become_arrays(dataset: Any) -> None:
    assert is_dataset(dataset)
    x, y, weights = read_dataset(dataset, "the data")
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    assert np.array_equal(weights, WEIGHTS)


def test_several_inputs_have_names() -> None:
    inputs, _, weights = read_dataset(iter([({"a": X, "b": X[:, 0]}, Y)] * 2), "the data")
    assert {name: each.shape for name, each in inputs.items()} == {"a": (12, 4), "b": (12,)}
    assert weights is None


@pytest.mark.parametrize(
    ("dataset", "problem"),
    [
        (tf.data.Dataset.from_tensors((X, Y)).repeat(), r"the data: has no end: leave out repeat\(\)"),
        (Batches(None), "has no end: leave out"),
        (iter([X]), r"must give batches \(x, y\) or \(x, y, weights\), got a ndarray"),
        (iter([(X,)]), "got 1 parts"),
        (iter([((X, X), Y)]), "several inputs must be a dictionary"),
        (iter([]), "has no batch"),
        (((np.zeros((2**16, 2**12)), Y) for _ in iter(int, 1)), "has no end, or does not fit into memory"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_message(dataset: Any, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.python.datasets.SHARE_OF_MEMORY", 1e-6)
    with pytest.raises(DataError, match=problem):
        read_dataset(dataset, "the data")


def test_a_validation_part_follows_the_examples() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]})
    both = together(examples_of(frame, [0, 1]), examples_of(frame[1:], [0]))
    assert pd.DataFrame(both.x).to_dict("list") == {"a": [1.0, 2.0, 2.0], "b": ["u", "v", "v"]}
    assert both.y["y"].tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"validation: must have the columns of x, \['a', 'b'\], got \['a'\]"):
        together(examples_of(frame, [0, 1]), examples_of(frame[["a"]], [0, 1]))


def test_a_validation_part_of_its_own_is_the_end_of_the_training_part(places: Places) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 3, 3)).astype(np.float32)
    parts = [examples_of(each, (each.sum(axis=(1, 2)) > 0).astype(int)) for each in (x[:60], x[60:])]
    protocol = {"kind": "holdout", "validation": 30, "pick": "last"}
    changes = Changes(test=Cut(share=0.0), protocol=protocol, training={"epochs": 2})
    recipe = study_on(None, together(*parts), changes, places).corners[0][1]
    assert recipe.training.epochs == 2
    data = training_set(recipe.data, places)
    fold = folds_of(recipe.protocol, data)[0]
    assert fold.validation is not None
    assert np.array_equal(data.examples.take(fold.validation).inputs, x[60:])


def test_what_does_not_go_together_is_one_message(tmp_path: Path) -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3)
    with pytest.raises(StudyError, match="test: must be a pair of x and y, or 0"):
        tuner.optimize(data, validation=(X, Y), test=0.2, runs=tmp_path)
    with pytest.raises(StudyError, match="y: must be left out for a dataset"):
        tuner.optimize(data, [0, 1], runs=tmp_path)
    with pytest.raises(StudyError, match="x and y come together, and groups, weights, test and validation with them"):
        tuner.optimize("digits", validation=data, runs=tmp_path)
