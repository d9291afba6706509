"""Which recorded recipe is tried next: at random, by tree-structured Parzen estimators, near the best, by a Gaussian process."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from replay import Pool, State
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

Proposer = Callable[[State, Mapping[int, float]], tuple[int, float] | None]
"""From the figures of some recipes at one length to the next recipe, and the seconds of proposing; None if all are known."""

CANDIDATES = 24
"""As many as Optuna's TPE draws from its density of good trials."""

GAMMA, MOST_GOOD = 0.1, 25
SCALES, NOISES = (0.5, 1.0, 2.0), (0.01, 0.1, 0.4)


def at_random(state: State, figures: Mapping[int, float]) -> tuple[int, float] | None:
    """Any recipe."""
    unknown = state.unknown()
    return (int(state.random.choice(unknown)), 0.002) if unknown else None


def by_tpe(state: State, figures: Mapping[int, float], startup: int = 10) -> tuple[int, float] | None:
    """The recipe with the highest ratio of the densities of good and of other recipes, among some drawn from the good ones'
    (Bergstra et al. 2011; bandwidths and weights as in Optuna's multivariate TPE)."""
    unknown = np.array(state.unknown())
    if len(figures) < startup or not len(unknown):
        return at_random(state, figures)
    order = sorted(figures, key=lambda index: (figures[index], index))
    good = min(math.ceil(GAMMA * len(order)), MOST_GOOD)
    attraction = log_density(state.pool, unknown, order[:good])
    weights = np.exp(attraction - attraction.max())
    size = min(CANDIDATES, int((weights > 0).sum()))
    drawn = state.random.choice(len(unknown), size=size, replace=False, p=weights / weights.sum())
    ratio = attraction[drawn] - log_density(state.pool, unknown[drawn], order[good:])
    return int(unknown[drawn[int(np.argmax(ratio))]]), tpe_seconds(len(figures))


def near_best(state: State, figures: Mapping[int, float], share: float = 0.8) -> tuple[int, float] | None:
    """For a share of the proposals the recipe nearest to the best, of some drawn at random; else by TPE after two trials."""
    unknown = state.unknown()
    if not figures or not unknown or state.random.random() >= share:
        return by_tpe(state, figures, startup=2)
    best = min(figures, key=lambda index: (figures[index], index))
    drawn = state.random.choice(unknown, size=min(CANDIDATES, len(unknown)), replace=False)
    return int(min(drawn, key=lambda index: state.pool.distances[best, index])), tpe_seconds(len(figures))


def by_gp(state: State, figures: Mapping[int, float], startup: int = 6) -> tuple[int, float] | None:
    """The recipe with the highest expected improvement of the logarithm of the figure (Matérn 5/2; scale and noise by the
    marginal likelihood)."""
    unknown = np.array(state.unknown())
    if len(figures) < startup or not len(unknown):
        return at_random(state, figures)
    known = np.array(sorted(figures))
    values = np.log([figures[index] for index in known])
    middle, deviation = values.mean(), max(values.std(), 1e-6)
    targets = (values - middle) / deviation
    fits = [
        _fit(state.pool.distances[np.ix_(known, known)], targets, scale, noise) for scale in SCALES for noise in NOISES
    ]
    _, scale, factor, weights = max(fits, key=lambda fit: fit[0])
    cross = matern(state.pool.distances[np.ix_(unknown, known)], scale)
    mean = cross @ weights
    variance = np.maximum(1 - np.einsum("ij,ji->i", cross, cho_solve(factor, cross.T)), 1e-9)
    gap, spread = targets.min() - mean, np.sqrt(variance)
    gain = gap * ndtr(gap / spread) + spread * np.exp(-((gap / spread) ** 2) / 2) / math.sqrt(2 * math.pi)
    return int(unknown[int(np.argmax(gain))]), gp_seconds(len(figures))


def log_density(pool: Pool, recipes: NDArray[np.int64], centres: list[int]) -> NDArray[np.float64]:
    """The logarithm of a mixture of kernels around the centres and the prior, relative to the prior."""
    numbers, codes, options = pool.places
    if not centres:
        return np.zeros(len(recipes))
    around = np.array(centres)
    dimensions = numbers.shape[1] + codes.shape[1]
    sigma = 0.2 * len(centres) ** (-1 / (dimensions + 4))
    gaps = numbers[recipes][:, None] - numbers[around][None]
    inside = ndtr((1 - numbers[around]) / sigma) - ndtr(-numbers[around] / sigma)
    gaussian = -((gaps / sigma) ** 2) / 2 - math.log(sigma * math.sqrt(2 * math.pi)) - np.log(inside)[None]
    mine, theirs = codes[recipes][:, None], codes[around][None]
    weight = 1 / (len(centres) + 1)
    chance = np.where(mine == theirs, 1 + weight, weight) / (1 + weight * options) * options
    chosen = np.where((mine < 0) | (theirs < 0), 0.0, np.log(chance))
    kernels = np.nansum(gaussian, axis=2) + chosen.sum(axis=2)
    mixture = np.concatenate([kernels, np.zeros((len(recipes), 1))], axis=1)
    top = mixture.max(axis=1)
    return np.asarray(top + np.log(np.exp(mixture - top[:, None]).mean(axis=1)))


def matern(squared: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The Matérn 5/2 kernel of squared distances."""
    root = np.sqrt(5 * squared) / scale
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root))


def _fit(
    squared: NDArray[np.float64], targets: NDArray[np.float64], scale: float, noise: float
) -> tuple[float, float, tuple[NDArray[np.float64], bool], NDArray[np.float64]]:
    """The log marginal likelihood with a scale and a noise, and what predictions need."""
    factor = cho_factor(matern(squared, scale) + noise * np.eye(len(targets)), lower=True)
    weights = cho_solve(factor, targets)
    likelihood = -targets @ weights / 2 - np.log(np.diag(factor[0])).sum()
    return float(likelihood), scale, factor, weights


def tpe_seconds(trials: int) -> float:
    """What Optuna's TPE takes for one proposal in these spaces, on one thread of the machine of the recordings."""
    return 0.013 + 0.00015 * trials


def gp_seconds(trials: int) -> float:
    """What Optuna's GP takes for one proposal there."""
    return 0.3 + 0.0006 * trials
