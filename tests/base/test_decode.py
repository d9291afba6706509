"""Decoding: what is accepted, and every complaint word for word."""

import copy
from typing import Any

import pytest

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid
from tuner.networks import Dense, Hidden, LeakyRelu
from tuner.recipe import Adam, Holdout, Recipe, Sgd

PLAIN: dict[str, Any] = {"data": {"name": "digits"}, "network": {"kind": "dense", "widths": [8]}}


def with_part(path: str, value: object) -> dict[str, object]:
    """The plain recipe with one value changed."""
    changed: dict[str, Any] = copy.deepcopy(PLAIN)
    table = changed
    *outer, last = path.split(".")
    for key in outer:
        table = table.setdefault(key, {})
    table[last] = value
    return changed


def test_what_is_not_said_has_the_default() -> None:
    recipe = Recipe.from_dict(PLAIN)
    assert recipe.network == Dense(widths=(8,), hidden=Hidden(), output="softmax")
    assert recipe.protocol == Holdout(validation=0.2, pick="stratified", seed=0)


def test_a_bare_name_stands_for_a_kind_with_its_defaults() -> None:
    recipe = Recipe.from_dict(with_part("training.optimizer", "sgd"))
    assert recipe.training.optimizer == Sgd(learning_rate=0.01, momentum=0.0)
    assert decode(Hidden, {"activation": "leaky_relu"}).activation == LeakyRelu(slope=0.3)


def test_one_class_may_answer_to_several_kinds() -> None:
    recipe = Recipe.from_dict(with_part("training.optimizer", {"kind": "nadam", "beta_1": 0.8}))
    assert recipe.training.optimizer == Adam(kind="nadam", beta_1=0.8)


def test_a_whole_number_is_taken_where_a_number_is_wanted() -> None:
    recipe = Recipe.from_dict(with_part("network.hidden.dropout", 0))
    assert recipe.network.hidden.dropout == 0.0
    assert type(recipe.network.hidden.dropout) is float


def test_a_recipe_survives_the_way_through_json() -> None:
    recipe = Recipe.from_dict(with_part("network.hidden.dropout", [0.25]))
    assert Recipe.from_dict(encode(recipe)) == recipe


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("training.optimiser", "adam", "training.optimiser: unknown key; did you mean optimizer?"),
        ("training.optimizer", "adm", "training.optimizer.kind: unknown kind 'adm'; did you mean adam?"),
        (
            "training.optimizer",
            {"kind": "sgd", "momentum": 1.5},
            "training.optimizer.momentum: must be at least 0 and less than 1, got 1.5",
        ),
        ("training.batch_size", True, "training.batch_size: must be a whole number, got True"),
        ("training.batch_size", 0, "training.batch_size: must be at least 1, got 0"),
        ("training.epochs", 2.5, "training.epochs: must be a whole number, got 2.5"),
        ("data.name", "fashion", "data.name: unknown data set 'fashion'; did you mean fashion-mnist?"),
        ("data", "digits", "data: must be a table, got 'digits'"),
        ("network.widths", 8, "network.widths: must be a list of a whole number, got 8"),
        ("network.widths", [8, "x"], "network.widths[1]: must be a whole number, got 'x'"),
        ("network.widths", [8, 0], "network.widths[1]: must be at least 1, got 0"),
        (
            "network.kind",
            None,
            "network.kind: missing; allowed: dense, residual_dense, ensemble_dense, convolutional, locally_connected, staged, function",
        ),
        (
            "network.hidden.dropout",
            [0.1, 0.2],
            "network.hidden.dropout: must have one rate for each of the 1 widths, got 2",
        ),
        ("network.hidden.dropout", "x", "network.hidden.dropout: must be a number or a list of a number, got 'x'"),
        ("network.hidden.kernel_l2", float("nan"), "network.hidden.kernel_l2: must be a finite number, got nan"),
        (
            "protocol.validation",
            1.5,
            "protocol.validation: must be a share between 0 and 1 or a number of examples, got 1.5",
        ),
        ("seed", -1, "seed: must be at least 0 and below 2**32, got -1"),
        (
            "network.output",
            "signed",
            "training.loss: must be a squared error for network.output 'signed', got 'sparse_categorical_crossentropy'",
        ),
    ],
)
def test_a_complaint_has_the_address_the_rule_and_the_value(path: str, value: object, message: str) -> None:
    plain = with_part(path, value)
    if path == "protocol.validation":
        plain["protocol"] = {"kind": "holdout", "validation": value}
    with pytest.raises(Invalid) as complaint:
        Recipe.from_dict(plain)
    assert str(complaint.value) == message


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Invalid, match=r"^network\.widths: missing; must be a list of a whole number$"):
        Recipe.from_dict({**PLAIN, "network": {"kind": "dense"}})


def test_no_validation_means_no_figure_to_stop_or_choose_by() -> None:
    for part, value, field in (
        ("early_stopping", "patience", "training.early_stopping"),
        ("keep", "best", "training.keep"),
    ):
        with pytest.raises(Invalid) as complaint:
            Recipe.from_dict({**PLAIN, "protocol": {"kind": "none"}, "training": {part: value}})
        assert complaint.value.place == field
