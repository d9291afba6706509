"""How the time of a call is spent: one value of two kinds, made once at its start.

`FixedEpochs`: each trial has the epochs of its recipe; refits get the time that the best trial took.
`Minutes`: the minutes decide. Trials are short looks, and the best recipes are refitted for as long as there is time.

All of it is arithmetic on seconds. What depends on the trials is computed from their records; nothing is remembered. How the
constants were measured: docs/time-budget.md.
"""

import math
from dataclasses import dataclass, replace

from tuner.recipe import KFold, Recipe, Training
from tuner.study import StudyFile

LEAST_REFIT_SHARE = 0.5
"""Least share of the time for refits, unless all that are worth it take less. The search mostly decides to leave them more."""

SEARCH_SHARE = 0.4
"""Share of the time for the search by which the length of its first looks is chosen."""

LONG_ENOUGH = 0.25
"""Length of a training, relative to a longer one, that says enough about it."""

MOST_ROUNDS = 4
"""Most refits of full length, one after the other: more make an ensemble better by little."""

START_SECONDS = 4.5
"""Seconds until the first trial trains: mostly TensorFlow's import."""

BUILD_SHARE, MOST_BUILD_SECONDS = 0.05, 3.0
"""Building, tracing and timing the network of a trial: share of the whole time, and most seconds."""

TEST_SECONDS, TEST_SHARE, MOST_TEST_SECONDS, SPARE_SHARE = 2.0, 0.05, 7.0, 0.01
"""Selecting, testing and saving: seconds plus a share of the time, and most seconds; and a spare share of the time."""

FEWEST_FOLDS = 2
"""Fewest folds of a refit after cross-validation, where all would leave it too little time: a longer training lowers the error by more
than further folds tell of it."""

MARGIN = 0.95
"""Share of a training's planned time that is used: machines are shared, and speed varies."""

OVERRUN_SECONDS = 3.0
"""Seconds by which a look may overrun the search."""

MODEL_SHARE = 0.25
"""Share of the time for training a model where no trial has ended."""


@dataclass(frozen=True)
class FixedEpochs:
    """The budget of a call in which every trial has the epochs of its recipe. `seeds` is the number of refits of the winner; with 0
    the search has all the time."""

    seconds: float = math.inf
    workers: int = 1
    seeds: int = 0

    def reserved_for_refits(self, seconds: float) -> float:
        """Seconds that the search leaves for refits of `seconds` each and for what follows them; with 0, for what follows alone."""
        if not self.seeds:
            return 0.0
        after = self.seconds - usable_seconds(self.seconds)
        return min(self.seconds / 2, after + -(-self.seeds // self.workers) * seconds) if seconds else after


@dataclass(frozen=True)
class Minutes:
    """The budget of a call in which the time decides how long trials and refits are."""

    seconds: float
    workers: int

    @property
    def usable(self) -> float:
        """Seconds for everything that trains."""
        return usable_seconds(self.seconds)

    @property
    def build_seconds(self) -> float:
        """Seconds that a refit takes before it trains."""
        return min(MOST_BUILD_SECONDS, BUILD_SHARE * self.seconds)

    @property
    def refit_seconds(self) -> float:
        """Seconds of each process that refits may expect."""
        return (1 - SEARCH_SHARE) * self.usable

    @property
    def search_seconds(self) -> float:
        """Seconds of all processes together that the search may expect."""
        return self.workers * max(0.5 * SEARCH_SHARE * self.usable, SEARCH_SHARE * self.usable - START_SECONDS)

    def rounds(self, seconds: float, refit_seconds: float) -> int:
        """How many refits, one after the other, fit best into `seconds` if one of full length takes `refit_seconds`."""
        if refit_seconds * MOST_ROUNDS <= seconds:
            return MOST_ROUNDS
        return min(MOST_ROUNDS, max(1, round(seconds / refit_seconds)))

    def for_refits(self, refit_seconds: float, rounds: int = 1) -> float:
        """Seconds for so many refits of full length, one after the other, if one takes `refit_seconds`."""
        return rounds * refit_seconds / MARGIN + self.build_seconds

    def most_for_refits(self, refit_seconds: float) -> float:
        """Seconds that are worth giving to refits, if one of full length takes `refit_seconds`."""
        return self.for_refits(refit_seconds, MOST_ROUNDS)

    def reserved_for_refits(self, refit_seconds: float = math.inf) -> float:
        """Seconds that the search leaves at least for refits and what follows them: a share of the time, or, if refits of full length
        fit into that, as much as they need."""
        share = LEAST_REFIT_SHARE * self.usable
        fitting = (
            needed
            for rounds in range(MOST_ROUNDS, 0, -1)
            if (needed := self.for_refits(refit_seconds, rounds)) <= share
        )
        return next(fitting, share) + self.seconds - self.usable


TimeBudget = FixedEpochs | Minutes

UNLIMITED = FixedEpochs()
"""The search has all the time of its call, and refits end when they end."""


def time_budget(file: StudyFile, seconds: float, workers: int) -> TimeBudget:
    """The budget of a call that has so many seconds and training processes."""
    if file.fits_epochs:
        return Minutes(seconds, workers)
    return FixedEpochs(seconds, workers, file.confirmation.seeds)


def usable_seconds(seconds: float) -> float:
    """The seconds of a call for everything that trains: without selecting, testing and saving at its end."""
    after = min(MOST_TEST_SECONDS, TEST_SECONDS + TEST_SHARE * seconds)
    return max(0.5 * seconds, (1 - SPARE_SHARE) * seconds - after)


def refit_folds(seconds: float, network_seconds: float, folds: int) -> int:
    """The folds of a refit that takes `seconds`, if a network of full length takes `network_seconds` in one of `folds`: as many as leave
    time for full length, at least `FEWEST_FOLDS`."""
    fit = min(float(folds), seconds / max(network_seconds, 1e-9) - (refit_networks(1, folds) - 1))
    return min(folds, max(FEWEST_FOLDS, int(fit)))


def refit_networks(trained: int, folds: int) -> float:
    """What a refit trains, in networks of a fold: those of the `trained` of so many `folds`, and one on everything; 1 without folds."""
    return trained + folds / (folds - 1) if folds > 1 else 1.0


def refit_length(seconds: float, epochs: float, epoch_seconds: float, folds: int, trained: int = 0) -> float:
    """The length in epochs, at most `epochs`, of a refit that takes `seconds` with `trained` of so many `folds` (0: as many as there is
    time for), if an epoch in one fold takes `epoch_seconds`."""
    trained = trained or refit_folds(seconds, epochs * epoch_seconds, folds)
    return min(float(epochs), max(seconds, 1e-3) / max(refit_networks(trained, folds) * epoch_seconds, 1e-9))


def with_length(recipe: Recipe, length: float) -> Recipe:
    """The recipe with a training of this length in epochs: whole ones, or shorter ones of equal length (2.5 are three epochs with
    0.8333 of the batches each)."""
    epochs = max(1, math.ceil(length - 1e-9))
    share = max(round(length / epochs, 4), 1e-4)
    lean, share = (epochs, share) if share < 1 else (0, Training.lean_share)
    return replace(recipe, training=replace(recipe.training, epochs=epochs, lean_epochs=lean, lean_share=share))


def with_folds(recipe: Recipe, folds: int = 0) -> Recipe:
    """The recipe with so many folds of its cross-validation trained (0: all)."""
    if not isinstance(recipe.protocol, KFold):
        return recipe
    trained = 0 if folds == recipe.protocol.folds else folds
    return replace(recipe, protocol=replace(recipe.protocol, trained=trained))
