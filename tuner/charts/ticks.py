"""Round numbers for the axis of a chart."""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

HALVES = (1, 2, 5, 10)
QUARTERS = (1, 2, 2.5, 5, 10)
HAIR = Decimal("0.999")
"""What a width may lack, or have too much, by rounding."""


def ticks(low: float, high: float, parts: float = 4, factors: Sequence[float] = HALVES) -> list[float]:
    """At most `parts` + 1 round numbers from `low` to `high`, none without an interval; steps are a factor times a power of
    ten.

    >>> ticks(0.83, 0.91)
    [0.84, 0.86, 0.88, 0.9]
    """
    if not -math.inf < low < high < math.inf:
        return []
    # Decimals hold round numbers exactly, and neither the width of all floats nor the least one is beyond them.
    first, last = Decimal(str(low)), Decimal(str(high))
    raw = HAIR * (last - first) / Decimal(str(parts))
    power = Decimal(1).scaleb(raw.adjusted())
    step = next(size for factor in factors if (size := Decimal(str(factor)) * power) >= raw)
    lowest, highest = (first / step).to_integral(ROUND_CEILING), (last / step).to_integral(ROUND_FLOOR)
    # Where floats are sparser than steps, neighbours become the same float.
    return list(dict.fromkeys(float((lowest + count) * step) for count in range(int(highest - lowest) + 1)))
