"""The four holes that may replace a value of a recipe.

{ choice = ["relu", "tanh"] }                          one of these values
{ low = 1e-4, high = 1e-1, log = true }                a number; whole if both ends are whole; `step` optional
{ repeat = { low = 1, high = 4 }, each = … }           a list; its length is a number or a hole, or the name of
                                                       a earlier list ("widths"): as many as that one has
{ one_of = ["adam", { kind = "sgd", momentum = … }] }  one of these tables, told apart by `kind`, each with holes
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Choice:
    """One of several values. Optuna stores only scalars, so the name of a list or table is its JSON text."""

    options: tuple[Any, ...]

    @property
    def names(self) -> tuple[Scalar, ...]:
        return tuple(each if isinstance(each, Scalar) else json.dumps(each) for each in self.options)

    def named(self, name: Scalar) -> Any:
        """The option with this name (1 and true are different options)."""
        same = [
            each for each, own in zip(self.options, self.names, strict=True) if own == name and type(own) is type(name)
        ]
        return same[0]

    def points(self, most: int) -> tuple[Scalar, ...]:
        """All names, however many there are."""
        return self.names

    def allows(self, name: object) -> bool:
        """Whether an option has this name."""
        return any(own == name and type(own) is type(name) for own in self.names)


@dataclass(frozen=True)
class Range:
    """A number between two ends, both included; whole where `whole`; drawn on a logarithmic scale where `log`."""

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

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
            return self._value(round(self._between(0.5), 12))
        return self._at(math.floor(self.count - 1) // 2)

    def points(self, most: int) -> tuple[int | float, ...]:
        """At most `most` values spread evenly over the range (on its own scale), both ends among them."""
        count, step = self.count, self._step
        if count <= most:
            return tuple(self._value(self.low + index * step) for index in range(int(count)))
        if most == 2:
            return self.low, self.high
        if step and not self.log:
            last = int(count) - 1
            return tuple(self._value(self.low + round(i * last / (most - 1)) * step) for i in range(most))
        shares = [index / (most - 1) for index in range(most)]
        values = [self._between(share) for share in shares[:-1]]
        return tuple(sorted({self._value(value) for value in (*values, self.high)}))

    def drawn(self, share: float) -> int | float:
        """The value at a share (at least 0, less than 1) of the range: as likely as others for an even share."""
        if self.log or not self._step:
            return self._value(self._between(share))
        return self._at(math.floor(share * self.count))

    def allows(self, value: object) -> bool:
        """Whether it is a number of the range's kind, between its ends and on its steps (to a millionth of one)."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        if self.whole and isinstance(value, float):
            return False
        steps = (value - self.low) / self._step if self._step else 0.0
        return abs(steps - round(steps)) < 1e-6

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
        return self._value(round(self.low + index * self._step, 12))

    def _between(self, share: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def _value(self, number: float) -> int | float:
        return round(number) if self.whole else float(number)


@dataclass(frozen=True)
class Repeat:
    """A list whose items are drawn one by one; `count` is a number, a hole, or the name of an earlier list."""

    count: "int | str | Range | Choice"
    each: "Node"

    @property
    def counts(self) -> tuple[int, ...]:
        """The lengths that it may have; none where it is as long as another list."""
        match self.count:
            case Range(low, high, _, step):
                return tuple(range(int(low), int(high) + 1, int(step or 1)))
            case Choice(options):
                return options
            case str():
                return ()
            case number:
                return (number,)


@dataclass(frozen=True)
class OneOf:
    """One of several tables by their `kind`; what is in a branch exists only with it."""

    branches: Mapping[str, Mapping[str, "Node"]]


Hole = Choice | Range | Repeat | OneOf
Node: TypeAlias = "Hole | Scalar | list[Node] | dict[str, Node]"
