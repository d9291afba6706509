"""Pipelines of `tf.data` in another process: the same elements, and randomness that goes on."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner.worker.calls import pickled

X = np.arange(24, dtype="float32").reshape(12, 2)
FLIP = keras.layers.RandomFlip("horizontal")


def numbers() -> Any:
    """Twelve pairs of a row and its number."""
    return tf.data.Dataset.from_tensor_slices((X, np.arange(12)))


def elements(dataset: Any) -> list[Any]:
    """All of one pass."""
    return [np.asarray(each).tolist() for element in dataset for each in tf.nest.flatten(element)]


def sent(dataset: Any) -> Any:
    """The dataset of an argument after its way to a training process."""
    return pickle.loads(pickled({"data": [dataset]}))["data"][0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: numbers().batch(5),
        lambda: numbers().map(lambda a, b: (a * 2 + 1, b)).cache().batch(4).prefetch(2),
        lambda: numbers().map(lambda a, b: ({"a": a}, b)).batch(5, drop_remainder=True),
        lambda: numbers().batch(4).repeat().take(7),
        lambda: tf.data.Dataset.from_tensor_slices(["a", "c"]).map(keras.layers.StringLookup(vocabulary=["a", "b"])),
        lambda: keras.utils.timeseries_dataset_from_array(X, np.arange(12), sequence_length=3, batch_size=4),
    ],
)
def test_a_pipeline_has_the_same_elements_and_length_elsewhere(make: Callable[[], Any]) -> None:
    dataset = make()
    there = sent(dataset)
    assert elements(there) == elements(dataset)
    assert there.element_spec == dataset.element_spec
    assert there.cardinality() == dataset.cardinality()


@pytest.mark.parametrize(
    "make",
    [
        lambda: numbers().shuffle(12),
        lambda: numbers().map(lambda a, b: (a + tf.random.uniform((2,)), b)),
        lambda: numbers().batch(12).map(lambda a, b: (FLIP(a[:, None, :, None], training=True), b)),
    ],
)
def test_each_pass_draws_anew_as_it_did_before(make: Callable[[], Any]) -> None:
    """Where a seed of TensorFlow is set, in a test before this one, some pipelines draw the same again."""
    dataset = make()
    here, there = ({str(elements(each)) for _ in range(3)} for each in (dataset, sent(dataset)))
    assert (len(there) > 1) == (len(here) > 1)


def test_names_that_keras_gives_a_dataset_go_with_it() -> None:
    dataset = numbers()
    dataset.class_names = ["a", "b"]
    assert sent(dataset).class_names == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: numbers().map(lambda a, b: tf.py_function(abs, [a], tf.float32)), "calls a Python function"),
        (
            lambda path: tf.data.Dataset.from_generator(
                lambda: iter([1]), output_signature=tf.TensorSpec((), tf.int32)
            ),
            "calls a Python function",
        ),
        (lambda path: numbers().cache(str(path / "cache")).batch(4), "caches in a file, which one process can write"),
    ],
)
def test_what_needs_this_process_is_refused(make: Callable[[Path], Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(pickle.PicklingError, match=f"a tf.data.Dataset that {reason}"):
        pickled(make(tmp_path))
