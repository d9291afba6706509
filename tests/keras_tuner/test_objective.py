"""What a search optimizes, and what a trial may return."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tuner.keras_tuner import Objective
from tuner.keras_tuner.errors import FatalTypeError, FatalValueError
from tuner.keras_tuner.objective import UNNAMED, metrics_of, objective_of


@pytest.mark.parametrize(
    ("name", "direction"),
    [("val_accuracy", "max"), ("val_loss", "min"), ("mse", "min"), ("val_auc", "max"), ("val_f1_score", "max")],
)
def test_the_direction_of_a_known_metric_is_known(name: str, direction: str) -> None:
    assert objective_of(name) == Objective(name, direction)


def test_a_misspelt_objective_names_the_near_miss_and_the_way_out() -> None:
    with pytest.raises(ValueError, match="Could not infer optimization direction") as caught:
        objective_of("val_acuracy")
    assert "did you mean accuracy?" in str(caught.value)
    assert 'Objective("val_acuracy", direction="min")' in str(caught.value)


def test_several_objectives_are_one_sum() -> None:
    both = objective_of(["val_accuracy", Objective("cost", "min")])
    assert both.get_value({"val_accuracy": 0.75, "cost": 2.0}) == 1.25
    assert both.has_value({"val_accuracy": 0.5}) is False
    assert both.better_than(1.0, 2.0)


@pytest.mark.parametrize("asked", [3, [3]])
def test_what_is_no_objective_is_refused(asked: Any) -> None:
    with pytest.raises(TypeError, match="`objective` not understood"):
        objective_of(asked)
    with pytest.raises(ValueError, match="direction must be 'min' or 'max'"):
        Objective("a", "up")


ACCURACY = Objective("val_accuracy", "max")
HISTORY = SimpleNamespace(history={"loss": [3.0, 2.0, 1.0], "val_accuracy": [0.5, 0.75, 0.625]})


HISTORY_OF_CLASSES = SimpleNamespace(history={"f1": [[0.1, 0.2], [0.3, 0.4]], "val_accuracy": [0.5, 0.75]})


@pytest.mark.parametrize(
    ("returned", "metrics", "step"),
    [
        (HISTORY, {"loss": 2.0, "val_accuracy": 0.75}, 1),
        ([HISTORY, {"val_accuracy": 0.25}], {"val_accuracy": 0.5}, 0),
        ({"val_accuracy": np.float32(0.5), "other": 1, "note": "a"}, {"val_accuracy": 0.5, "other": 1}, 0),
        (np.float32(0.5), {"val_accuracy": 0.5}, 0),
        (HISTORY_OF_CLASSES, {"val_accuracy": 0.75}, 1),
    ],
)
def test_metrics_are_those_of_the_best_epoch_and_their_mean_over_executions(
    returned: Any, metrics: dict[str, float], step: int
) -> None:
    assert metrics_of(returned, ACCURACY, "fit()") == (metrics, step)


@pytest.mark.parametrize(
    ("returned", "objective", "error", "message"),
    [
        (None, ACCURACY, FatalTypeError, "Did you forget to return the metrics"),
        ("0.5", ACCURACY, FatalTypeError, r"to be one of float, dict, keras.callbacks.History.* got '0.5'"),
        ({"val_loss": 1.0}, UNNAMED, FatalTypeError, "to be a single float when `objective` is left unspecified"),
        ({"val_loss": 1.0}, deepcopy(UNNAMED), FatalTypeError, "to be a single float"),  # in a training process
        ({"val_acc": 1.0}, ACCURACY, FatalValueError, "objective 'val_accuracy': did you mean val_acc?"),
    ],
)
def test_what_is_no_result_ends_the_search_with_one_message(
    returned: Any, objective: Objective, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        metrics_of(returned, objective, "fit()")
