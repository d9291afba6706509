"""Records, and ranges as types of their fields, such as `learning_rate: Positive = 0.01`, which the decoder reads as numbers and texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, TypeVar, dataclass_transform, get_args, get_type_hints

from tuner.base.errors import require

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The rule completes the sentence "must …"."""

    rule: str
    holds: Callable[..., bool]


NotNegative = Annotated[float, Range("be at least 0", lambda number: number >= 0)]
Positive = Annotated[float, Range("be greater than 0", lambda number: number > 0)]
Share = Annotated[float, Range("be between 0 and 1", lambda number: 0 <= number <= 1)]
PositiveShare = Annotated[float, Range("be greater than 0 and at most 1", lambda number: 0 < number <= 1)]
InnerShare = Annotated[float, Range("be greater than 0 and less than 1", lambda number: 0 < number < 1)]
Rate = Annotated[float, Range("be at least 0 and less than 1", lambda number: 0 <= number < 1)]
"""A probability, momentum or decay: 0 switches the effect off."""
Count = Annotated[int, Range("be at least 1", lambda number: number >= 1)]
Several = Annotated[int, Range("be at least 2", lambda number: number >= 2)]
Folds = Annotated[int, Range("be between 2 and 100", lambda number: 2 <= number <= 100)]
CountOrZero = Annotated[int, Range("be at least 0", lambda number: number >= 0)]
Seed = Annotated[int, Range("be at least 0 and below 2**32", lambda number: 0 <= number < 2**32)]
"""Accepted by every random generator: 32 bits, unsigned."""
NonEmpty = Annotated[str, Range("not be empty", bool)]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(described: type[T]) -> type[T]:
    """A record: a frozen dataclass with keyword fields. A new one raises `Invalid` for its first value, or value of a tuple, that
    is outside the range of its field, before its own checks."""
    own_checks = getattr(described, "__post_init__", None)

    @cache
    def ranges() -> dict[str, Range]:
        hints = get_type_hints(described, include_extras=True)
        return {name: part for name, hint in hints.items() for part in _parts(hint) if isinstance(part, Range)}

    def check(self: object) -> None:
        for name, limits in ranges().items():
            field = getattr(self, name)
            values = field if isinstance(field, tuple) else (field,)
            for index, value in enumerate(values):
                require(limits.holds(value), f"{name}[{index}]" if values is field else name, limits.rule, value)
        if own_checks:
            own_checks(self)

    setattr(described, "__post_init__", check)  # noqa: B010 (mypy knows no such attribute of a type)
    return dataclass(frozen=True, kw_only=True)(described)


def _parts(hint: object) -> Iterator[object]:
    yield hint
    for each in get_args(hint):
        yield from _parts(each)
