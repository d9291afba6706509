"""Holes that stand for one value of a recipe: a choice and a range, with one interface for all that a search asks of them.

{ choice = ["relu", "tanh"] }              one of these values
{ low = 1e-4, high = 1e-1, log = true }    a number; whole if both ends are whole; `step` optional
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeGuard

from tuner.base.errors import Invalid, require

Scalar = bool | int | float | str


class Ask(Protocol):
    """What a hole needs of an Optuna trial; `FixedTrial` and `FrozenTrial` have it too, so a trial can be replayed."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...


@dataclass(frozen=True)
class Choice:
    """One of several values. Optuna stores only scalars, so the answer for a list or table is its name, its JSON text."""

    options: tuple[Any, ...]

    @property
    def names(self) -> tuple[Scalar, ...]:
        return tuple(each if isinstance(each, Scalar) else json.dumps(each) for each in self.options)

    @property
    def count(self) -> float:
        return len(self.options)

    @property
    def middle(self) -> Scalar:
        """The first option."""
        return self.names[0]

    @property
    def text(self) -> str:
        return ", ".join(each if isinstance(each, str) else json.dumps(each) for each in self.options)

    def suggest(self, trial: Ask, place: str) -> Scalar:
        """The trial's answer."""
        answer: Scalar = trial.suggest_categorical(place, self.names)
        return answer

    def value(self, name: object) -> Any:
        """The option with this name (1 and true are different options)."""
        return next(
            each for each, own in zip(self.options, self.names, strict=True) if own == name and type(own) is type(name)
        )

    def allows(self, name: object) -> bool:
        """Whether an option has this name."""
        return any(own == name and type(own) is type(name) for own in self.names)

    def allowed_text(self, instead_of: object) -> str:
        """The rule for an answer, which another one breaks."""
        return f"be one of {', '.join(map(str, self.names))}"

    def points(self, most: int) -> tuple[Scalar, ...]:
        """All names, however many there are."""
        return self.names

    def drawn(self, random: Random) -> Scalar:
        """One name; all are equally likely."""
        return random.choice(self.names)

    def closest(self, value: object) -> Scalar:
        """The first name that is the same as a value of a fully resolved recipe; the first of all where none is."""
        return next((name for name in self.names if _is_same(name, value)), self.middle)


@dataclass(frozen=True)
class Range:
    """A number between two ends, both included; whole where `whole`; drawn on a logarithmic scale where `log`."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    def __post_init__(self) -> None:
        low, high, step = self.low, self.high, self.step
        if low > high:
            raise Invalid("", f"low must not be above high, got low = {low!r}, high = {high!r}")
        require(low > 0 or not self.log, "low", "be greater than 0 on a logarithmic scale", low)
        if not math.isfinite(high / low if self.log else high - low):
            raise Invalid("", f"is too wide for a computer's numbers, from {low!r} to {high!r}")
        if step is None:
            return
        require(step > 0, "step", "be greater than 0", step)
        if self.log:
            raise Invalid("step", "cannot be combined with log")
        require(not self.whole or isinstance(step, int), "step", "be a whole number between whole ends", step)
        steps = (high - low) / step
        is_whole = math.isfinite(steps) and abs(steps - round(steps)) <= 1e-9
        require(is_whole, "step", f"lead from {low!r} to {high!r} in whole steps", step)

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def count(self) -> float:
        """How many values there are; infinite where they are continuous."""
        if self.low == self.high:
            return 1
        return math.floor((self.high - self.low) / self._step + 1e-9) + 1 if self._step else math.inf

    @property
    def middle(self) -> int | float:
        """The value halfway between the ends, on the range's own scale; the lower one of two."""
        if self.log or not self._step:
            return self.value(round(self._between(0.5), 12))
        return self._at(math.floor(self.count - 1) // 2)

    @property
    def text(self) -> str:
        scale = " on a logarithmic scale" if self.log else f" in steps of {self.step}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{scale}"

    def suggest(self, trial: Ask, place: str) -> int | float:
        """The trial's answer."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(place, self.low, self.high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(place, self.low, self.high, step=self.step, log=self.log)

    def value(self, number: float) -> int | float:
        """The number as the range has it: whole or not."""
        return round(number) if self.whole else float(number)

    def allows(self, value: object) -> bool:
        """Whether it is a number of the range's kind, between its ends and on its steps (to a millionth of one)."""
        if not _is_number(value) or not self.low <= value <= self.high:
            return False
        if self.whole and isinstance(value, float):
            return False
        steps = (value - self.low) / self._step if self._step else 0.0
        return abs(steps - round(steps)) < 1e-6

    def allowed_text(self, instead_of: object) -> str:
        """The rule for an answer, which another one breaks, with the allowed numbers that are nearest to that.

        >>> Range(16, 64, step=16).allowed_text(instead_of=20)
        'be one of 16 to 64 in steps of 16 (nearest: 16, 32)'
        """
        numbers = f"be {'one of' if self.step else 'a whole number from' if self.whole else 'from'} {self.text}"
        return (
            f"{numbers} (nearest: {', '.join(map(str, self.nearest(instead_of)))})"
            if _is_number(instead_of)
            else numbers
        )

    def points(self, most: int) -> tuple[int | float, ...]:
        """At most `most` values spread evenly over the range (on its own scale), both ends among them."""
        count, step = self.count, self._step
        if count <= most:
            return tuple(self.value(self.low + index * step) for index in range(int(count)))
        if most == 2:
            return self.low, self.high
        if step and not self.log:
            last = int(count) - 1
            return tuple(self.value(self.low + round(i * last / (most - 1)) * step) for i in range(most))
        shares = [index / (most - 1) for index in range(most)]
        values = [self._between(share) for share in shares[:-1]]
        return tuple(sorted({self.value(value) for value in (*values, self.high)}))

    def drawn(self, random: Random) -> int | float:
        """A value, drawn evenly on the range's own scale."""
        if self.log or not self._step:
            return self.value(self._between(random.random()))
        return self._at(math.floor(random.random() * self.count))

    def closest(self, value: object) -> int | float:
        """The allowed number that is closest to a value; the middle where that is no number."""
        if not _is_number(value):
            return self.middle
        inside = min(max(value, self.low), self.high)
        if self.allows(value) or not self._step:
            return inside
        return min(self.nearest(inside), key=lambda each: abs(each - inside))

    def nearest(self, value: float) -> tuple[int | float, ...]:
        """The allowed values next to a number that is not one: one below, one above, or an end."""
        if not self.low < value < self.high:
            return (self.low if value <= self.low else self.high,)
        below = math.floor((value - self.low) / self._step)
        return self._at(below), self._at(below + 1)

    @property
    def _step(self) -> int | float:
        """The distance of neighbours, on a logarithmic scale too; 0 where they are continuous."""
        return self.step or int(self.whole)

    def _at(self, index: int) -> int | float:
        return self.value(round(self.low + index * self._step, 12))

    def _between(self, share: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)


Hole = Choice | Range


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_same(name: Scalar, value: object) -> bool:
    """Whether an option's name stands for a value of a fully resolved recipe."""
    if not isinstance(value, Mapping | list):
        return name == value and isinstance(name, bool) == isinstance(value, bool)
    if isinstance(value, Mapping) and name == value.get("kind"):
        return True
    try:
        option = json.loads(name) if isinstance(name, str) else None
    except ValueError:
        return False
    if isinstance(option, Mapping) and isinstance(value, Mapping):
        return all(key in value and value[key] == each for key, each in option.items())
    return bool(option == value)
