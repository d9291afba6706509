"""From nested data, as a study file has it, to holes. Complaints name the address."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid, join, near_miss, require
from tuner.networks.function import Call
from tuner.space.holes import Choice, Range
from tuner.space.nodes import MOST_REPEATS, Asks, Node, OneOf, Repeat, has_holes, most_values

DEEPEST, LONGEST = 20, 1000
MOST_VALUES = 20_000
"""In the filled lists of lists of one repeat."""


def parse(plain: Any, place: str = "") -> Node:
    """The same nested data with holes instead of their tables. Raises `Invalid` with the hole's address."""
    check_plain(plain, place)
    return _parse(plain, place)


def _parse(plain: Any, place: str) -> Node:
    if isinstance(plain, list | tuple):
        return [_parse(each, f"{place}[{index}]") for index, each in enumerate(plain)]
    if not isinstance(plain, Mapping):
        return plain  # type: ignore[no-any-return]
    mark = next((mark for mark in _HOLES if mark in plain), "low" if "high" in plain else None)
    if mark is None:
        return {key: _parse(each, join(place, key)) for key, each in plain.items()}
    keys, parser = _HOLES[mark]
    for key in plain:
        if key not in keys:
            raise Invalid(join(place, key), f"unknown key in a hole with {mark!r}; {near_miss(key, keys)}")
    return parser(plain, place)


def check_plain(value: Any, place: str = "", depth: int = 0) -> None:
    """Raise `Invalid` with the address of the first value that JSON or Optuna's storages cannot hold, that lies too deep, or
    that is in too long a list."""
    match value:
        case Mapping() | list() | tuple():
            if depth == DEEPEST:
                raise Invalid(place, f"lies deeper than {DEEPEST} tables and lists")
            if not isinstance(value, Mapping) and len(value) > LONGEST:
                raise Invalid(place, f"must have at most {LONGEST:,} entries, got {len(value):,}")
            table = value if isinstance(value, Mapping) else {f"[{index}]": each for index, each in enumerate(value)}
            for key, each in table.items():
                check_plain(each, join(place, key), depth + 1)
        case int():
            if not -(2**63) <= value < 2**63:
                raise Invalid(place, "must be a number of at most 64 bits")
        case float():
            if not math.isfinite(value):
                raise Invalid(place, f"must be a finite number, got {value!r}")
        case str():
            return
        case _:
            raise Invalid(place, f"must be a text, a number, true, false, a list or a table, got {value}")


def _parse_choice(plain: Mapping[str, Any], place: str) -> Choice:
    options = plain["choice"]
    if not isinstance(options, list | tuple) or not options:
        raise Invalid(join(place, "choice"), f"must be a list with at least one value, got {options!r}")
    for index, option in enumerate(options):
        if has_holes(_parse(option, f"{place}.choice[{index}]")):
            raise Invalid(f"{place}.choice[{index}]", "has a hole of its own: use one_of for tables with holes")
    choice = Choice(tuple(options))
    if len({(type(name), name) for name in choice.names}) < len(choice.names):
        raise Invalid(join(place, "choice"), f"must not name a value twice, got {list(options)!r}")
    return choice


def _parse_range(plain: Mapping[str, Any], place: str) -> Range:
    hole = decode(Range, plain, place)
    return hole if hole.whole else replace(hole, low=float(hole.low), high=float(hole.high))


def _parse_repeat(plain: Mapping[str, Any], place: str) -> Repeat:
    for key in ("repeat", "each"):
        if key not in plain:
            raise Invalid(join(place, key), "missing: a list needs both repeat (how many) and each (what)")
    count = _parse(plain["repeat"], join(place, "repeat"))
    if type(count) is int:
        count = Choice((count,))
    if not isinstance(count, str | Range | Choice):
        problem = f"must be a number, a range, a choice or the name of a list, got {plain['repeat']!r}"
        raise Invalid(join(place, "repeat"), problem)
    numbers = () if isinstance(count, str) else count.points(2)
    if any(type(number) is not int or not 0 <= number <= MOST_REPEATS for number in numbers):
        rule = f"must be whole, at least 0 and at most {MOST_REPEATS}"
        raise Invalid(join(place, "repeat"), f"{rule}, got {', '.join(map(repr, numbers))}")
    repeat = Repeat(count, _parse(plain["each"], join(place, "each")))
    if most_values(repeat) > MOST_VALUES:
        raise Invalid(place, f"can be filled with more than {MOST_VALUES:,} values; use shorter lists")
    return repeat


def _parse_one_of(plain: Mapping[str, Any], place: str) -> OneOf:
    options = plain["one_of"]
    is_list = isinstance(options, list | tuple) and len(options) > 0
    require(is_list, join(place, "one_of"), "be a list of tables", options)
    branches: dict[str, dict[str, Node]] = {}
    for index, option in enumerate(options):
        table = {"kind": option} if isinstance(option, str) else option
        kind = table.get("kind") if isinstance(table, Mapping) else None
        here = f"{place}.one_of[{index}]"
        if not isinstance(kind, str):
            raise Invalid(here, f"must be a kind or a table with a kind, got {option!r}")
        if kind in branches:
            raise Invalid(here, f"the kind {kind!r} is there already: give each kind once, with a choice inside it")
        inner = ((key, each) for key, each in table.items() if key != "kind")
        branches[kind] = {key: _parse(each, f"{join(place, kind)}.{key}") for key, each in inner}
    return OneOf(branches)


def _parse_asks(plain: Mapping[str, Any], place: str) -> Asks:
    """A function's questions, as loading a study file has found them."""
    parsed = {
        key: {name: _parse(each, join(place, name)) for name, each in plain[key].items()}
        for key in ("holes", "changed")
    }
    return Asks(decode(Call, plain["ask"], place), compiled=plain["compiled"], cut=plain.get("cut", ""), **parsed)  # type: ignore[arg-type]


_HOLES: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], str], Node]]] = {
    "choice": (("choice",), _parse_choice),
    "low": (("low", "high", "log", "step"), _parse_range),
    "repeat": (("repeat", "each"), _parse_repeat),
    "one_of": (("one_of",), _parse_one_of),
    "ask": (("ask", "holes", "changed", "compiled", "cut"), _parse_asks),
}
