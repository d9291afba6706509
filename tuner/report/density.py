"""Where many points lie: as dots that can be seen through, or as shaded hexagons."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.charts import BLUE, Dots, Hexes, Mark, Point

DOTS = 600
"""More than so many points are counted in hexagons."""

ACROSS = 40
"""Hexagons side by side."""


def cloud(name: str, x: NDArray[Any], y: NDArray[Any], tip: Callable[[int], str], aspect: float = 0.6) -> Mark:
    """Points with what each one says, or how densely they lie; `aspect` is the height of the plot by its width."""
    if len(x) > DOTS:
        return hexagons(name, np.asarray(x, np.float64), np.asarray(y, np.float64), aspect)
    points = tuple(zip(np.asarray(x, float).tolist(), np.asarray(y, float).tolist(), strict=True))
    opacity = 0.75 if len(points) <= 100 else 0.45
    return Dots(name, BLUE, points, tuple(map(tip, range(len(points)))), size=3.5, opacity=opacity)


def hexagons(name: str, x: NDArray[np.float64], y: NDArray[np.float64], aspect: float) -> Hexes:
    """Points counted in a hexagonal lattice: each belongs to the nearest of its centres."""
    width = _spread(x) / ACROSS
    apart = _spread(y) / (ACROSS * aspect) * np.sqrt(3) / 2
    centres: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for shift in (0.0, 0.5):
        row = 2 * np.round(y / apart / 2 - shift) + 2 * shift
        centres.append((np.round(x / width - shift) + shift, row))
    far = [((x / width - u) ** 2 + 0.75 * (y / apart - v) ** 2) for u, v in centres]
    first = far[0] <= far[1]
    u, v = (np.where(first, one, other) for one, other in zip(*centres, strict=True))
    places, counts = np.unique(np.stack([u, v], axis=1), axis=0, return_counts=True)
    points: tuple[Point, ...] = tuple((float(a * width), float(b * apart)) for a, b in places)
    return Hexes(name, BLUE, points, tuple(map(float, counts)), float(width), float(apart))


def _spread(values: NDArray[np.float64]) -> float:
    return float(np.ptp(values)) or 1.0
