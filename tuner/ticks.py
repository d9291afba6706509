"""Round numbers for the axis of a chart."""

import math
from collections.abc import Sequence

HALVES = (1, 2, 5, 10)
QUARTERS = (1, 2, 2.5, 5, 10)


def ticks(low: float, high: float, parts: float = 4, factors: Sequence[float] = HALVES) -> list[float]:
    """At most `parts` + 1 round numbers between two; steps are a factor times a power of ten.

    >>> ticks(0.83, 0.91)
    [0.84, 0.86, 0.88, 0.9]
    """
    raw = (high - low) / parts
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in factors if factor * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(count * step, 12) for count in range(first, last + 1)]
