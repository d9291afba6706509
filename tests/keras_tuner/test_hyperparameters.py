"""KerasTuner's `hp`: what it answers, what it knows of a space, and what it refuses."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from tuner.keras_tuner import HyperParameters
from tuner.space import Hole


def asked(ask: Callable[[HyperParameters], Any]) -> list[Any]:
    """The values of the one parameter that is asked for."""
    hp = HyperParameters()
    ask(hp)
    return hp.space[0].values


def test_without_values_every_parameter_has_its_default() -> None:
    hp = HyperParameters()
    values = (
        hp.Int("units", 32, 512, step=32),
        hp.Float("rate", 1e-4, 1e-2, sampling="log", default=1e-3),
        hp.Choice("activation", ["relu", "tanh"]),
        hp.Boolean("dropout"),
        hp.Fixed("loss", "mse"),
    )
    assert values == (32, 1e-3, "relu", False, "mse")
    assert hp.values == {"units": 32, "rate": 1e-3, "activation": "relu", "dropout": False, "loss": "mse"}


def test_a_value_that_is_there_is_taken_in_the_place_of_the_default() -> None:
    hp = HyperParameters()
    hp.values["model"] = "cnn"
    assert hp.Choice("model", ["mlp", "cnn"]) == "cnn"


@pytest.mark.parametrize(
    ("ask", "values"),
    [
        (lambda hp: hp.Int("n", 6, 13, step=3), [6, 9, 12]),
        (lambda hp: hp.Int("n", 2, 4), [2, 3, 4]),
        (lambda hp: hp.Int("n", 2, 32, step=2, sampling="log"), [2, 4, 8, 16, 32]),
        (lambda hp: hp.Float("x", 0, 1, step=0.25), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (lambda hp: hp.Float("x", 0.01, 1, step=10, sampling="log"), [0.01, 0.1, 1.0]),
        (lambda hp: hp.Float("x", 1, 100, step=10, sampling="reverse_log"), [100.0, 91.0, 1.0]),
        (lambda hp: hp.Boolean("b"), [True, False]),
        (lambda hp: hp.Fixed("f", 3), [3]),
    ],
)
def test_steps_are_added_on_a_linear_scale_and_multiplied_on_a_logarithmic_one(
    ask: Callable[[HyperParameters], Any], values: list[Any]
) -> None:
    assert asked(ask) == pytest.approx(values)


def test_a_range_without_steps_has_ten_points_with_both_ends() -> None:
    values = asked(lambda hp: hp.Float("x", 1.0, 2.0))
    assert (len(values), values[0], values[-1]) == (10, 1.0, 2.0)


def test_reverse_log_draws_most_values_near_the_upper_end() -> None:
    hp = HyperParameters()
    hp.Float("momentum", 0.01, 1.0, sampling="reverse_log")
    drawn = [hp.space[0].random_sample(seed) for seed in range(100)]
    assert sum(value > 0.5 for value in drawn) > 80
    assert all(0.01 <= value <= 1.0 for value in drawn)


def test_only_parameters_of_a_condition_that_holds_have_a_value() -> None:
    hp = HyperParameters()
    hp.Choice("model", ["mlp", "cnn"])
    with hp.conditional_scope("model", "mlp"):
        units = hp.Int("width", 8, 64)
    with hp.conditional_scope("model", ["cnn"]):
        filters = hp.Int("width", 16, 32)
    rate = hp.Float("rate", 0.0, 1.0, parent_name="model", parent_values=["cnn"])
    assert (units, filters, rate) == (8, None, None)
    assert hp.values == {"model": "mlp", "width": 8}
    assert [each.label for each in hp.space] == ["model", "width | model=mlp", "width | model=cnn", "rate | model=cnn"]
    with pytest.raises(ValueError, match="rate is currently inactive"):
        hp.get("rate")


def test_names_in_a_scope_begin_with_its_name() -> None:
    hp = HyperParameters()
    hp.Int("units", 1, 3)
    with hp.name_scope("head"):
        hp.Int("units", 4, 6)
        assert hp.get("units") == 4
        assert "units" in hp
    assert hp.values == {"units": 1, "head/units": 4}
    with pytest.raises(KeyError, match="depth does not exist"):
        hp["depth"]


def test_the_first_range_of_a_name_counts() -> None:
    """A space that a script passes overrides what its function asks for."""
    hp = HyperParameters()
    hp.Float("rate", 1e-4, 1e-2)
    assert hp.Choice("rate", [0.1, 0.2]) == 1e-4
    assert len(hp.space) == 1


def test_a_space_survives_json() -> None:
    hp = HyperParameters()
    hp.Int("units", np.int64(8), 64, step=8)
    hp.Float("momentum", 0.5, 0.99, sampling="reverse_log")
    with hp.conditional_scope("units", [8, 16]):
        hp.Choice("activation", ["relu", "tanh"], default="tanh")
    again = HyperParameters.from_config(json.loads(json.dumps(hp.get_config())))
    assert (again.space, again.values) == (hp.space, hp.values)
    assert again.copy().get_config() == hp.get_config()


def test_whoever_is_asked_gets_labels_and_holes_and_answers() -> None:
    """The contract of a function as a network: what has one value is not asked for."""
    holes: dict[str, Hole] = {}

    def answer(label: str, hole: Hole) -> Any:
        holes[label] = hole
        return hole.drawn(Random(1))

    hp = HyperParameters(answer)
    values = [hp.Int("units", 8, 64, step=8), hp.Choice("activation", ["relu", "tanh"]), hp.Fixed("loss", "mse")]
    mirrored = hp.Float("momentum", 0.5, 0.9, sampling="reverse_log")
    assert list(holes) == ["units", "activation", "momentum (mirrored)"]
    assert values == [holes["units"].drawn(Random(1)), holes["activation"].drawn(Random(1)), "mse"]
    assert mirrored == pytest.approx(1.4 - float(holes["momentum (mirrored)"].drawn(Random(1))))


def test_merging_replaces_a_parameter_unless_it_may_not() -> None:
    hp, other = HyperParameters(), HyperParameters()
    hp.Int("units", 0, 100)
    other.Fixed("units", 3)
    other.Boolean("dropout")
    hp.merge(other, overwrite=False)
    assert hp.values == {"units": 0, "dropout": False}
    hp.merge(other)
    assert hp.values == {"units": 3, "dropout": False}
    assert [each.kind for each in hp.space] == ["Fixed", "Boolean"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda hp: hp.Int("k", 5, 1), r"Int\(name='k'\), min_value 5 is greater than the max_value 1"),
        (lambda hp: hp.Int("k", 0.5, 1), "must be an int"),
        (lambda hp: hp.Float("x", 0, 1, sampling="log"), "does not support negative values or 0"),
        (lambda hp: hp.Float("x", 0, 1, sampling="quad"), "sampling must be one of linear, log, reverse_log"),
        (lambda hp: hp.Int("k", 1, 9, step=1, sampling="log"), "expected step > 1"),
        (lambda hp: hp.Int("k", 1, 9, step=0), "expected step > 0"),
        (lambda hp: hp.Int("k", "a", None), r"must be numbers, got \['a', None, 1\]"),
        (lambda hp: hp.Choice("c", []), "`values` must be provided"),
        (lambda hp: hp.Choice("c", [1, "a"]), "can contain only one type"),
        (lambda hp: hp.Choice("c", [{}]), "can contain only `int`"),
        (lambda hp: hp.Choice("c", [1, 2], default=3), "should be one of the choices"),
        (lambda hp: hp.Choice("c", ["a"], ordered=True), "must be `False`"),
        (lambda hp: hp.Boolean("b", default=1), "must be a Python boolean"),
        (lambda hp: hp.Fixed("f", None), "value must be an `int`"),
        (lambda hp: hp.Int("k", 1, 2, parent_name="no", parent_values=1), "no not defined"),
    ],
)
def test_arguments_that_make_no_parameter_are_refused_with_its_name(
    ask: Callable[[HyperParameters], Any], message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        ask(HyperParameters())


def test_a_parameter_is_not_its_own_condition() -> None:
    hp = HyperParameters()
    hp.Choice("a", [1, 2])
    with pytest.raises(ValueError, match="cannot have the same name as its parent: a"), hp.conditional_scope("a", 1):
        hp.Choice("a", [1, 2])
