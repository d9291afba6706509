"""Who answers when a space is filled without Optuna: from an assignment, from the middle, at random."""

from collections.abc import Sequence
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
class Middle:
    """Answers with the first of several options and with the middle of a range, on the range's own scale; where the last
    list or field of the address is in `largest`, with the largest number that is allowed."""

    largest: Sequence[str] = ()
    given: Assignment = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.given.setdefault(name, max(choices) if self._is_largest(name) else choices[0])

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        hole = _whole(low, high, step, log)
        return int(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        hole = _real(low, high, step, log)
        return float(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def _is_largest(self, name: str) -> bool:
        return name.rpartition(".")[2].partition("[")[0] in self.largest


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
