"""The constants of a table's encoder, taken from the training data with NumPy."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tuner.networks.columns import MISSING, UNSEEN, Rows
from tuner.networks.encoder import LARGEST, QUANTILES, CodePlace, InputEncoder
from tuner.networks.parts import Part, has_parts, parts_of

Coded = NDArray[np.float32]
Values = NDArray[np.float64]
Indices = NDArray[np.integer] | slice
ALL = slice(None)
SAMPLE = 100_000
"""Constants of numbers come from at most this many rows, evenly spaced in the training part; those of codes from all."""


def fit_encoder(rows: Rows, coded: Coded, training: Indices = ALL) -> list[Coded]:
    """The constants of the encoders from the rows `training` of `coded` (examples, places), in the order of
    `tuner.networks.parts.encoded_rows` and `InputEncoder.constants`. They are always finite. Pictures and arrays have none."""
    if not has_parts(rows):
        return _fitted(rows, coded, training)
    return [each for part in parts_of(rows) for each in _of_part(part, coded, training)]


def _of_part(part: Part, coded: Coded, training: Indices) -> list[Coded]:
    if not isinstance(part.column, Rows):
        return []
    return _fitted(part.column, np.concatenate([coded[:, first:end] for first, end in part.places], axis=1), training)


def _fitted(rows: Rows, coded: Coded, training: Indices) -> list[Coded]:
    encoder = InputEncoder(rows)
    sampled = np.sort(np.arange(len(coded))[training])
    if len(sampled) > SAMPLE:
        sampled = sampled[np.linspace(0, len(sampled) - 1, SAMPLE).astype(np.int64)]
    by_column = [_number_constants(rows, values) for values in _sorted_columns(coded, sampled, encoder.numbers)]
    constants = [np.stack(each).astype(np.float32) for each in zip(*by_column, strict=True)]
    places = [*encoder.embedded, *encoder.one_hot]
    known = [_known_codes(coded, training, places, encoder.constants["known"])] if places else []
    return [*constants, *known]


def _sorted_columns(coded: Coded, sampled: NDArray[np.int64], places: list[int]) -> list[Values]:
    """The finite values of each column, sorted: so the constants do not depend on the order of the rows."""
    columns = [coded[sampled, place] for place in places]
    return [np.sort(each[np.isfinite(each)]).astype(np.float64).clip(-LARGEST, LARGEST) for each in columns]


def _number_constants(rows: Rows, values: Values) -> tuple[Values, ...]:
    """The constants of one column with these sorted values."""
    match rows.encoding.numbers:
        case "standard" | "periodic":
            return _standard(values)
        case "robust" | "pbld":
            return _robust(values)
        case "quantile":
            return _quantile(values)
        case "piecewise":
            return _piecewise(values, rows.encoding.bins)


def _standard(values: Values) -> tuple[Values, Values]:
    if not len(values):
        return np.zeros(()), np.zeros(())
    return np.asarray(values.mean()), _inverse(np.asarray(values.std() if values[0] < values[-1] else 0.0))


def _robust(values: Values) -> tuple[Values, Values]:
    """The median and the inverse of the interquartile range, or of half the range where that is 0 (Holzmüller et al. 2024,
    arXiv 2407.04491)."""
    if not len(values):
        return np.zeros(()), np.zeros(())
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return middle, _inverse(np.asarray(high - low if high > low else (values[-1] - values[0]) / 2))


def _quantile(values: Values) -> tuple[Values, Values]:
    """Some sorted values, and the normal quantile of the share of smaller values, where equal values count half."""
    normal, count = NormalDist(), len(values)
    if not count:
        return np.zeros(QUANTILES), np.zeros(QUANTILES)
    end = normal.inv_cdf(0.5 / count)
    shares = [normal.cdf(level) for level in np.linspace(end, -end, QUANTILES)]
    knots = _distinct(values, shares)
    smaller = np.searchsorted(values, knots, "left") + np.searchsorted(values, knots, "right")
    levels = np.array([normal.inv_cdf(share) for share in smaller / (2 * count)])
    return _padded(knots, QUANTILES), _padded(levels, QUANTILES)


def _piecewise(values: Values, bins: int) -> tuple[Values, Values, Values]:
    """The median, the start of each bin, and the inverse of its width: 0 for the surplus bins of a column with few values."""
    if not len(values):
        return np.zeros(()), np.zeros(bins), np.zeros(bins)
    edges = _distinct(values, np.linspace(0, 1, bins + 1))
    scale = _inverse(np.diff(edges))
    starts = _padded(edges[:-1] if len(edges) > 1 else edges, bins)
    return np.asarray(np.median(values)), starts, np.pad(scale, (0, bins - len(scale)))


def _distinct(values: Values, shares: Sequence[float] | Values) -> Values:
    """The distinct values, sorted; of more than the `shares` only those at these shares. Where several shares have the same
    value, as in a column that is mostly 0, other values take their places."""
    distinct = _without_repeats(values)
    if len(distinct) <= len(shares):
        return distinct
    chosen = _without_repeats(_at(values, shares))
    while missing := len(shares) - len(chosen):
        rest = values[~np.isin(values, chosen)]
        chosen = np.union1d(chosen, _at(rest, np.linspace(0, 1, missing + 2)[1:-1]))
    return chosen


def _at(values: Values, shares: Sequence[float] | Values) -> Values:
    return np.asarray(values[np.round(np.asarray(shares) * (len(values) - 1)).astype(np.int64)])


def _without_repeats(values: Values) -> Values:
    return np.asarray(values[np.append(True, np.diff(values) > 0)])


def _padded(values: Values, count: int) -> Values:
    """The values, padded with the last one."""
    return np.asarray(np.pad(values, (0, count - len(values)), mode="edge"))


def _inverse(width: Values) -> Values:
    """The inverse of a width; 0 for width 0, since a constant column carries no information."""
    return np.asarray(np.where(width > 0, 1 / np.where(width > 0, width, 1.0), 0.0).clip(0, LARGEST))


def _known_codes(coded: Coded, training: Indices, places: list[CodePlace], shape: tuple[int, ...]) -> Coded:
    """For each code of all columns 1 if the rows contain it, else 0."""
    known = np.zeros(shape, np.float32)
    for each in places:
        codes = coded[training, each.place]
        codes = np.where(np.isfinite(codes), codes, MISSING)
        codes = np.where((codes >= 0) & (codes < each.size), codes, UNSEEN)
        known[each.offset + codes.astype(np.int64)] = 1.0
    return known
