"""The lengths of looks: a trial is a look, a whole training of a recipe that is as short as its rung says.

The first rung is the cheapest look that says something. Each further rung costs about `FACTOR` times as much: first by its length, since
short looks prefer networks without augmentation and dropout; then by all folds, since one alone is too few examples to tell good recipes
apart where folds are needed; then by its length again. Looks of one rung are compared with one another only. The length of the first rung
is stored with the study.
"""

from dataclasses import dataclass

from tuner.recipe import Recipe
from tuner.refit.time_budget import with_folds, with_length

FACTOR = 4
"""Cost of a look, relative to one of the rung below."""

LOOK_SECONDS = 1.5
"""Seconds that a look takes besides its training: building, tracing, answering."""

FEWEST_LOOKS = 60
"""The search has time for so many first looks, where they are not shorter than `SHORTEST` times what they take besides."""

SHORTEST, LONGEST = 1.0, 4.0
"""Seconds of a first look's training, relative to `LOOK_SECONDS`."""

LARGEST_SHARE = 0.12
"""Largest share of the search that a first look may take; a usual one takes at most half of it, and no more of a process's time."""

FEWEST_EXAMPLES = 16_000
"""Fewest examples that a first look trains on, repeated ones counted: on recorded curves, looks of a quarter of these rank the recipes
of tables no better than chance (benchmarks/lengths.py)."""


@dataclass(frozen=True)
class Rung:
    """One rung: its number from 1, the length of its looks in epochs for a recipe of full length, and their folds."""

    number: int
    length: float
    folds: int
    is_last: bool


@dataclass(frozen=True)
class Ladder:
    """The rungs of a study whose longest recipe has `epochs` epochs in each of its `folds`."""

    epochs: int
    rungs: tuple[Rung, ...]

    def after(self, number: int) -> Rung | None:
        """The rung after the one with this number (0: the first); None if there is no more."""
        return self.rungs[number] if number < len(self.rungs) else None

    def look(self, recipe: Recipe, pace: float, rung: Rung) -> Recipe:
        """The recipe of a look at a recipe that has so many epochs in a unit of the rungs' lengths."""
        return with_folds(with_length(recipe, rung.length * pace), rung.folds)


def ladder_from(first: float, epochs: int, folds: int) -> Ladder:
    """The ladder whose first rung has a length of `first` epochs in one fold.

    >>> [(rung.length, rung.folds) for rung in ladder_from(0.5, 20, 5).rungs]
    [(0.5, 1), (2.0, 1), (2.0, 5), (8.0, 5), (20.0, 5)]
    """
    lengths = [min(first, float(epochs))]
    while lengths[-1] < epochs:
        lengths.append(min(float(epochs), lengths[-1] * FACTOR))
    once = lengths[:2] if folds > 1 else []
    pairs = [(length, 1) for length in once] + [(length, folds) for length in lengths[max(0, len(once) - 1) :]]
    rungs = (Rung(place + 1, *pair, is_last=place + 1 == len(pairs)) for place, pair in enumerate(pairs))
    return Ladder(epochs, tuple(rungs))


def first_length(seconds: float, workers: int, epoch_seconds: float, epochs: int, examples: int) -> float:
    """The length of the first looks of a search with so many seconds (of all `workers` together), if an epoch of a usual recipe
    takes `epoch_seconds` and has so many examples. On a slow machine a look has fewer examples than rank recipes well."""
    each = (seconds / FEWEST_LOOKS - LOOK_SECONDS) / 3  # every rung takes about as much in all
    wanted = min(max(each, SHORTEST * LOOK_SECONDS), LONGEST * LOOK_SECONDS)
    needed = min(FEWEST_EXAMPLES / examples * epoch_seconds, LARGEST_SHARE * seconds / max(2, workers))
    return min(float(epochs), max(wanted, needed) / max(epoch_seconds, 1e-6))
