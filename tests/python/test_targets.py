"""What a study from Python is about: classes in columns, the positive class, wide frames."""

import numpy as np
import pandas as pd
import pytest

from tuner.base.errors import DataError
from tuner.data.sources import Places
from tuner.python.examples import examples_of, inputs_of
from tuner.python.study import Changes, study_on
from tuner.recipe import Recipe

X = np.random.default_rng(0).normal(size=(60, 2))


def data_of(y: object, places: Places, study: object = None) -> Recipe:
    """The first recipe of the study that is made for these targets."""
    return study_on(study, examples_of(X, y), Changes(), places).corners[0][1]  # type: ignore[arg-type]


def test_one_hot_targets_are_classes(places: Places) -> None:
    data = data_of(np.eye(3)[np.arange(60) % 3], places).data
    assert (data.task, data.found.classes) == ("classification", ("0", "1", "2"))  # type: ignore[union-attr]


@pytest.mark.parametrize(("step", "positive"), [(6, "fraud"), (2, "")])
def test_the_rarer_of_two_classes_is_the_positive_one(step: int, positive: str, places: Places) -> None:
    y = np.where(np.arange(60) % step == 0, "fraud", "ok")
    data = data_of(y, places).data
    assert data.positive == positive  # type: ignore[union-attr]
    assert data.found.classes == (("ok", "fraud") if positive else ("fraud", "ok"))  # type: ignore[union-attr]


def test_a_wide_frame_of_numbers_is_a_block_of_numbers() -> None:
    frame = pd.DataFrame(np.arange(4800.0).reshape(4, 1200))
    inputs = inputs_of(frame)
    assert isinstance(inputs, np.ndarray)
    np.testing.assert_array_equal(inputs, frame)
    with pytest.raises(DataError) as error:
        inputs_of(frame.assign(name="a"))
    problem = "has 1,201 columns; more than 1,000 must all be numbers, which column 'name' is not"
    assert str(error.value) == f"the data: x: {problem}"
