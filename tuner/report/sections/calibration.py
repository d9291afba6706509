"""How often what has a probability is so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import wilson_interval
from tuner.charts import BLUE, GREY, Axis, Bars, Chart, Dots, Line

BINS = 10


@dataclass(frozen=True)
class Words:
    """What is called what: the probability below the chart, what comes true, and what is counted."""

    probability: str
    came_true: str
    counted: str


def calibration_chart(title: str, sure: NDArray[Any], right: NDArray[np.bool_], words: Words) -> Chart:
    """Shares of what came true by its probability (Guo et al. 2017, https://arxiv.org/abs/1706.04599)."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    filled = [index for index in range(BINS) if (bins == index).any()]
    points = tuple((float(sure[bins == index].mean()), float(right[bins == index].mean())) for index in filled)
    counts = [int((bins == index).sum()) for index in filled]
    error = sum(count * abs(x - y) for count, (x, y) in zip(counts, points, strict=True)) / len(sure)
    return Chart(
        "winner-calibration",
        title,
        Axis(words.probability, percent=True, low=0.0, high=1.0),
        Axis("share", percent=True, low=0.0, high=1.0),
        (
            Bars(f"share of the {words.counted}", GREY, _shares(points, counts), width=0.05),
            Line("as sure as right", GREY, ((0.0, 0.0), (1.0, 1.0)), dashed=True),
            Dots(
                f"{words.came_true}, with 95 % interval",
                BLUE,
                points,
                tuple(
                    f"{count} {words.counted}: {100 * x:.1f} % sure, {100 * y:.1f} % {words.came_true}"
                    for count, (x, y) in zip(counts, points, strict=True)
                ),
                errors=tuple(wilson_interval(y, count) for count, (_, y) in zip(counts, points, strict=True)),
            ),
        ),
        note=f"Expected calibration error {100 * error:.2f} %.",
    )


def _shares(points: Sequence[tuple[float, float]], counts: Sequence[int]) -> tuple[tuple[float, float], ...]:
    return tuple((x, count / sum(counts)) for count, (x, _) in zip(counts, points, strict=True))
