"""The holes of a space in words."""

import json
from collections.abc import Iterator

from tuner.base.errors import join
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat


def dimensions(node: Node, place: str = "") -> Iterator[tuple[str, str]]:
    """The address of each hole and its values, in the order of the file."""
    match node:
        case dict():
            for key, each in node.items():
                yield from dimensions(each, join(place, key))
        case list():
            for index, each in enumerate(node):
                yield from dimensions(each, f"{place}[{index}]")
        case Choice() | Range():
            yield place, _values_text(node)
        case Repeat(count, each):
            yield join(place, "count"), f"as many as {count}" if isinstance(count, str) else _values_text(count)
            yield from dimensions(each, f"{place}[…]")
        case OneOf(branches):
            yield join(place, "kind"), ", ".join(branches)
            for kind, inner in branches.items():
                yield from dimensions(dict(inner), join(place, kind))


def allowed_text(hole: Choice | Range, instead_of: object) -> str:
    """What a hole accepts, with the numbers of a range that are nearest to the rejected one.

    >>> allowed_text(Range(16, 64, step=16), instead_of=20)
    'one of 16 to 64 in steps of 16 (nearest: 16, 32)'
    """
    if isinstance(hole, Choice):
        return f"one of {', '.join(map(str, hole.names))}"
    numbers = f"{'one of' if hole.step else 'a whole number from' if hole.whole else 'from'} {_values_text(hole)}"
    if not isinstance(instead_of, int | float) or isinstance(instead_of, bool):
        return numbers
    return f"{numbers} (nearest: {', '.join(map(str, hole.nearest(instead_of)))})"


def _values_text(hole: Choice | Range | int) -> str:
    match hole:
        case Choice(options):
            return ", ".join(each if isinstance(each, str) else json.dumps(each) for each in options)
        case Range():
            scale = " on a logarithmic scale" if hole.log else f" in steps of {hole.step}" if hole.step else ""
            return f"{hole.low:g} to {hole.high:g}{scale}"
        case _:
            return str(hole)
