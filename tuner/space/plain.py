"""What nested data may be made of before any of it is read: what JSON and Optuna's storages can hold, in lengths that are
checked in a moment."""

import math
from collections.abc import Mapping
from typing import Any

from tuner.base.errors import Invalid, join

DEEPEST = 20
LONGEST = 1000


def check_plain(value: Any, place: str = "", depth: int = 0) -> None:
    """Raise `Invalid` with the address of the first thing that is no text, number of at most 64 bits, `true` or `false`, or
    that lies too deep or in too long a list."""
    match value:
        case Mapping() | list() | tuple():
            _check_items(value, place, depth)
        case int():
            if not -(2**63) <= value < 2**63:
                raise Invalid(place, "must be a number of at most 64 bits")
        case float():
            if not math.isfinite(value):
                raise Invalid(place, f"must be a finite number, got {value!r}")
        case str():
            return
        case _:
            raise Invalid(place, f"must be a text, a number, true, false, a list or a table, got {value}")


def _check_items(value: Mapping[str, Any] | list[Any] | tuple[Any, ...], place: str, depth: int) -> None:
    if depth == DEEPEST:
        raise Invalid(place, f"lies deeper than {DEEPEST} tables and lists")
    if isinstance(value, Mapping):
        for key, each in value.items():
            check_plain(each, join(place, key), depth + 1)
        return
    if len(value) > LONGEST:
        raise Invalid(place, f"must have at most {LONGEST:,} entries, got {len(value):,}")
    for index, each in enumerate(value):
        check_plain(each, f"{place}[{index}]", depth + 1)
