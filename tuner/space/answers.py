"""Who answers when a space is filled without Optuna: from an assignment, or from the middle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.space.holes import Range

Assignment = dict[str, Any]


@dataclass
class Script:
    """Answers `suggest_*` from an assignment, else with the first (or last) of what is allowed, and notes each
    question with its possible answers, in the order of asking: at most `points` for a range."""

    given: Assignment
    last: bool = False
    points: int = 2
    asked: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._answer(name, tuple(choices))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._answer(name, Range(low, high, log, None if log else step).points(self.points)))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._answer(name, Range(float(low), float(high), log, step).points(self.points)))

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
        hole = Range(low, high, log, None if log else step)
        return int(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        hole = Range(float(low), float(high), log, step)
        return float(self.given.setdefault(name, hole.points(2)[-1] if self._is_largest(name) else hole.middle))

    def _is_largest(self, name: str) -> bool:
        return name.rpartition(".")[2].partition("[")[0] in self.largest
