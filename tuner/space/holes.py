"""The four holes that may stand where a recipe has a value.

{ choice = ["relu", "tanh"] }                          one of these values
{ low = 1e-4, high = 1e-1, log = true }                a number; whole if both ends are whole; `step` optional
{ repeat = { low = 1, high = 4 }, each = … }           a list; its length is a number or a hole, or the name of
                                                       a list said before ("widths"): as many as that one has
{ one_of = ["adam", { kind = "sgd", momentum = … }] }  one of these tables, told apart by `kind`, each with holes
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tuner.errors import Invalid, demand, join, near_miss

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Choice:
    """One of several values. Optuna stores only scalars, so a list or table among them goes by its JSON text."""

    options: tuple[Any, ...]

    @property
    def names(self) -> tuple[Scalar, ...]:
        return tuple(each if isinstance(each, Scalar) else json.dumps(each) for each in self.options)

    def named(self, name: Scalar) -> Any:
        """The option that goes by this name (1 and true are different options)."""
        same = [
            each for each, own in zip(self.options, self.names, strict=True) if own == name and type(own) is type(name)
        ]
        return same[0]


@dataclass(frozen=True)
class Range:
    """A number between two ends, both included; whole where `whole`; drawn on a logarithmic scale where `log`."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def middle(self) -> int | float:
        """The value halfway between the ends, on the range's own scale; the lower one of two."""
        value = self._value(round(self._between(0.5), 12))
        step = self.step or (1 if self.whole else None)
        if step is None or self.log:
            return value
        count = math.floor((self.high - self.low) / step + 1e-9)
        return self._value(round(self.low + count // 2 * step, 12))

    def points(self, most: int) -> tuple[int | float, ...]:
        """At most `most` values spread evenly over the range (on its own scale), both ends among them."""
        step = self.step or (1 if self.whole else None)
        if step is not None and not self.log:
            count = math.floor((self.high - self.low) / step + 1e-9) + 1
            if count > most:
                return tuple(self._value(self.low + round(i * (count - 1) / (most - 1)) * step) for i in range(most))
            return tuple(self._value(self.low + index * step) for index in range(count))
        shares = [index / (most - 1) for index in range(most)]
        values = [self._between(share) for share in shares[:-1]]
        return tuple(sorted({self._value(value) for value in (*values, self.high)}))

    def _between(self, share: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def _value(self, number: float) -> int | float:
        return round(number) if self.whole else float(number)


@dataclass(frozen=True)
class Repeat:
    """A list whose items are drawn one by one; `count` is a number, a hole, or the name of a list said before."""

    count: "int | str | Range | Choice"
    each: "Node"


@dataclass(frozen=True)
class OneOf:
    """One of several tables by their `kind`; what is in a branch exists only with it."""

    branches: Mapping[str, Mapping[str, "Node"]]


Hole = Choice | Range | Repeat | OneOf
Node: TypeAlias = "Hole | Scalar | list[Node] | dict[str, Node]"

MARKS = {
    "choice": {"choice"},
    "low": {"low", "high", "log", "step"},
    "repeat": {"repeat", "each"},
    "one_of": {"one_of"},
}


def parse(plain: Any, place: str = "") -> Node:
    """The same nested data with holes where their tables stand. Raises `Invalid` with the hole's address."""
    if isinstance(plain, list | tuple):
        return [parse(each, f"{place}[{index}]") for index, each in enumerate(plain)]
    if not isinstance(plain, Mapping):
        return plain  # type: ignore[no-any-return]
    mark = next((mark for mark in MARKS if mark in plain), "low" if "high" in plain else None)
    if mark is None:
        return {key: parse(each, join(place, key)) for key, each in plain.items()}
    for key in plain:
        if key not in MARKS[mark]:
            raise Invalid(join(place, key), f"does not belong to a hole with {mark!r}; {near_miss(key, MARKS[mark])}")
    return _PARSERS[mark](plain, place)


def _parse_choice(plain: Mapping[str, Any], place: str) -> Choice:
    options = plain["choice"]
    if not isinstance(options, list | tuple) or not options:
        raise Invalid(join(place, "choice"), f"must be a list with at least one value, got {options!r}")
    for index, option in enumerate(options):
        if _has_hole(parse(option, f"{place}.choice[{index}]")):
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
    if abs(steps - round(steps)) > 1e-9:
        raise Invalid(join(place, "step"), f"must lead from {low!r} to {high!r} in whole steps, got {step!r}")


def _parse_repeat(plain: Mapping[str, Any], place: str) -> Repeat:
    for key in ("repeat", "each"):
        if key not in plain:
            raise Invalid(join(place, key), "missing: a list needs both repeat (how many) and each (what)")
    count = parse(plain["repeat"], join(place, "repeat"))
    if isinstance(count, bool) or not isinstance(count, int | str | Range | Choice):
        problem = f"must be a number, a range, a choice or the name of a list, got {plain['repeat']!r}"
        raise Invalid(join(place, "repeat"), problem)
    numbers = _counts(count)
    if any(type(number) is not int or number < 0 for number in numbers):
        raise Invalid(join(place, "repeat"), f"must be whole and at least 0, got {numbers!r}")
    return Repeat(count, parse(plain["each"], join(place, "each")))


def _counts(count: int | str | Range | Choice) -> list[Any]:
    match count:
        case Range(low, high):
            return [low, high]
        case Choice(options):
            return list(options)
        case str():
            return []
        case _:
            return [count]


def _parse_one_of(plain: Mapping[str, Any], place: str) -> OneOf:
    options = plain["one_of"]
    given = isinstance(options, list | tuple) and len(options) > 0
    demand(given, join(place, "one_of"), "be a list of tables", options)
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
        branches[kind] = {key: parse(each, f"{join(place, kind)}.{key}") for key, each in inner.items()}
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
