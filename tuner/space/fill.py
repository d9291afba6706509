"""Filling the holes of a space with answers: of an Optuna trial, of an assignment, or of any other function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuner.base.decode import encode
from tuner.base.errors import Invalid, join
from tuner.space.asking import call_function
from tuner.space.holes import Ask, Choice, Hole, Range
from tuner.space.nodes import Asks, Node, OneOf, Repeat

Assignment = dict[str, Any]
"""Answers by the addresses of their holes."""

Answers = Callable[[str, Hole], Any]
"""The answer for a hole at an address: a number, or an option's name."""


def fill(node: Node, answers: Answers, place: str = "", tables: tuple[dict[str, Any], ...] = ()) -> Any:
    """Plain data without holes. Inside a branch of `one_of` the kind joins the address (`network.dense.widths[0]`), since
    Optuna needs one fixed set of choices for each name. A hole with one value only is not asked for. `tables` are those
    around the node, the innermost first, as far as they are filled."""
    match node:
        case Choice() | Range():
            answer: Any = answers(place, node) if node.count > 1 else node.points(1)[0]
            return node.value(answer)
        case dict():
            table: dict[str, Any] = {}
            for key, each in node.items():
                table[key] = fill(each, answers, join(place, key), (table, *tables))
            return table
        case list():
            return [fill(each, answers, f"{place}[{index}]", tables) for index, each in enumerate(node)]
        case Repeat(count, each):
            length = (
                _length(count, tables, place) if isinstance(count, str) else fill(count, answers, join(place, "count"))
            )
            return [fill(each, answers, f"{place}[{index}]", tables) for index in range(length)]
        case OneOf(branches):
            kind = fill(Choice(tuple(branches)), answers, join(place, "kind"))
            return {"kind": kind, **fill(branches[kind], answers, join(place, kind), tables)}
        case Asks():
            made = call_function(node.call, lambda name, hole: _answer(node, name, hole, answers, place))
            tables[0]["found"] = encode(made.info)
            return dict(made.answers)
        case _:
            return node


def answers_of(trial: Ask) -> Answers:
    """The answers of an Optuna trial."""
    return lambda place, hole: hole.suggest(trial, place)


def assigned(assignment: Assignment, *, last: bool = False) -> Answers:
    """The answers of an assignment; where it has none, the first (or last) of what is allowed."""
    return lambda place, hole: assignment[place] if place in assignment else hole.points(2)[-1 if last else 0]


@dataclass(frozen=True)
class Filling:
    """A filled space with the holes that were met and their answers, by address."""

    plain: Any
    holes: dict[str, Hole]
    answers: Assignment


def filling(node: Node, answers: Answers) -> Filling:
    """The space filled with these answers."""
    holes: dict[str, Hole] = {}
    record: Assignment = {}

    def recorded(place: str, hole: Hole) -> Any:
        holes[place] = hole
        record[place] = answers(place, hole)
        return record[place]

    return Filling(fill(node, recorded), holes, record)


def _answer(node: Asks, name: str, hole: Hole, answers: Answers, place: str) -> Any:
    """What a function gets for a name: the answer for its own hole, or for what the study file has instead."""
    if name not in node.changed:
        return answers(join(place, name), hole) if hole.count > 1 else hole.points(1)[0]
    answer = fill(node.changed[name], answers, join(place, name))
    if not hole.allows(answer):
        raise Invalid(
            join(place, name), f"must {hole.allowed_text(answer)}, as {node.call.source} asks, got {answer!r}"
        )
    return answer


def _length(name: str, tables: tuple[dict[str, Any], ...], place: str) -> int:
    """The length of an earlier list of this name."""
    for table in tables:
        if isinstance(table.get(name), list):
            return len(table[name])
    raise Invalid(join(place, "repeat"), f"there is no earlier list {name!r}, in this table or in one around it")
