"""Going through a space without Optuna: its middle, its corners, its grid, its size."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from tuner.space.answers import Assignment, Middle, Script
from tuner.space.fill import fill
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat


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
