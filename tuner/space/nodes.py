"""A space: plain data in which holes stand for values, and two more holes that have holes of their own.

{ repeat = { low = 1, high = 4 }, each = … }           a list; its length is a number or a hole, or the name of
                                                       an earlier list ("widths"): as many as that one has
{ one_of = ["adam", { kind = "sgd", momentum = … }] }  one of these tables, told apart by `kind`, each with holes
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tuner.base.errors import join
from tuner.networks.function import Call
from tuner.space.holes import Choice, Hole, Range, Scalar

MOST_REPEATS = 100
"""More layers than anyone searches one by one: each is a hole with its own corners."""


@dataclass(frozen=True)
class Repeat:
    """A list whose items are drawn one by one; `count` is a hole for its length, or the name of an earlier list."""

    count: str | Choice | Range
    each: "Node"

    @property
    def counts(self) -> tuple[int, ...]:
        """The lengths that it may have; none where it is as long as another list."""
        return () if isinstance(self.count, str) else tuple(map(int, self.count.points(MOST_REPEATS + 1)))


@dataclass(frozen=True)
class OneOf:
    """One of several tables by their `kind`; what is in a branch exists only with it."""

    branches: "dict[str, dict[str, Node]]"


@dataclass(frozen=True)
class Asks:
    """What a function asks for. `holes` are those that were discovered, by name; `changed` are the values and other holes that the study
    file has for some names; `compiled` is how it compiles its model with the first answers, if it does; `cut` is where a limit ended
    exploring, if one did."""

    call: Call
    holes: dict[str, Hole]
    changed: "dict[str, Node]"
    compiled: str = ""
    cut: str = ""


Node: TypeAlias = "Choice | Range | Repeat | OneOf | Asks | Scalar | list[Node] | dict[str, Node]"


def parts(node: Node) -> dict[str, Node]:
    """The nodes inside a node by their addresses in it."""
    match node:
        case dict():
            return node
        case list():
            return {f"[{index}]": each for index, each in enumerate(node)}
        case Repeat(_, each):
            return {"[…]": each}
        case OneOf(branches):
            return dict(branches)
        case Asks(_, holes, changed):
            return {**holes, **changed}
        case _:
            return {}


def has_holes(node: Node) -> bool:
    """Whether the node is or contains a hole."""
    return isinstance(node, Choice | Range | Repeat | OneOf | Asks) or any(map(has_holes, parts(node).values()))


def functions_in(node: Node) -> Iterator[Asks]:
    """The functions that make networks in a space. Filling it may take as long as making a model."""
    if isinstance(node, Asks):
        yield node
    for each in parts(node).values():
        yield from functions_in(each)


def dimensions(node: Node, place: str = "") -> Iterator[tuple[str, str]]:
    """The address of each hole and its values as text, in the order of the file."""
    match node:
        case Choice() | Range():
            yield place, node.text
        case Repeat(count):
            yield join(place, "count"), f"as many as {count}" if isinstance(count, str) else count.text
        case OneOf(branches):
            yield join(place, "kind"), ", ".join(branches)
    for name, each in parts(node).items():
        yield from dimensions(each, join(place, name))


def size(node: Node) -> float:
    """How many different fillings there are; infinite where a number is continuous.

    >>> size({"widths": Repeat(Range(1, 2), Choice((32, 64))), "rate": 0.1})
    6.0
    """
    sizes = [size(each) for each in parts(node).values()]
    match node:
        case Choice() | Range():
            return float(node.count)
        case Repeat():  # a list that is as long as another counts as one entry
            return float(sum(math.prod(sizes * number) for number in node.counts or (1,)))
        case OneOf():
            return float(sum(sizes))
        case _:
            return float(math.prod(sizes))


def most_values(node: Node) -> int:
    """The most values, tables and lists that a filling can have."""
    times = max(node.counts, default=MOST_REPEATS) if isinstance(node, Repeat) else 1
    return 1 + times * sum(map(most_values, parts(node).values()))
