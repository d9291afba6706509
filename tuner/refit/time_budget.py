"""How the time of a call is spent: one value of two kinds, made once at its start.

`FixedEpochs`: each trial has the epochs of its recipe; refits get the time that the best trial took.
`Minutes`: the minutes decide. Each trial gets the same time, a slot, and the best ones are refitted for as long as there is time.

All of it is arithmetic on seconds. What depends on the trials is computed from their records; nothing is remembered. How the
constants were measured: docs/time-budget.md.
"""

import math
from dataclasses import dataclass, replace

from tuner.recipe import Recipe
from tuner.study import StudyFile

REFIT_SHARE, LARGEST_REFIT_SHARE = 0.62, 0.82
"""Share of the time for refits where trials say enough, and where they are so short that they say next to nothing."""

LONG_ENOUGH = 0.25
"""Length of a trial, relative to a whole training, that says enough."""

TRIALS_IN_A_ROW = 2
"""Trials, one after the other, that a search has time for if they are as long as they may be."""

MOST_ROUNDS = 4
"""Most refits of full length, one after the other: more make an ensemble better by little."""

START_SECONDS = 4.5
"""Seconds until the first trial trains: mostly TensorFlow's import."""

BUILD_SHARE, MOST_BUILD_SECONDS = 0.05, 3.0
"""Building, tracing and timing the network of a trial: share of the whole time, and most seconds."""

TEST_SECONDS, TEST_SHARE, MOST_TEST_SECONDS, SPARE_SHARE = 2.0, 0.05, 7.0, 0.01
"""Selecting, testing and saving: seconds plus a share of the time, and most seconds; and a spare share of the time."""

MARGIN = 0.95
"""Share of a training's planned time that is used: machines are shared, and speed varies."""

OVERRUN = 0.15
"""Share of a slot by which a trial may overrun."""

MODEL_SHARE = 0.25
"""Share of the time for training a model where no trial has ended."""

FEWEST_EPOCHS = 0.25
"""Fewest epochs, relative to the reference recipe's, for a proposal to be accepted. A larger network would be no match for it
after so few, and take a slot to show that."""


@dataclass(frozen=True)
class Reference:
    """The whole training of the recipe to beat: its seconds and epochs; 0 while they are unknown."""

    seconds: float = 0.0
    epochs: int = 0


UNKNOWN = Reference()


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
    """The budget of a call in which the time decides how long trials and refits are, in relation to the `reference`."""

    seconds: float
    workers: int
    reference: Reference = UNKNOWN

    @property
    def usable(self) -> float:
        """Seconds for everything that trains."""
        return usable_seconds(self.seconds)

    @property
    def build_seconds(self) -> float:
        """Seconds that a trial takes before it trains."""
        return min(MOST_BUILD_SECONDS, BUILD_SHARE * self.seconds)

    @property
    def is_short(self) -> bool:
        """Whether trials are so short that they say little. Then the first start, which is known to be good in the long run,
        is refitted in any case."""
        return self._lacking > 0

    @property
    def _lacking(self) -> float:
        """What trials lack of the length that says enough, as a share of it."""
        if not self.reference.seconds:
            return 0.0
        return max(0.0, 1 - self._slot(REFIT_SHARE) / (LONG_ENOUGH * self.reference.seconds))

    @property
    def refit_share(self) -> float:
        """Largest share of the time for refits: the shorter trials are, relative to a whole training, the larger."""
        return REFIT_SHARE + (LARGEST_REFIT_SHARE - REFIT_SHARE) * self._lacking

    @property
    def slot(self) -> float:
        """Seconds of a trial."""
        return self._slot(self.refit_share)

    def _slot(self, refit_share: float) -> float:
        search = (1 - refit_share) * self.usable
        return max((search - START_SECONDS) / TRIALS_IN_A_ROW - self.build_seconds, 0.3 * search / TRIALS_IN_A_ROW)

    def rounds(self, seconds: float, refit_seconds: float) -> int:
        """How many refits, one after the other, fit best into `seconds` if one of full length takes `refit_seconds`."""
        if refit_seconds * MOST_ROUNDS <= seconds:
            return MOST_ROUNDS
        return min(MOST_ROUNDS, max(1, round(seconds / refit_seconds)))

    def reserved_for_refits(self, refit_seconds: float = math.inf) -> float:
        """Seconds that the search leaves for refits and what follows them, if a refit of full length takes `refit_seconds`."""
        needed = MOST_ROUNDS * refit_seconds / MARGIN + self.build_seconds
        return min(self.refit_share * self.usable, needed) + self.seconds - self.usable


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


def fitted_epochs(slot: float, epoch_seconds: float, bound: int) -> tuple[int, float]:
    """How many epochs fit into a slot, at most `bound`; and the share of an epoch's batches that fits if not even one does.

    >>> fitted_epochs(100, 9.5, 30), fitted_epochs(100, 1, 30), fitted_epochs(5, 20, 30)
    ((10, 1.0), (30, 1.0), (1, 0.25))
    """
    epochs = math.floor(slot / epoch_seconds) if epoch_seconds else bound
    if epochs:
        return min(bound, epochs), 1.0
    return 1, max(0.01, math.floor(100 * slot / epoch_seconds) / 100)


def with_fitted_epochs(recipe: Recipe, slot: float, epoch_seconds: float, bound: int) -> Recipe:
    """The recipe with as many epochs as fit into the slot; with a part of one if not even one does."""
    epochs, share = fitted_epochs(slot, epoch_seconds, bound)
    lean = {"lean_epochs": 1, "lean_share": share} if share < 1 else {"lean_epochs": 0}
    return replace(recipe, training=replace(recipe.training, epochs=epochs, **lean))
