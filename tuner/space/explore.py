"""Going through a space without Optuna: its middle, its corners, its grid, its size, a sample of it."""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from random import Random
from typing import Any

from tuner.base.errors import Invalid
from tuner.space.answers import Assignment, Dice, Like, Middle, Script, Unlike
from tuner.space.fill import fill
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat

MOST_CORNERS = 1000
MOST_ANSWERS = 200_000
"""So many corners, with so many answers in all, are checked within about three seconds; the largest shipped study has
81 corners with 2,000 answers."""


def centre(node: Node, largest: Sequence[str] = ()) -> Assignment:
    """The middle of a space, but for the fields and lists in `largest`, which have their upper ends.

    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> centre(space)
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 256, 'widths[1]': 256}
    >>> centre(space, largest=["widths"])
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 512, 'widths[1]': 512}
    """
    middle = Middle(largest=largest)
    fill(node, middle)
    return middle.given


def like(node: Node, plain: Any) -> Assignment | None:
    """The assignment whose filling is nearest to plain data (a recipe, fully resolved); None where the space has nothing
    like it. What is no hole stays as the space has it.

    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> like(space, {"rate": 0.1, "widths": [64, 50]}), like(space, {"rate": 0.1, "widths": []})
    ({'rate': 0.01, 'widths.count': 2, 'widths[0]': 64, 'widths[1]': 64}, None)
    """
    answers = Like(plain=plain)
    try:
        fill(node, answers)
    except Unlike:
        return None
    return answers.given


def corners(node: Node) -> Iterator[tuple[Assignment, Any]]:
    """Fillings in which each option, both ends of each range and each branch occurs at least once, with their
    assignments: from the filling with all first answers, and from the one with all last ones, one hole at a time.

    Raises `Invalid` where there are more than can be checked in a moment.
    """
    seen: set[str] = set()
    answers = 0
    variations = chain(_variations(node, last=False), _variations(node, last=True))
    for number, (given, plain, asked) in enumerate(variations, start=1):
        answers += asked
        if number > MOST_CORNERS or answers > MOST_ANSWERS:
            problem = "has too many corners (each option, both ends of each range, each branch) to check them all"
            limit = f"at most {MOST_CORNERS:,} with {MOST_ANSWERS:,} values in all"
            raise Invalid("", f"{problem}, {limit}; use fewer options or shorter lists")
        text = json.dumps(plain, sort_keys=True)
        if text not in seen:
            seen.add(text)
            yield given, plain


def _variations(node: Node, last: bool) -> Iterator[tuple[Assignment, Any, int]]:
    """Each with how many holes it has. Depth first, without recursion: a list of a hundred holes is as deep as that."""
    tried: set[tuple[str, str]] = set()
    levels: list[Iterator[Assignment]] = [iter([{}])]
    while levels:
        given = next(levels[-1], None)
        if given is None:
            levels.pop()
            continue
        script = Script(given, last)
        yield given, fill(node, script), len(script.asked)
        levels.append(_one_more(given, script, tried))


def _one_more(given: Assignment, script: Script, tried: set[tuple[str, str]]) -> Iterator[Assignment]:
    """The assignments with one answer more that has not been tried yet."""
    for name, options in script.asked.items():
        for option in options:
            if name not in given and (name, repr(option)) not in tried:
                tried.add((name, repr(option)))
                yield {**given, name: option}


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
            return float(node.count)
        case Repeat(count, each):
            return float(sum(math.prod([size(each)] * number) for number in _possible_counts(count)))
        case OneOf(branches):
            return float(sum(size(dict(branch)) for branch in branches.values()))
        case _:
            return 1.0


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


def fillings(node: Node, most: int) -> list[Any]:
    """All fillings, if there are at most so many; else so many drawn at random, the same ones each time."""
    if size(node) <= most:
        every = list(islice(grid(node, most), most + 1))
        if len(every) <= most:  # `size` counts a list that is as long as another as one entry
            return [fill(node, Script(given)) for given in every]
    dice = Dice(Random(0))
    return [fill(node, dice) for _ in range(most)]
