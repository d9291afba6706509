"""Several arrays from Python: each with more than one axis is a part of the inputs."""

import numpy as np
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.ingest import ingest_from_python
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks.parts import offered_shapes
from tuner.python.examples import examples_of, inputs_of
from tuner.recipe import Cut, Table, describe

RNG = np.random.default_rng(0)
X = {"image": RNG.normal(size=(40, 9, 8)), "numbers": RNG.normal(size=(40, 3)), "age": RNG.integers(20, 60, 40)}
Y = np.arange(40) % 2


def test_a_mapping_of_arrays_has_a_part_for_each(places: Places) -> None:
    data = ingest_from_python(examples_of(X, Y), Cut(share=0), "classification", places)
    assert isinstance(data, Table)
    assert [(each.kind, each.format) for each in data.columns] == [("array", "9x8"), ("array", "3"), ("number", "")]
    shapes = offered_shapes(describe(data).inputs)
    assert dict(shapes) == {"table": (1,), "image": (9, 8), "numbers": (3,)}  # type: ignore[arg-type]
    stored = training_set(data, places).examples.inputs
    assert stored[:, :72].reshape(40, 9, 8) == pytest.approx(X["image"].astype(np.float32))


def test_arrays_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match="cannot become an array: All arrays must be of the same length"):
        inputs_of({**X, "numbers": X["numbers"][:5]})
