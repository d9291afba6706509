"""How the minutes of one call are shared between the search and what comes after it.

All of it is arithmetic on seconds: what is planned follows from the time that is left and from what trainings took.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.base.metrics import standard_error

SHARE_OF_FINALS = 0.62
"""Of the time, at most, for training the winner on fresh seeds, longer than in the search; where there is time for it."""

MOST_FOR_FINALS = 0.82
"""The same where time is so short that a trial says next to nothing of what its recipe reaches."""

LONG_ENOUGH = 0.25
"""Of the length of a whole training, that a trial should have to say enough."""

ROUNDS = 2
"""So many trials, one after the other, have time in a search whose trials are as long as they may be."""

MOST_ROUNDS = 4
"""So many networks of full length are trained one after the other in the end, at most: more make an ensemble better by
little."""

START_SECONDS = 4.5
"""Until the first trial trains: TensorFlow's import, mostly."""

BEFORE_EACH = (0.05, 3.0)
"""Building, tracing and timing the network of a trial: of all the time such a share, at most so many seconds. Who has little
time can only train small networks."""

AFTER = (2.0, 0.05, 7.0)
"""Choosing, testing and saving: so many seconds and such a share, at most so many seconds; and a hundredth of it all."""

MARGIN = 0.95
"""Of the planned time of a training: machines are shared, and what was measured a moment ago need not be so now."""


@dataclass(frozen=True)
class Plan:
    """The plan for so many seconds with so many trainings at once. `whole` is what one of full length takes, of so many
    `epochs`, of the recipe that is to be beaten; 0 where that is not known yet."""

    seconds: float
    workers: int
    whole: float = 0.0
    epochs: int = 0

    @property
    def usable(self) -> float:
        """Seconds for everything that trains."""
        least, share, most = AFTER
        return max(0.5 * self.seconds, 0.99 * self.seconds - min(most, least + share * self.seconds))

    @property
    def before_each(self) -> float:
        """Seconds that a trial takes before it trains."""
        share, most = BEFORE_EACH
        return min(most, share * self.seconds)

    @property
    def is_short(self) -> bool:
        """Whether trials are so short that they say little: then the recipe that the study begins with, which is known to be
        good in the long run, is in the finals whatever it has reached."""
        return self._lacking > 0

    @property
    def _lacking(self) -> float:
        """What trials lack of the length that says enough, as a share of it."""
        if not self.whole:
            return 0.0
        return max(0.0, 1 - self._slot(SHARE_OF_FINALS) / max(LONG_ENOUGH * self.whole, 1e-9))

    @property
    def share_of_finals(self) -> float:
        """Of the time, at most, for the finals: the more, the shorter trials would be beside a whole training."""
        return SHARE_OF_FINALS + (MOST_FOR_FINALS - SHARE_OF_FINALS) * self._lacking

    @property
    def slot(self) -> float:
        """Seconds that a trial of the search may take."""
        return self._slot(self.share_of_finals)

    def _slot(self, finals: float) -> float:
        search = (1 - finals) * self.usable
        return max((search - START_SECONDS) / ROUNDS - self.before_each, 0.3 * search / ROUNDS)

    def rounds(self, seconds: float, whole: float) -> int:
        """How many trainings one after the other fit best into so many seconds, where one of full length takes `whole`."""
        if whole * MOST_ROUNDS <= seconds:
            return MOST_ROUNDS
        return min(MOST_ROUNDS, max(1, round(seconds / whole)))

    def reserve(self, whole: float) -> float:
        """Seconds to leave for the finals and for what follows, where a training of full length takes `whole`."""
        finals = min(self.share_of_finals * self.usable, MOST_ROUNDS * whole / MARGIN + self.before_each)
        return finals + self.seconds - self.usable


def fitted(slot: float, epoch_seconds: float, bound: int) -> tuple[int, float]:
    """How many epochs of that length a training has in so many seconds, at most `bound`; and the share of the batches of an
    epoch that it has time for, where it is not even one.

    >>> fitted(100, 9.5, 30), fitted(100, 1, 30), fitted(5, 20, 30)
    ((10, 1.0), (30, 1.0), (1, 0.25))
    """
    epochs = math.floor(slot / epoch_seconds) if epoch_seconds else bound
    if epochs:
        return min(bound, epochs), 1.0
    return 1, max(0.01, math.floor(100 * slot / epoch_seconds) / 100)


def contenders(measure: str, figures: Sequence[float], validated: int, places: int) -> int:
    """Of figures (in a measure, on so many examples, best first), how many are so close to the best that another seed may turn
    the order: within one standard error of their difference. Each has two of the `places` at least, the best one all of
    them where there is only one."""
    if not figures:
        return 0
    best = figures[0]
    error = math.sqrt(2) * standard_error(measure, best, validated)
    close = sum(abs(figure - best) <= error for figure in figures)
    return max(1, min(close, places // 2))
