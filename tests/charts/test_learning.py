"""Learning curves as pictures: well-formed, escaped, and drawn where the figures are."""

import math
import re
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuner.charts.ticks import ticks
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.curves import draw_curve

SVG = "{http://www.w3.org/2000/svg}"


def result(accuracies: list[float], folds: int = 1, validated: bool = True) -> Result:
    """A result with these accuracies, and losses that fall to NaN at the end."""
    losses = [1.0 / (index + 1) for index in range(len(accuracies) - 1)] + [float("nan")]
    scores = [Scores(loss=loss, accuracy=each) for loss, each in zip(losses, accuracies, strict=True)]
    curves = (
        FoldResult(
            epochs=tuple(
                Epoch(
                    fold=fold,
                    number=number,
                    training=each,
                    validation=each if validated else None,
                    learning_rate=0.1,
                    seconds=1.0,
                )
                for number, each in enumerate(scores, start=1)
            ),
            kept=len(scores),
        )
        for fold in range(folds)
    )
    return Result(folds=tuple(curves), ended="finished", reason="", parameters=1, seconds=1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 3), st.booleans())
def test_every_curve_is_a_picture(accuracies: list[float], folds: int, validated: bool) -> None:
    root = ElementTree.fromstring(draw_curve(result(accuracies, folds, validated), "trial <1> & 'more'"))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "trial <1> & 'more'" in texts
    assert {"accuracy by epoch", "loss by epoch"} <= set(texts)
    points = list(root.iter(f"{SVG}circle"))
    assert len(points) == (2 * len(accuracies) - 1) * folds * (2 if validated else 1), "a NaN has no place"
    assert all(0 <= float(each.attrib["cx"]) <= 640 and 0 <= float(each.attrib["cy"]) <= 200 for each in points)


def test_a_better_figure_is_drawn_higher() -> None:
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', draw_curve(result([0.5, 0.7, 0.9]), "t"))][:3]
    assert heights == sorted(heights, reverse=True)


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
def test_what_is_no_interval_has_no_ticks(low: float, high: float) -> None:
    assert ticks(low, high) == []
