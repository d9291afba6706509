"""Asynchronous successive halving with trials that go on: at which epochs trials pause, and which of them go on.

Optuna's successive halving and Hyperband stop a trial for good where too few results are there yet to judge it. Here it
pauses, and goes on from its checkpoint once it belongs to the best (ASHA: Li et al. 2018, arXiv 1810.05934).
"""

import math
from collections.abc import Collection, Iterator, Mapping

from tuner.result import OBJECTIVES
from tuner.study import StudyFile
from tuner.study.pruners import Asha


def levels(settings: Asha, epochs: int, trials: int) -> tuple[int, ...]:
    """The epochs after which trials pause, for trials of at most `epochs` epochs.

    Without `min_epochs` they come from the budget: as many rungs as `trials` trials can fill, so that with a `factor`th
    going on from each, one of them is trained to its end.

    >>> levels(Asha(), epochs=12, trials=60)
    (1, 4)
    >>> levels(Asha(min_epochs=2, factor=2), epochs=12, trials=60)
    (2, 4, 8)
    """
    if settings.min_epochs:
        powers = (settings.min_epochs * settings.factor**power for power in range(epochs.bit_length()))
        return tuple(level for level in powers if level < epochs)
    count = max(1, min(_log(epochs, settings.factor), _log(trials, settings.factor)))
    rungs = (round(epochs / settings.factor ** (count - index)) for index in range(count))
    return tuple(sorted({max(1, level) for level in rungs if level < epochs}))


def rungs_of(file: StudyFile) -> "Rungs | None":
    """The study's rungs, if its pruner is `asha`."""
    pruner = file.search.pruner
    if not isinstance(pruner, Asha):
        return None
    maximize = OBJECTIVES[file.objectives[0]].direction == "maximize"
    return Rungs(levels(pruner, file.epochs, file.budget.trials), pruner.factor, maximize)


class Rungs:
    """What was reached at each rung, by whom. A trial's place at a rung is that of its figure there, the earlier trial
    first among equals."""

    def __init__(self, epochs: tuple[int, ...], factor: int, maximize: bool) -> None:
        self.epochs = epochs
        self.factor = factor
        self.sign = -1.0 if maximize else 1.0
        self.figures: dict[int, dict[int, float]] = {level: {} for level in epochs}

    def reach(self, number: int, values: Mapping[int, float]) -> None:
        """Note a trial's figures by epoch, as far as they are at rungs."""
        for level in self.epochs:
            if level in values:
                value = self.sign * values[level]
                self.figures[level][number] = math.inf if math.isnan(value) else value

    def next(self, epoch: int) -> int | None:
        """The rung after an epoch; None where the trial goes on to its end."""
        return next((level for level in self.epochs if level > epoch), None)

    def promotable(self, paused: Mapping[int, int], at_least: int = 0) -> int | None:
        """The paused trial that should go on, the one that has come furthest first: one of the best `1/factor` of its
        rung, or of so many at least. `paused` has the epoch of each paused trial."""
        for level in reversed(self.epochs):
            count = len(self.figures[level]) // self.factor
            for number in self._ranking(level)[: max(at_least, count)]:
                if paused.get(number) == level:
                    return number
        return None

    def hopeless(self, paused: Mapping[int, int], trials: int) -> Iterator[int]:
        """The paused trials that cannot go on any more, even if all of so many trials come to their rung."""
        for index, level in enumerate(self.epochs):
            at_most = max(trials // self.factor**index, len(self.figures[level]))
            chances: Collection[int] = self._ranking(level)[: max(1, at_most // self.factor)]
            yield from (number for number, at in paused.items() if at == level and number not in chances)

    def _ranking(self, level: int) -> list[int]:
        figures = self.figures[level]
        return sorted(figures, key=lambda number: (figures[number], number))


def _log(number: int, base: int) -> int:
    """The largest power of `base` that is at most `number`."""
    power = 0
    while base ** (power + 1) <= number:
        power += 1
    return power
