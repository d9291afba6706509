"""The four holes that may stand where a recipe has a value.

{ choice = ["relu", "tanh"] }                          one of these values
{ low = 1e-4, high = 1e-1, log = true }                a number; whole if both ends are whole; `step` optional
{ repeat = { low = 1, high = 4 }, each = … }           a list; its length is a number or a hole, or the name of
                                                       a list said before ("widths"): as many as that one has
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
    """One of several values. Optuna stores only scalars, so a list or table among them goes by its JSON text."""

    options: tuple[Any, ...]

    @property
    def names(self) -> tuple[Scalar, ...]:
        return tuple(each if isinstance(each, Scalar) else json.dumps(each) for each in self.options)

    def named(self, name: Scalar) -> Any:
        """The option that goes by this name (1 and true are different options)."""
        same = [
            each for each, own in zip(self.options, self.names, strict=True) if own == name and type(own) is type(name)
        ]
        return same[0]


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
    def middle(self) -> int | float:
        """The value halfway between the ends, on the range's own scale; the lower one of two."""
        value = self._value(round(self._between(0.5), 12))
        step = self.step or (1 if self.whole else None)
        if step is None or self.log:
            return value
        count = math.floor((self.high - self.low) / step + 1e-9)
        return self._value(round(self.low + count // 2 * step, 12))

    def points(self, most: int) -> tuple[int | float, ...]:
        """At most `most` values spread evenly over the range (on its own scale), both ends among them."""
        step = self.step or (1 if self.whole else None)
        if step is not None and not self.log:
            count = math.floor((self.high - self.low) / step + 1e-9) + 1
            if count > most:
                return tuple(self._value(self.low + round(i * (count - 1) / (most - 1)) * step) for i in range(most))
            return tuple(self._value(self.low + index * step) for index in range(count))
        shares = [index / (most - 1) for index in range(most)]
        values = [self._between(share) for share in shares[:-1]]
        return tuple(sorted({self._value(value) for value in (*values, self.high)}))

    def _between(self, share: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def _value(self, number: float) -> int | float:
        return round(number) if self.whole else float(number)


@dataclass(frozen=True)
class Repeat:
    """A list whose items are drawn one by one; `count` is a number, a hole, or the name of a list said before."""

    count: "int | str | Range | Choice"
    each: "Node"


@dataclass(frozen=True)
class OneOf:
    """One of several tables by their `kind`; what is in a branch exists only with it."""

    branches: Mapping[str, Mapping[str, "Node"]]


Hole = Choice | Range | Repeat | OneOf
Node: TypeAlias = "Hole | Scalar | list[Node] | dict[str, Node]"
