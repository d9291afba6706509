"""Filling the holes with the answers of a trial: Optuna's, or any object with the same `suggest_*` methods."""

from collections.abc import Sequence
from typing import Any, Protocol

from tuner.base.errors import Invalid, join
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat


class Ask(Protocol):
    """What filling needs of an Optuna trial; `FixedTrial` and `FrozenTrial` have it too, so a trial can be replayed."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...


def fill(node: Node, ask: Ask, place: str = "") -> Any:
    """Plain data without holes. A hole's name is its address; inside a branch of `one_of` the kind joins the address
    (`network.dense.widths[0]`), since Optuna needs one fixed set of choices for each name. A hole with one value only is not
    asked for."""
    return _fill(node, ask, place, ())


def _fill(node: Node, ask: Ask, place: str, scopes: tuple[dict[str, Any], ...]) -> Any:
    match node:
        case dict():
            return _fill_table(node, ask, place, scopes)
        case list():
            return [_fill(each, ask, f"{place}[{index}]", scopes) for index, each in enumerate(node)]
        case Choice():
            names = node.names
            return node.named(ask.suggest_categorical(place, names) if len(names) > 1 else names[0])
        case Range():
            return _fill_range(node, ask, place)
        case Repeat():
            count = _count(node, ask, place, scopes)
            return [_fill(node.each, ask, f"{place}[{index}]", scopes) for index in range(count)]
        case OneOf(branches):
            kinds = tuple(branches)
            kind = ask.suggest_categorical(join(place, "kind"), kinds) if len(kinds) > 1 else kinds[0]
            return {"kind": kind, **_fill_table(branches[kind], ask, join(place, kind), scopes)}
        case _:
            return node


def _fill_table(table: Any, ask: Ask, place: str, scopes: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for key, each in table.items():
        filled[key] = _fill(each, ask, join(place, key), (filled, *scopes))
    return filled


def _fill_range(hole: Range, ask: Ask, place: str) -> int | float:
    if hole.low == hole.high:
        return hole.low
    if isinstance(hole.low, int) and isinstance(hole.high, int):
        return ask.suggest_int(place, hole.low, hole.high, step=int(hole.step or 1), log=hole.log)
    return ask.suggest_float(place, hole.low, hole.high, step=hole.step, log=hole.log)


def _count(hole: Repeat, ask: Ask, place: str, scopes: tuple[dict[str, Any], ...]) -> int:
    if not isinstance(hole.count, str):
        return int(_fill(hole.count, ask, join(place, "count"), scopes))
    for scope in scopes:
        if isinstance(scope.get(hole.count), list):
            return len(scope[hole.count])
    raise Invalid(join(place, "repeat"), f"there is no earlier list {hole.count!r}, in this table or in one around it")
