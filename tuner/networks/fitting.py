"""What the front of a network on a table takes from the data: NumPy in, the front's constants out."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tuner.networks.columns import MISSING, UNSEEN, Rows
from tuner.networks.encoder import LARGEST, QUANTILES, CodePlace, InputEncoder

Coded = NDArray[np.float32]
Values = NDArray[np.float64]
Indices = NDArray[np.integer] | slice
ALL = slice(None)
SAMPLE = 100_000
"""Numbers are measured on at most so many rows, evenly drawn from the training part; codes on all of it."""


def fit_encoder(rows: Rows, coded: Coded, training: Indices = ALL) -> list[Coded]:
    """The front's constants as the rows `training` of `coded` (examples, places) have them, in the order of
    `InputEncoder.constants`. Nothing in them is NaN or infinite, whatever the data."""
    front = InputEncoder(rows)
    sampled = np.sort(np.arange(len(coded))[training])
    if len(sampled) > SAMPLE:
        sampled = sampled[np.linspace(0, len(sampled) - 1, SAMPLE).astype(np.int64)]
    measured = [_measured(rows, values) for values in _sorted_columns(coded, sampled, front.numbers)]
    constants = [np.stack(each).astype(np.float32) for each in zip(*measured, strict=True)]
    places = [*front.embedded, *front.one_hot]
    known = [_known(coded, training, places, front.constants["known"])] if places else []
    return [*constants, *known]


def _sorted_columns(coded: Coded, sampled: NDArray[np.int64], places: list[int]) -> list[Values]:
    """The finite values of each column in order: what is computed of them does not depend on the order of the rows."""
    columns = [coded[sampled, place] for place in places]
    return [np.sort(each[np.isfinite(each)]).astype(np.float64).clip(-LARGEST, LARGEST) for each in columns]


def _measured(rows: Rows, values: Values) -> tuple[Values, ...]:
    """The constants of one column with these values in order."""
    match rows.encoding.numbers:
        case "standard" | "periodic":
            return _standard(values)
        case "robust":
            return _robust(values)
        case "quantile":
            return _quantile(values)
        case "piecewise":
            return _piecewise(values, rows.encoding.bins)


def _standard(values: Values) -> tuple[Values, Values]:
    if not len(values):
        return np.zeros(()), np.zeros(())
    return np.asarray(values.mean()), _one_by(np.asarray(values.std() if values[0] < values[-1] else 0.0))


def _robust(values: Values) -> tuple[Values, Values]:
    """The second is one by the quartiles' distance; where these are equal, twice one by the range (Holzmüller et al. 2024,
    arXiv 2407.04491)."""
    if not len(values):
        return np.zeros(()), np.zeros(())
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return middle, _one_by(np.asarray(high - low if high > low else (values[-1] - values[0]) / 2))


def _quantile(values: Values) -> tuple[Values, Values]:
    """Some values in order, and the normal distribution's quantile of the share that is smaller; of equals, half count."""
    normal, count = NormalDist(), len(values)
    if not count:
        return np.zeros(QUANTILES), np.zeros(QUANTILES)
    end = normal.inv_cdf(0.5 / count)
    shares = [normal.cdf(level) for level in np.linspace(end, -end, QUANTILES)]
    knots = _distinct(values, shares)
    smaller = np.searchsorted(values, knots, "left") + np.searchsorted(values, knots, "right")
    levels = np.array([normal.inv_cdf(share) for share in smaller / (2 * count)])
    return _filled(knots, QUANTILES), _filled(levels, QUANTILES)


def _piecewise(values: Values, bins: int) -> tuple[Values, Values, Values]:
    """The middle, where each bin starts, and one by its width: 0 for bins that a column of few values does not have."""
    if not len(values):
        return np.zeros(()), np.zeros(bins), np.zeros(bins)
    edges = _distinct(values, np.linspace(0, 1, bins + 1))
    scale = _one_by(np.diff(edges))
    starts = _filled(edges[:-1] if len(edges) > 1 else edges, bins)
    return np.asarray(np.median(values)), starts, np.pad(scale, (0, bins - len(scale)))


def _distinct(values: Values, shares: Sequence[float] | Values) -> Values:
    """Different values in order: all of them, or where these are more than the `shares`, as many: those at these shares. Where
    several shares fall on one value, as in a column that is mostly 0, the rest has their places."""
    distinct = _without_repeats(values)
    if len(distinct) <= len(shares):
        return distinct
    found = _without_repeats(_at(values, shares))
    while missing := len(shares) - len(found):
        rest = values[~np.isin(values, found)]
        found = np.union1d(found, _at(rest, np.linspace(0, 1, missing + 2)[1:-1]))
    return found


def _at(values: Values, shares: Sequence[float] | Values) -> Values:
    chosen: Values = values[np.round(np.asarray(shares) * (len(values) - 1)).astype(np.int64)]
    return chosen


def _without_repeats(values: Values) -> Values:
    kept: Values = values[np.append(True, np.diff(values) > 0)]
    return kept


def _filled(values: Values, count: int) -> Values:
    """The values, the last of them as often as is needed."""
    filled: Values = np.pad(values, (0, count - len(values)), mode="edge")
    return filled


def _one_by(width: Values) -> Values:
    """One by a width, 0 for none: a column without differences says nothing."""
    factor: Values = np.where(width > 0, 1 / np.where(width > 0, width, 1.0), 0.0).clip(0, LARGEST)
    return factor


def _known(coded: Coded, training: Indices, places: list[CodePlace], shape: tuple[int, ...]) -> Coded:
    """1 for each code of all columns that the rows have, 0 for others."""
    known = np.zeros(shape, np.float32)
    for each in places:
        codes = coded[training, each.place]
        codes = np.where(np.isfinite(codes), codes, MISSING)
        codes = np.where((codes >= 0) & (codes < each.size), codes, UNSEEN)
        known[each.offset + codes.astype(np.int64)] = 1.0
    return known
