"""Ticks: round, few, and inside the interval."""

import math
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuner.charts.scale import ticks


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
@example(1.5e-09, 5.0)
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 1 <= len(found) <= 6
    assert all(low <= tick <= low + width for tick in found)
    assert found == sorted(found)
    assert len(found) < 2 or found[1] - found[0] == pytest.approx(found[-1] - found[-2])


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
@example(0.0, 5e-324)
@example(1e16, math.nextafter(1e16, math.inf))
@example(-sys.float_info.max, sys.float_info.max)
@example(0.0, 3e-14)
def test_any_interval_has_ticks_inside(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = ticks(low, high)
    assert found == sorted({tick for tick in found if low <= tick <= high})
    assert bool(found) == (low < high)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (-math.inf, 0.0), (math.nan, 1.0)])
def test_an_interval_without_length_has_no_ticks(low: float, high: float) -> None:
    assert ticks(low, high) == []
