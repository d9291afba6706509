"""The holes of a space, said to people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuner.base.errors import join
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat


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


def allowed(hole: Choice | Range, instead: object) -> str:
    """What a hole takes, and of a range's numbers the nearest to the one that was said instead.

    >>> allowed(Range(16, 64, step=16), instead=20)
    'one of 16 to 64 in steps of 16 (nearest: 16, 32)'
    """
    if isinstance(hole, Choice):
        return f"one of {', '.join(map(str, hole.names))}"
    numbers = f"{'one of' if hole.step else 'a whole number from' if hole.whole else 'from'} {_spoken_range(hole)}"
    if not isinstance(instead, int | float) or isinstance(instead, bool):
        return numbers
    return f"{numbers} (nearest: {', '.join(map(str, hole.nearest(instead)))})"


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
