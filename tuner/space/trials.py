"""Trials without Optuna: each hole is answered by a function, from an assignment, from the middle, at random."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tuner.space.holes import Choice, Range

Assignment = dict[str, Any]
Hole = Choice | Range


@dataclass
class ComputedTrial:
    """Answers `suggest_*` as an Optuna trial does, by a function of the hole's address and the hole. Records all `holes`
    and `answers` by address."""

    answer: Callable[[str, Hole], Any]
    holes: dict[str, Hole] = field(default_factory=dict)
    answers: Assignment = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._ask(name, Choice(tuple(choices)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._ask(name, Range(low, high, log, None if log or step == 1 else step)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._ask(name, Range(float(low), float(high), log, step)))

    def _ask(self, name: str, hole: Hole) -> Any:
        self.holes[name] = hole
        self.answers[name] = self.answer(name, hole)
        return self.answers[name]


def scripted_trial(assignment: Assignment, *, last: bool = False) -> ComputedTrial:
    """Answers from an assignment, else with the first (or last) of what is allowed."""
    return ComputedTrial(
        lambda name, hole: assignment[name] if name in assignment else hole.points(2)[-1 if last else 0]
    )


def centre_trial(largest: Sequence[str] = ()) -> ComputedTrial:
    """Answers with the first option and the middle of a range; where the last list or field of the address is in `largest`,
    with the largest number that is allowed."""

    def answer(name: str, hole: Hole) -> Any:
        if name.rpartition(".")[2].partition("[")[0] in largest:
            return max(hole.points(2))
        return hole.options[0] if isinstance(hole, Choice) else hole.middle

    return ComputedTrial(answer)


def random_trial(random: Random) -> ComputedTrial:
    """Answers at random: options with equal chances, numbers evenly on the range's own scale."""
    return ComputedTrial(
        lambda _, hole: random.choice(hole.options) if isinstance(hole, Choice) else hole.drawn(random.random())
    )


def recipe_trial(plain: Any) -> ComputedTrial:
    """Answers with what plain data has at the hole's address; with the nearest number where a range does not have it, and
    with the first option or the middle where the data says nothing that is allowed. Raises `Unlike` for another family of
    networks or a list of another length."""

    def answer(name: str, hole: Hole) -> Any:
        value = value_at(plain, name)
        if isinstance(hole, Choice):
            same = [option for option in hole.options if _is_same(option, value)]
            if not same and name == "network.kind":
                raise Unlike(name)
            return same[0] if same else hole.options[0]
        if not isinstance(value, int | float) or isinstance(value, bool):
            return hole.middle
        if name.endswith(".count") and not hole.allows(value):
            raise Unlike(name)
        inside = min(max(value, hole.low), hole.high)
        if hole.allows(value) or not (hole.step or hole.whole):
            return inside
        return min(hole.nearest(inside), key=lambda each: abs(each - inside))

    return ComputedTrial(answer)


class Unlike(LookupError):
    """A recipe that a space does not have."""


def value_at(plain: Any, name: str) -> Any:
    """The value at an address, or None. A branch's kind is part of the address."""
    for step in re.findall(r"[^.\[\]]+", name):
        if step == "count" and isinstance(plain, list):
            plain = len(plain)
        elif isinstance(plain, list) and step.isdigit() and int(step) < len(plain):
            plain = plain[int(step)]
        elif isinstance(plain, Mapping) and step in plain:
            plain = plain[step]
        elif not (isinstance(plain, Mapping) and plain.get("kind") == step):
            return None
    return plain


def _is_same(option: Any, value: Any) -> bool:
    """Whether an option, by its name, is what fully resolved plain data says."""
    if isinstance(value, Mapping | list):
        if isinstance(value, Mapping) and option == value.get("kind"):
            return True
        try:
            table = json.loads(option) if isinstance(option, str) else None
        except ValueError:
            return False
        if isinstance(table, Mapping) and isinstance(value, Mapping):
            return all(key in value and value[key] == each for key, each in table.items())
        return bool(table == value)
    return bool(option == value) and isinstance(option, bool) == isinstance(value, bool)
