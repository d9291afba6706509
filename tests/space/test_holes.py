"""Holes: refused ones with their address, and the values that a hole allows."""

import datetime
import math
from typing import Any

import pytest

from tuner.base.errors import Invalid
from tuner.space import Choice, Range, parse


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"x": {"choice": []}}, "x.choice: must be a list with at least one value, got []"),
        ({"x": {"choice": ["a", "a"]}}, "x.choice: must not name a value twice, got ['a', 'a']"),
        ({"x": {"low": 2, "high": 1}}, "x: low must not be above high, got low = 2, high = 1"),
        (
            {"x": {"low": 0.0, "high": 1.0, "log": True}},
            "x.low: must be greater than 0 on a logarithmic scale, got 0.0",
        ),
        ({"x": {"low": 1}}, "x.high: missing; must be a whole number or a number"),
        ({"x": {"low": 1, "high": 2, "lag": True}}, "x.lag: unknown key in a hole with 'low'; did you mean log?"),
        ({"x": {"low": 1, "high": 6, "step": 2}}, "x.step: must lead from 1 to 6 in whole steps, got 2"),
        ({"x": {"repeat": 2}}, "x.each: missing: a list needs both repeat (how many) and each (what)"),
        ({"x": {"one_of": [{"a": 1}]}}, "x.one_of[0]: must be a kind or a table with a kind, got {'a': 1}"),
        (
            {"x": {"one_of": ["a", "a"]}},
            "x.one_of[1]: the kind 'a' is there already: give each kind once, with a choice inside it",
        ),
        (
            {"x": {"choice": [{"kind": "a", "n": {"low": 1, "high": 2}}]}},
            "x.choice[0]: has a hole of its own: use one_of for tables with holes",
        ),
        (
            {"x": datetime.date(2024, 1, 1)},
            "x: must be a text, a number, true, false, a list or a table, got 2024-01-01",
        ),
        ({"x": {"choice": [1.0, math.nan]}}, "x.choice[1]: must be a finite number, got nan"),
        ({"x": {"choice": [2**63]}}, "x.choice[0]: must be a number of at most 64 bits"),
        ({"x": [0] * 1001}, "x: must have at most 1,000 entries, got 1,001"),
        (
            {"x": {"repeat": {"low": 1, "high": 10**9}, "each": 1}},
            "x.repeat: must be whole, at least 0 and at most 100, got 1, 1000000000",
        ),
        (
            {"x": {"repeat": 100, "each": {"repeat": 100, "each": {"repeat": 3, "each": 0}}}},
            "x: can be filled with more than 20,000 values; use shorter lists",
        ),
        ({"x": {"low": -1e308, "high": 1e308}}, "x: is too wide for a computer's numbers, from -1e+308 to 1e+308"),
        (
            {"x": {"low": 0.0, "high": 1.0, "step": 5e-324}},
            "x.step: must lead from 0.0 to 1.0 in whole steps, got 5e-324",
        ),
    ],
)
def test_a_bad_hole_is_refused_with_its_address(plain: Any, message: str) -> None:
    with pytest.raises(Invalid) as complaint:
        parse(plain)
    assert str(complaint.value) == message


def test_nested_data_has_a_deepest_level() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    with pytest.raises(Invalid, match=r"^x(\[0\]){19}: lies deeper than 20 tables and lists$"):
        parse({"x": deep})


@pytest.mark.parametrize(
    ("hole", "values", "others"),
    [
        (Range(1, 3), [1, 2, 3], [0, 4, 1.5, 2.0, True, "2"]),
        (Range(16, 64, step=16), [16, 32, 48, 64], [20, 80]),
        (Range(0.1, 0.5, step=0.1), [0.1, 0.3, 0.5], [0.25, 0.6]),
        (Range(1e-4, 1.0, log=True), [1e-4, 0.2, 1], [0.0, 2, math.nan]),
        (Choice((1, "a", [8, 8])), [1, "a", "[8, 8]"], [True, 1.0, "b", [8, 8]]),
    ],
)
def test_a_hole_allows_its_values_only(hole: Range | Choice, values: list[Any], others: list[Any]) -> None:
    assert all(hole.allows(value) for value in values)
    assert not any(hole.allows(value) for value in others)


def test_a_range_names_the_nearest_of_its_values() -> None:
    assert Range(16, 64, step=16).nearest(20) == (16, 32)
    assert Range(16, 64, step=16).nearest(99) == (64,)
    assert Range(1, 3).nearest(1.5) == (1, 2)
    assert Range(0.1, 0.5, step=0.1).nearest(0.25) == (0.2, 0.3)
