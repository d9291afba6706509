"""Exploring a space without Optuna: its centre, its corners, its grid, a sample of its fillings."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from random import Random
from typing import Any

from tuner.base.errors import Invalid
from tuner.space.addresses import value_at
from tuner.space.asking import EXPLORED, Unexplored, exploring
from tuner.space.fill import Assignment, Filling, assigned, fill, filling
from tuner.space.holes import Hole, Range
from tuner.space.nodes import Node, functions_in, size

MOST_CORNERS = 1000
MOST_ANSWERS = 200_000
"""So many corners, with so many answers in all, are checked within about three seconds; the largest shipped study has
81 corners with 2,000 answers."""


def centre(node: Node, largest: Sequence[str] = ()) -> Assignment:
    """The middle of a space; the fields and lists in `largest` have their upper ends instead.

    >>> from tuner.space.nodes import Repeat
    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> centre(space)
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 256, 'widths[1]': 256}
    >>> centre(space, largest=["widths"])
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 512, 'widths[1]': 512}
    """

    def answer(place: str, hole: Hole) -> Any:
        is_largest = place.rpartition(".")[2].partition("[")[0] in largest
        return max(hole.points(2)) if is_largest else hole.middle

    return filling(node, answer).answers


def nearest_assignment(node: Node, plain: Any) -> Assignment | None:
    """The assignment whose filling is nearest to plain data (a recipe, fully resolved), or None where the space does not have
    its family of networks or the length of a list. Fixed values stay as the space has them.

    >>> from tuner.space.nodes import Repeat
    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> nearest_assignment(space, {"rate": 0.1, "widths": [64, 50]}), nearest_assignment(space, {"rate": 0.1, "widths": []})
    ({'rate': 0.01, 'widths.count': 2, 'widths[0]': 64, 'widths[1]': 64}, None)
    """

    def answer(place: str, hole: Hole) -> Any:
        value = value_at(plain, place)
        is_length = place.endswith(".count") and isinstance(hole, Range) and value is not None
        if (is_length or place == "network.kind") and not hole.allows(value):
            raise LookupError(place)
        return hole.closest(value)

    try:
        return filling(node, answer).answers
    except LookupError:
        return None


def corners(node: Node) -> Iterator[tuple[Assignment, Any]]:
    """Fillings with their assignments, in which each option, both ends of each range and each branch occurs at least once:
    from the filling with all first answers, and from the one with all last ones, one hole at a time.

    Raises `Invalid` where there are more than can be checked in a moment. Of a function's answers those at which it was explored.
    """
    known: set[str] = set()
    answers = 0
    variations = chain(_variations(node, last=False), _variations(node, last=True))
    for number, (_, filled) in enumerate(variations, start=1):
        answers += len(filled.holes)
        if number > MOST_CORNERS or answers > MOST_ANSWERS:
            problem = "has too many corners (each option, both ends of each range, each branch) to check them all"
            limit = f"at most {MOST_CORNERS:,} with {MOST_ANSWERS:,} values in all"
            raise Invalid("", f"{problem}, {limit}; use fewer options or shorter lists")
        text = json.dumps(filled.plain, sort_keys=True)
        if text not in known:
            known.add(text)
            yield filled.answers, filled.plain


def _variations(node: Node, *, last: bool) -> Iterator[tuple[Assignment, Filling]]:
    """Depth first, without recursion: a list of a hundred holes is as deep as that."""
    tried: set[tuple[str, str]] = set()
    levels: list[Iterator[Assignment]] = [iter([{}])]
    while levels:
        assignment = next(levels[-1], None)
        if assignment is None:
            levels.pop()
            continue
        try:
            with exploring(has_limit=bool(assignment)):  # the first and the last answers are tried in any case
                filled = filling(node, assigned(assignment, last=last))
        except Unexplored:
            continue
        yield assignment, filled
        levels.append(_extensions(assignment, filled.holes, tried))


def _extensions(assignment: Assignment, holes: dict[str, Hole], tried: set[tuple[str, str]]) -> Iterator[Assignment]:
    """The assignments with one more answer that has not been tried yet."""
    for name, hole in holes.items():
        for option in hole.points(2):
            if name not in assignment and (name, repr(option)) not in tried:
                tried.add((name, repr(option)))
                yield {**assignment, name: option}


def discover(node: Node) -> tuple[dict[str, Hole], list[Any]]:
    """The holes that the corners of a space meet, by address, and its fillings there: of a function's questions as many as exploring
    may find."""
    for each in functions_in(node):
        EXPLORED.pop(each.call, None)
    filled = [each for last in (False, True) for _, each in _variations(node, last=last)]
    return {address: hole for each in filled for address, hole in each.holes.items()}, [each.plain for each in filled]


def grid(node: Node, points: int) -> Iterator[Assignment]:
    """Every combination, with `points` values for each range that has more; what is in a branch varies only with it."""
    waiting: list[Assignment] = [{}]
    while waiting:
        assignment = waiting.pop()
        holes = filling(node, assigned(assignment)).holes
        name = next((name for name in holes if name not in assignment), None)
        if name is None:
            yield assignment
        else:
            waiting += [{**assignment, name: option} for option in reversed(holes[name].points(points))]


def fillings(node: Node, most: int) -> list[Any]:
    """All fillings where there are at most so many, else so many drawn at random, the same ones each time."""
    if size(node) <= most:
        every = list(islice(grid(node, most), most + 1))
        if len(every) <= most:  # `size` may be too small where a list is as long as another
            return [fill(node, assigned(assignment)) for assignment in every]
    random = Random(0)
    return [fill(node, lambda _, hole: hole.drawn(random)) for _ in range(most)]
