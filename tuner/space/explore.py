"""Exploring a space without Optuna: its centre, its corners, its grid, its size, a sample of its fillings."""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from random import Random
from typing import Any

from tuner.base.errors import Invalid
from tuner.space.fill import fill
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat
from tuner.space.trials import Assignment, Unlike, centre_trial, random_trial, recipe_trial, scripted_trial

MOST_CORNERS = 1000
MOST_ANSWERS = 200_000
"""So many corners, with so many answers in all, are checked within about three seconds; the largest shipped study has
81 corners with 2,000 answers."""


def centre(node: Node, largest: Sequence[str] = ()) -> Assignment:
    """The middle of a space; the fields and lists in `largest` have their upper ends instead.

    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> centre(space)
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 256, 'widths[1]': 256}
    >>> centre(space, largest=["widths"])
    {'rate': 0.001, 'widths.count': 2, 'widths[0]': 512, 'widths[1]': 512}
    """
    trial = centre_trial(largest)
    fill(node, trial)
    return trial.answers


def nearest_assignment(node: Node, plain: Any) -> Assignment | None:
    """The assignment whose filling is nearest to plain data (a recipe, fully resolved), or None where the space has nothing
    like it. Fixed values stay as the space has them.

    >>> space = {"rate": Range(1e-4, 1e-2, log=True), "widths": Repeat(Range(1, 4), Range(32, 512, step=32))}
    >>> nearest_assignment(space, {"rate": 0.1, "widths": [64, 50]}), nearest_assignment(space, {"rate": 0.1, "widths": []})
    ({'rate': 0.01, 'widths.count': 2, 'widths[0]': 64, 'widths[1]': 64}, None)
    """
    trial = recipe_trial(plain)
    try:
        fill(node, trial)
    except Unlike:
        return None
    return trial.answers


def corners(node: Node) -> Iterator[tuple[Assignment, Any]]:
    """Fillings with their assignments, in which each option, both ends of each range and each branch occurs at least once:
    from the filling with all first answers, and from the one with all last ones, one hole at a time.

    Raises `Invalid` where there are more than can be checked in a moment.
    """
    known: set[str] = set()
    answers = 0
    variations = chain(_variations(node, last=False), _variations(node, last=True))
    for number, (assignment, plain, count) in enumerate(variations, start=1):
        answers += count
        if number > MOST_CORNERS or answers > MOST_ANSWERS:
            problem = "has too many corners (each option, both ends of each range, each branch) to check them all"
            limit = f"at most {MOST_CORNERS:,} with {MOST_ANSWERS:,} values in all"
            raise Invalid("", f"{problem}, {limit}; use fewer options or shorter lists")
        text = json.dumps(plain, sort_keys=True)
        if text not in known:
            known.add(text)
            yield assignment, plain


def _variations(node: Node, *, last: bool) -> Iterator[tuple[Assignment, Any, int]]:
    """Each filling with its number of holes. Depth first, without recursion: a list of a hundred holes is as deep as that."""
    tried: set[tuple[str, str]] = set()
    levels: list[Iterator[Assignment]] = [iter([{}])]
    while levels:
        assignment = next(levels[-1], None)
        if assignment is None:
            levels.pop()
            continue
        trial = scripted_trial(assignment, last=last)
        yield assignment, fill(node, trial), len(trial.holes)
        levels.append(_extensions(assignment, trial.holes, tried))


def _extensions(
    assignment: Assignment, holes: dict[str, Choice | Range], tried: set[tuple[str, str]]
) -> Iterator[Assignment]:
    """The assignments with one more answer that has not been tried yet."""
    for name, hole in holes.items():
        for option in hole.points(2):
            if name not in assignment and (name, repr(option)) not in tried:
                tried.add((name, repr(option)))
                yield {**assignment, name: option}


def grid(node: Node, points: int) -> Iterator[Assignment]:
    """Every combination, with `points` values for each range that has more; what is in a branch varies only with it."""
    yield from _grid(node, {}, points)


def _grid(node: Node, assignment: Assignment, points: int) -> Iterator[Assignment]:
    trial = scripted_trial(assignment)
    fill(node, trial)
    name = next((name for name in trial.holes if name not in assignment), None)
    if name is None:
        yield assignment
        return
    for option in trial.holes[name].points(points):
        yield from _grid(node, {**assignment, name: option}, points)


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
        case Repeat(_, each):  # a list that is as long as another counts as one entry
            return float(sum(math.prod([size(each)] * number) for number in node.counts or (1,)))
        case OneOf(branches):
            return float(sum(size(dict(branch)) for branch in branches.values()))
        case _:
            return 1.0


def fillings(node: Node, most: int) -> list[Any]:
    """All fillings where there are at most so many, else so many drawn at random, the same ones each time."""
    if size(node) <= most:
        every = list(islice(grid(node, most), most + 1))
        if len(every) <= most:  # `size` may be too small where a list is as long as another
            return [fill(node, scripted_trial(assignment)) for assignment in every]
    random = Random(0)
    return [fill(node, random_trial(random)) for _ in range(most)]
