"""Who answers when a space is filled without Optuna: from an assignment, from the middle, at random."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tuner.space.holes import Choice, Range

Assignment = dict[str, Any]


@dataclass
class Script:
    """Answers `suggest_*` from an assignment, else with the first (or last) of what is allowed, and notes each
    question: its hole, and its possible answers in the order of asking, at most `points` for a range."""

    given: Assignment
    last: bool = False
    points: int = 2
    asked: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    holes: dict[str, Choice | Range] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.holes[name] = Choice(tuple(choices))
        return self._answer(name, tuple(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._number(name, _whole(low, high, step, log)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._number(name, _real(low, high, step, log)))

    def _number(self, name: str, hole: Range) -> Any:
        self.holes[name] = hole
        return self._answer(name, hole.points(self.points))

    def _answer(self, name: str, options: tuple[Any, ...]) -> Any:
        self.asked[name] = options
        return self.given[name] if name in self.given else options[-1 if self.last else 0]


@dataclass
class _Noting(ABC):
    """Answers once for each name, and notes what."""

    given: Assignment = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.given.setdefault(name, self._option(name, choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self.given.setdefault(name, self._number(name, _whole(low, high, step, log))))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self.given.setdefault(name, self._number(name, _real(low, high, step, log))))

    @abstractmethod
    def _option(self, name: str, choices: Sequence[Any]) -> Any: ...

    @abstractmethod
    def _number(self, name: str, hole: Range) -> int | float: ...


@dataclass
class Middle(_Noting):
    """Answers with the first of several options and with the middle of a range, on the range's own scale; where the last
    list or field of the address is in `largest`, with the largest number that is allowed."""

    largest: Sequence[str] = ()

    def _option(self, name: str, choices: Sequence[Any]) -> Any:
        return max(choices) if self._is_largest(name) else choices[0]

    def _number(self, name: str, hole: Range) -> int | float:
        return hole.points(2)[-1] if self._is_largest(name) else hole.middle

    def _is_largest(self, name: str) -> bool:
        return name.rpartition(".")[2].partition("[")[0] in self.largest


class Unlike(LookupError):
    """A recipe that a space does not have."""


@dataclass
class Like(_Noting):
    """Answers with what plain data has at the hole's address; with the nearest number where a range does not have it, and
    with the first option or the middle where the data says nothing that is allowed. Raises `Unlike` where that would be
    another thing altogether: another family of networks, a list of another length."""

    plain: Any = None

    def _option(self, name: str, choices: Sequence[Any]) -> Any:
        value = self._at(name)
        same = [choice for choice in choices if _is_same(choice, value)]
        if not same and name in MUST_BE_LIKE:
            raise Unlike(name)
        return same[0] if same else choices[0]

    def _number(self, name: str, hole: Range) -> int | float:
        value = self._at(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return hole.middle
        if name.endswith(".count") and not hole.allows(value):
            raise Unlike(name)
        if hole.allows(value):
            return value
        inside = min(max(value, hole.low), hole.high)
        return min(hole.nearest(inside), key=lambda each: abs(each - inside)) if hole.step or hole.whole else inside

    def _at(self, name: str) -> Any:
        """What stands at an address; None where nothing does. A branch's kind is part of the address."""
        value = self.plain
        for step in re.findall(r"[^.\[\]]+", name):
            if step == "count" and isinstance(value, list):
                value = len(value)
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            elif isinstance(value, Mapping) and step in value:
                value = value[step]
            elif not (isinstance(value, Mapping) and value.get("kind") == step):
                return None
        return value


MUST_BE_LIKE = ("network.kind",)


def _is_same(choice: Any, value: Any) -> bool:
    """Whether an option, by its name, is what fully resolved plain data says."""
    if isinstance(value, Mapping | list):
        if isinstance(value, Mapping) and choice == value.get("kind"):
            return True
        try:
            option = json.loads(choice) if isinstance(choice, str) else None
        except ValueError:
            return False
        if isinstance(option, Mapping) and isinstance(value, Mapping):
            return all(key in value and value[key] == each for key, each in option.items())
        return bool(option == value)
    return bool(choice == value) and isinstance(choice, bool) == isinstance(value, bool)


@dataclass(frozen=True)
class Dice:
    """Answers at random: options alike, numbers evenly on their range's own scale."""

    random: Random

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(_whole(low, high, step, log).drawn(self.random.random()))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(_real(low, high, step, log).drawn(self.random.random()))


def _whole(low: int, high: int, step: int, log: bool) -> Range:
    return Range(low, high, log, None if log or step == 1 else step)


def _real(low: float, high: float, step: float | None, log: bool) -> Range:
    return Range(float(low), float(high), log, step)
