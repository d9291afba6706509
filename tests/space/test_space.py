"""Spaces: holes, filling, corners, grids, overrides."""

import math
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.base.errors import Invalid
from tuner.space import (
    answers_of,
    assigned,
    corners,
    dimensions,
    fill,
    filling,
    fillings,
    grid,
    override,
    parse,
    size,
)

OPTIMIZER = {"one_of": ["adam", {"kind": "sgd", "momentum": {"low": 0.0, "high": 0.9}}]}
WIDTHS = {"repeat": {"low": 1, "high": 3}, "each": {"low": 8, "high": 64, "log": True}}


def holes() -> st.SearchStrategy[Any]:
    """Plain data with holes, nested to a few levels."""
    numbers = st.tuples(st.integers(1, 5), st.integers(0, 5)).map(lambda n: {"low": n[0], "high": n[0] + n[1]})
    floats = st.tuples(st.floats(0.1, 1), st.floats(0, 5), st.booleans()).map(
        lambda n: {"low": n[0], "high": n[0] + n[1], "log": n[2]}
    )
    choices = st.lists(st.sampled_from(["a", "b", 1, 2.5, True]), min_size=1, unique_by=repr).map(
        lambda options: {"choice": options}
    )
    leaves = st.one_of(numbers, floats, choices, st.sampled_from([1, "x", 0.5]))

    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        tables = st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, min_size=1)
        branches = st.lists(tables, min_size=1, max_size=3).map(
            lambda each: {"one_of": [{"kind": f"k{i}", **table} for i, table in enumerate(each)]}
        )
        repeats = st.tuples(st.integers(0, 2), inner).map(
            lambda pair: {"repeat": {"low": pair[0], "high": pair[0] + 1}, "each": pair[1]}
        )
        return st.one_of(tables, branches, repeats)

    return st.dictionaries(st.sampled_from(["x", "y", "z"]), st.recursive(leaves, deeper, max_leaves=6), min_size=1)


@given(holes(), st.integers(0, 2**31))
def test_filling_and_replaying_agree(plain: Any, seed: int) -> None:
    space = parse(plain)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    filled = fill(space, answers_of(trial))
    assert fill(space, answers_of(optuna.trial.FixedTrial(trial.params))) == filled
    frozen = study.tell(trial, 0.0)
    assert fill(space, answers_of(frozen)) == filled


@given(holes())
def test_corners_show_every_answer_that_filling_can_meet(plain: Any) -> None:
    space = parse(plain)
    shown: set[tuple[str, str]] = set()
    possible: set[tuple[str, str]] = set()
    for given_, _ in corners(space):
        for last in (False, True):
            filled = filling(space, assigned(given_, last=last))
            possible |= {(name, repr(option)) for name, hole in filled.holes.items() for option in hole.points(2)}
            shown |= {(name, repr(answer)) for name, answer in filled.answers.items()}
    assert shown == possible


@given(holes())
def test_a_grid_has_no_point_twice_and_every_point_fills(plain: Any) -> None:
    space = parse(plain)
    seen = []
    for _, assignment in zip(range(200), grid(space, 2), strict=False):
        assert fill(space, assigned(assignment)) is not None
        seen.append(assignment)
    assert len({repr(each) for each in seen}) == len(seen)


def test_a_branch_is_asked_for_only_with_its_kind() -> None:
    space = parse({"optimizer": OPTIMIZER})
    adam, sgd = (
        optuna.trial.FixedTrial({"optimizer.kind": "adam"}),
        optuna.trial.FixedTrial({"optimizer.kind": "sgd", "optimizer.sgd.momentum": 0.5}),
    )
    assert fill(space, answers_of(adam)) == {"optimizer": {"kind": "adam"}}
    assert fill(space, answers_of(sgd)) == {"optimizer": {"kind": "sgd", "momentum": 0.5}}


def test_a_list_is_as_long_as_the_list_it_names() -> None:
    space = parse({"widths": WIDTHS, "hidden": {"dropout": {"repeat": "widths", "each": {"low": 0.0, "high": 0.5}}}})
    for _, filled in corners(space):
        assert len(filled["hidden"]["dropout"]) == len(filled["widths"])


def test_choices_may_be_lists_and_tables() -> None:
    space = parse({"widths": {"choice": [[8, 8], [16]]}})
    assert [filled["widths"] for _, filled in corners(space)] == [[8, 8], [16]]


def test_true_and_one_are_different_options() -> None:
    space = parse({"x": {"choice": [1, True]}})
    assert [type(filled["x"]) for _, filled in corners(space)] == [int, bool]


def test_a_hole_without_a_choice_is_not_asked_for() -> None:
    space = parse({"a": {"choice": ["x"]}, "b": {"low": 3, "high": 3}, "c": {"one_of": ["adam"]}})
    assert fill(space, answers_of(optuna.trial.FixedTrial({}))) == {"a": "x", "b": 3, "c": {"kind": "adam"}}


def test_the_grid_has_as_many_points_as_the_size() -> None:
    space = parse(
        {
            "optimizer": {"one_of": ["adam", {"kind": "sgd", "nesterov": {"choice": [True, False]}}]},
            "n": {"low": 1, "high": 3},
        }
    )
    assert size(space) == 9.0
    assert len(list(grid(space, 100))) == 9


def test_a_continuous_space_has_no_size() -> None:
    assert math.isinf(size(parse({"rate": {"low": 0.0, "high": 1.0}})))


def test_dimensions_have_an_address_and_values() -> None:
    assert dict(dimensions(parse({"optimizer": OPTIMIZER, "widths": WIDTHS}))) == {
        "optimizer.kind": "adam, sgd",
        "optimizer.sgd.momentum": "0 to 0.9",
        "widths.count": "1 to 3",
        "widths[…]": "8 to 64 on a logarithmic scale",
    }


def test_a_space_with_too_many_corners_is_refused() -> None:
    space = parse({f"x{number}": {"choice": list(range(600))} for number in range(2)})
    with pytest.raises(
        Invalid, match=r"^has too many corners \(each option, .*\) to check them all, at most 1,000 with"
    ):
        list(corners(space))


def test_a_hundred_holes_in_a_row_have_corners() -> None:
    space = parse({"widths": {"repeat": 100, "each": {"low": 1, "high": 9}}})
    assert len(list(corners(space))) == 200


def test_every_value_of_a_logarithmic_range_of_whole_numbers_is_walked() -> None:
    space = parse({"n": {"low": 1, "high": 5, "log": True}})
    assert [given["n"] for given in grid(space, 2**31)] == [1, 2, 3, 4, 5]


def test_fillings_are_all_of_a_small_space_and_a_sample_of_a_large_one() -> None:
    small = parse({"a": {"choice": [1, 2]}, "b": {"low": 1, "high": 3}})
    assert len(fillings(small, 6)) == 6
    assert len({str(each) for each in fillings(small, 6)}) == 6
    large = parse({"a": {"low": 1e-3, "high": 1.0, "log": True}, "b": {"low": 16, "high": 64, "step": 16}})
    assert len(fillings(large, 200)) == 200
    assert fillings(large, 200) == fillings(large, 200)
    assert {each["b"] for each in fillings(large, 200)} == {16, 32, 48, 64}
    assert 0.3 < sum(each["a"] < 0.03 for each in fillings(large, 200)) / 200 < 0.7


def test_a_size_beyond_all_numbers_is_infinite() -> None:
    assert math.isinf(size(parse({"n": {"repeat": 100, "each": {"low": 1, "high": 2**62}}})))


def test_an_override_fixes_a_hole_or_makes_one() -> None:
    plain = {"training": {"batch_size": 32, "optimizer": OPTIMIZER}, "widths": [8, 16]}
    assert override(plain, "training.batch_size", 64)["training"]["batch_size"] == 64
    assert override(plain, "widths[1]", 4)["widths"] == [8, 4]
    assert override(plain, "training.epochs", {"low": 1, "high": 3})["training"]["epochs"] == {"low": 1, "high": 3}


def test_an_override_reaches_into_branches() -> None:
    plain = {"optimizer": OPTIMIZER}
    sgd_only = override(plain, "optimizer.sgd.momentum", 0.5)["optimizer"]["one_of"]
    assert sgd_only == [{"kind": "adam"}, {"kind": "sgd", "momentum": 0.5}]
    everywhere = override(plain, "optimizer.learning_rate", 0.1)["optimizer"]["one_of"]
    assert [branch["learning_rate"] for branch in everywhere] == [0.1, 0.1]
    assert override(plain, "optimizer.kind", "adam")["optimizer"] == {"one_of": [{"kind": "adam"}]}


def test_an_override_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^optimizer\.kind: the space has no branch 'adm'; did you mean adam\?$"):
        override({"optimizer": OPTIMIZER}, "optimizer.kind", "adm")
    with pytest.raises(Invalid, match=r"^widths\[3\]: there is no such item here; set the whole list instead$"):
        override({"widths": [1]}, "widths[3]", 4)
    with pytest.raises(Invalid, match=r"^o\.one_of: must be a list of tables with a kind, got 3$"):
        override({"o": {"one_of": 3}}, "o.kind", "a")
    with pytest.raises(Invalid, match=r"^n\.deep: n is a value without parts; set n itself$"):
        override({"n": 1}, "n.deep", 4)
