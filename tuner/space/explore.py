"""Going through a space without Optuna: its dimensions, its size, its corners and its grid."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import join
from tuner.space.fill import fill
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat

Assignment = dict[str, Any]


@dataclass
class Script:
    """Answers `suggest_*` from an assignment, else with the first (or last) of what is allowed, and notes each
    question with its possible answers, in the order of asking: at most `points` for a range."""

    given: Assignment
    last: bool = False
    points: int = 2
    asked: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._answer(name, tuple(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._answer(name, Range(low, high, log, None if log else step).points(self.points)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._answer(name, Range(float(low), float(high), log, step).points(self.points)))

    def _answer(self, name: str, options: tuple[Any, ...]) -> Any:
        self.asked[name] = options
        return self.given[name] if name in self.given else options[-1 if self.last else 0]


@dataclass
class Middle:
    """Answers with the first of several options and with the middle of a range, on the range's own scale; where the last
    list or field of the address is in `largest`, with the largest number that is allowed."""

    largest: Sequence[str] = ()
    given: Assignment = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.given.setdefault(name, max(choices) if self._is_largest(name) else choices[0])

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        hole = Range(low, high, log, None if log else step)
        return int(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        hole = Range(float(low), float(high), log, step)
        return float(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def _is_largest(self, name: str) -> bool:
        return name.rpartition(".")[2].partition("[")[0] in self.largest


def centre(node: Node, largest: Sequence[str] = ()) -> Assignment:
    """The middle of a space, but for the fields and lists in `largest`, which have their upper ends.

    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> centre(space)
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 256, 'widths[1]': 256}
    >>> centre(space, largest=["widths"])
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 512, 'widths[1]': 512}
    """
    middle = Middle(largest)
    fill(node, middle)
    return middle.given


def corners(node: Node) -> Iterator[tuple[Assignment, Any]]:
    """Fillings in which each option, both ends of each range and each branch occurs at least once, with their
    assignments: from the filling with all first answers, and from the one with all last ones, one hole at a time."""
    seen: set[str] = set()
    for last in (False, True):
        for given, plain in _variations(node, {}, last, set()):
            text = json.dumps(plain, sort_keys=True)
            if text not in seen:
                seen.add(text)
                yield given, plain


def _variations(
    node: Node, given: Assignment, last: bool, tried: set[tuple[str, str]]
) -> Iterator[tuple[Assignment, Any]]:
    script = Script(given, last)
    yield given, fill(node, script)
    for name, options in script.asked.items():
        for option in options:
            if name not in given and (name, repr(option)) not in tried:
                tried.add((name, repr(option)))
                yield from _variations(node, {**given, name: option}, last, tried)


def grid(node: Node, points: int) -> Iterator[Assignment]:
    """Every combination, `points` values for each range that has more; what is in a branch varies only with it."""
    yield from _grid(node, {}, points)


def _grid(node: Node, given: Assignment, points: int) -> Iterator[Assignment]:
    script = Script(given, points=points)
    fill(node, script)
    name = next((name for name in script.asked if name not in given), None)
    if name is None:
        yield given
        return
    for option in script.asked[name]:
        yield from _grid(node, {**given, name: option}, points)


def size(node: Node) -> float:
    """How many different fillings there are; infinite where a number is continuous.

    >>> size({"widths": Repeat(Range(1, 2), Choice((32, 64))), "rate": 0.1})
    6.0
    """
    match node:
        case dict():
            return math.prod(size(each) for each in node.values())
        case list():
            return math.prod(size(each) for each in node)
        case Choice(options):
            return float(len(options))
        case Range():
            return _range_size(node)
        case Repeat(count, each):
            return math.fsum(size(each) ** number for number in _possible_counts(count))
        case OneOf(branches):
            return math.fsum(size(dict(branch)) for branch in branches.values())
        case _:
            return 1.0


def _range_size(hole: Range) -> float:
    step = hole.step or (1 if hole.whole else None)
    if hole.low == hole.high:
        return 1.0
    return math.inf if step is None else math.floor((hole.high - hole.low) / step + 1e-9) + 1.0


def _possible_counts(count: int | str | Range | Choice) -> list[int]:
    match count:
        case Range(low, high):
            return list(range(int(low), int(high) + 1, int(count.step or 1)))
        case Choice(options):
            return list(options)
        case str():
            return [1]  # as long as another list, whose lengths are counted there
        case _:
            return [count]


@dataclass(frozen=True)
class Dimension:
    """One hole for people: its address, what may stand there, and the branch it exists with."""

    address: str
    values: str
    only_with: str


def dimensions(node: Node, place: str = "", branch: str = "") -> Iterator[Dimension]:
    """The holes in the order of the file."""
    match node:
        case dict():
            for key, each in node.items():
                yield from dimensions(each, join(place, key), branch)
        case list():
            for index, each in enumerate(node):
                yield from dimensions(each, f"{place}[{index}]", branch)
        case Choice(options):
            yield Dimension(place, ", ".join(_spoken(option) for option in options), branch)
        case Range():
            yield Dimension(place, _spoken_range(node), branch)
        case Repeat(count, each):
            yield Dimension(join(place, "count"), _spoken_count(count), branch)
            yield from dimensions(each, f"{place}[…]", branch)
        case OneOf(branches):
            yield Dimension(join(place, "kind"), ", ".join(branches), branch)
            for kind, inner in branches.items():
                yield from dimensions(dict(inner), join(place, kind), join(place, kind))


def _spoken(option: Any) -> str:
    return option if isinstance(option, str) else json.dumps(option)


def _spoken_range(hole: Range) -> str:
    how = " on a logarithmic scale" if hole.log else f" in steps of {hole.step}" if hole.step else ""
    return f"{hole.low:g} to {hole.high:g}{how}"


def _spoken_count(count: int | str | Range | Choice) -> str:
    match count:
        case Range():
            return _spoken_range(count)
        case Choice(options):
            return ", ".join(str(option) for option in options)
        case str():
            return f"as many as {count}"
        case _:
            return str(count)
