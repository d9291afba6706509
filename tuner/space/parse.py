"""From nested data, as a study file has it, to holes. Complaints name the address."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tuner.base.errors import Invalid, join, near_miss, require
from tuner.space.holes import Choice, Hole, Node, OneOf, Range, Repeat

DEEPEST, LONGEST = 20, 1000
MOST_REPEATS = 100
"""More layers than anyone searches one by one: each is a hole with its own corners."""

MOST_VALUES = 20_000
"""In the filled lists of lists of one repeat."""

MARKS = {
    "choice": {"choice"},
    "low": {"low", "high", "log", "step"},
    "repeat": {"repeat", "each"},
    "one_of": {"one_of"},
}


def parse(plain: Any, place: str = "") -> Node:
    """The same nested data with holes instead of their tables. Raises `Invalid` with the hole's address."""
    check_plain(plain, place)
    return _parse(plain, place)


def _parse(plain: Any, place: str) -> Node:
    if isinstance(plain, list | tuple):
        return [_parse(each, f"{place}[{index}]") for index, each in enumerate(plain)]
    if not isinstance(plain, Mapping):
        return plain  # type: ignore[no-any-return]
    mark = next((mark for mark in MARKS if mark in plain), "low" if "high" in plain else None)
    if mark is None:
        return {key: _parse(each, join(place, key)) for key, each in plain.items()}
    for key in plain:
        if key not in MARKS[mark]:
            raise Invalid(join(place, key), f"does not belong to a hole with {mark!r}; {near_miss(key, MARKS[mark])}")
    return _PARSERS[mark](plain, place)


def check_plain(value: Any, place: str = "", depth: int = 0) -> None:
    """Raise `Invalid` with the address of the first value that JSON or Optuna's storages cannot hold, that lies too deep, or
    that is in too long a list."""
    match value:
        case Mapping() | list() | tuple():
            if depth == DEEPEST:
                raise Invalid(place, f"lies deeper than {DEEPEST} tables and lists")
            if not isinstance(value, Mapping) and len(value) > LONGEST:
                raise Invalid(place, f"must have at most {LONGEST:,} entries, got {len(value):,}")
            keys = value if isinstance(value, Mapping) else (f"[{index}]" for index in range(len(value)))
            items = value.values() if isinstance(value, Mapping) else value
            for key, each in zip(keys, items, strict=True):
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
        if _has_hole(_parse(option, f"{place}.choice[{index}]")):
            raise Invalid(f"{place}.choice[{index}]", "has a hole of its own: use one_of for tables with holes")
    choice = Choice(tuple(options))
    if len({(type(name), name) for name in choice.names}) < len(choice.names):
        raise Invalid(join(place, "choice"), f"must not name a value twice, got {list(options)!r}")
    return choice


def _parse_range(plain: Mapping[str, Any], place: str) -> Range:
    for end in ("low", "high"):
        if type(plain.get(end)) not in (int, float) or not math.isfinite(plain[end]):
            raise Invalid(join(place, end), f"must be a number, got {plain.get(end)!r}")
    low, high, log, step = plain["low"], plain["high"], plain.get("log", False), plain.get("step")
    if type(low) is not type(high):
        low, high = float(low), float(high)
    if type(log) is not bool:
        raise Invalid(join(place, "log"), f"must be true or false, got {log!r}")
    if low > high:
        raise Invalid(place, f"low must not be above high, got low = {low!r}, high = {high!r}")
    if log and low <= 0:
        raise Invalid(join(place, "low"), f"must be greater than 0 on a logarithmic scale, got {low!r}")
    if not math.isfinite(high / low if log else high - low):
        raise Invalid(place, f"is too wide for a computer's numbers, from {low!r} to {high!r}")
    if step is not None:
        _check_step(low, high, log, step, place)
    return Range(low, high, log, step)


def _check_step(low: float, high: float, log: bool, step: Any, place: str) -> None:
    if type(step) not in (int, float) or step <= 0:
        raise Invalid(join(place, "step"), f"must be a number greater than 0, got {step!r}")
    if log:
        raise Invalid(join(place, "step"), "cannot be combined with log")
    if isinstance(low, int) and isinstance(step, float):
        raise Invalid(join(place, "step"), f"must be a whole number between whole ends, got {step!r}")
    steps = (high - low) / step
    if not math.isfinite(steps) or abs(steps - round(steps)) > 1e-9:
        raise Invalid(join(place, "step"), f"must lead from {low!r} to {high!r} in whole steps, got {step!r}")


def _parse_repeat(plain: Mapping[str, Any], place: str) -> Repeat:
    for key in ("repeat", "each"):
        if key not in plain:
            raise Invalid(join(place, key), "missing: a list needs both repeat (how many) and each (what)")
    count = _parse(plain["repeat"], join(place, "repeat"))
    if isinstance(count, bool) or not isinstance(count, int | str | Range | Choice):
        problem = f"must be a number, a range, a choice or the name of a list, got {plain['repeat']!r}"
        raise Invalid(join(place, "repeat"), problem)
    numbers = count.points(2) if isinstance(count, Range | Choice) else () if isinstance(count, str) else (count,)
    if any(type(number) is not int or not 0 <= number <= MOST_REPEATS for number in numbers):
        rule = f"must be whole, at least 0 and at most {MOST_REPEATS}"
        raise Invalid(join(place, "repeat"), f"{rule}, got {', '.join(map(repr, numbers))}")
    repeat = Repeat(count, _parse(plain["each"], join(place, "each")))
    if _most_values(repeat) > MOST_VALUES:
        raise Invalid(place, f"can be filled with more than {MOST_VALUES:,} values; use shorter lists")
    return repeat


def _most_values(node: Node) -> int:
    """The most values, tables and lists that a filling can have."""
    match node:
        case Repeat(_, each):
            return 1 + max(node.counts, default=MOST_REPEATS) * _most_values(each)
        case OneOf(branches):
            return 1 + sum(_most_values(dict(branch)) for branch in branches.values())
        case dict():
            return 1 + sum(map(_most_values, node.values()))
        case list():
            return 1 + sum(map(_most_values, node))
        case _:
            return 1


def _parse_one_of(plain: Mapping[str, Any], place: str) -> OneOf:
    options = plain["one_of"]
    is_list = isinstance(options, list | tuple) and len(options) > 0
    require(is_list, join(place, "one_of"), "be a list of tables", options)
    branches: dict[str, Mapping[str, Node]] = {}
    for index, option in enumerate(options):
        table = {"kind": option} if isinstance(option, str) else option
        kind = table.get("kind") if isinstance(table, Mapping) else None
        here = f"{place}.one_of[{index}]"
        if not isinstance(kind, str):
            raise Invalid(here, f"must be a kind or a table with a kind, got {option!r}")
        if kind in branches:
            raise Invalid(here, f"the kind {kind!r} is there already: give each kind once, with a choice inside it")
        inner = {key: each for key, each in table.items() if key != "kind"}
        branches[kind] = {key: _parse(each, f"{join(place, kind)}.{key}") for key, each in inner.items()}
    return OneOf(branches)


def _has_hole(node: Node) -> bool:
    if isinstance(node, Hole):
        return True
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_has_hole(each) for each in inner)


_PARSERS: dict[str, Callable[[Mapping[str, Any], str], Hole]] = {
    "choice": _parse_choice,
    "low": _parse_range,
    "repeat": _parse_repeat,
    "one_of": _parse_one_of,
}
