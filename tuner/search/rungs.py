"""Asynchronous successive halving with trainings that go on: at which epochs they pause, and who goes on. All of it follows
from what the storage holds.

Optuna's successive halving and Hyperband stop a trial for good where too few results are there yet to judge it. Here it
pauses, and goes on from its checkpoint once it belongs to the best (ASHA: Li et al. 2018, arXiv 1810.05934).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.base.metrics import Direction
from tuner.result import OBJECTIVES
from tuner.storage.trainings import StoredTraining
from tuner.study import StudyFile
from tuner.study.pruners import Asha
from tuner.study.settings import NO_LIMIT


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
    count = _power(min(epochs, trials) if trials else epochs, settings.factor)
    rungs = (round(epochs / settings.factor ** (count - index)) for index in range(count))
    return tuple(sorted({max(1, level) for level in rungs}))


def rungs_of(file: StudyFile) -> "Rungs":
    """The study's rungs: none unless its pruner is `asha`."""
    pruner = file.search.pruner
    direction = OBJECTIVES[file.objectives[0]].direction
    if not isinstance(pruner, Asha):
        return Rungs((), 2, direction)
    bound = file.epochs if file.fits_epochs else 0
    return Rungs(levels(pruner, file.epochs, file.budget.trials), pruner.factor, direction, bound)


@dataclass(frozen=True)
class Rungs:
    """Rungs at these epochs; the best `1/factor` of each go on. A training's place at a rung is that of its figure there,
    the earlier one first among equals.

    With `bound` the rungs are those of a training of so many epochs, and a shorter one has them at the same shares."""

    epochs: tuple[int, ...]
    factor: int
    direction: Direction
    bound: int = 0

    def next(self, epoch: int, total: int = 0) -> int | None:
        """The rung after an epoch of a training of `total` epochs; None where it goes on to its end."""
        return next((level for each in self.epochs if (level := self._of(each, total)) > epoch), None)

    def _of(self, level: int, total: int) -> int:
        """The epoch of a rung in a training of `total` epochs."""
        return -(-level * total // self.bound) if self.bound else level

    def promotable(
        self,
        trainings: Sequence[StoredTraining],
        at_least: int = 0,
        allowed: Callable[[StoredTraining], bool] = lambda _: True,
    ) -> StoredTraining | None:
        """The paused training that should go on, of those allowed the one that has come furthest: one of the best
        `1/factor` of its rung, or of so many at least."""
        for level, ranking in self._rankings(trainings):
            best = ranking[: max(at_least, len(ranking) // self.factor)]
            for training in best:
                if (
                    training.state == "paused"
                    and training.rung == self._of(level, training.epochs)
                    and allowed(training)
                ):
                    return training
        return None

    def hopeful(self, trainings: Sequence[StoredTraining], trials: int) -> set[int]:
        """The first numbers of the paused trainings that may still go on, if all of so many trials come to their rung."""
        found: set[int] = set()
        for level, ranking in self._rankings(trainings):
            at_most = max(trials // self.factor ** self.epochs.index(level), len(ranking))
            best = ranking[: max(1, at_most // self.factor)]
            here = (each for each in best if each.state == "paused" and each.rung == self._of(level, each.epochs))
            found |= {training.first for training in here}
        return found

    def _rankings(self, trainings: Sequence[StoredTraining]) -> Iterator[tuple[int, list[StoredTraining]]]:
        """All that came to each rung, best first; the highest rung first."""
        sign = -self.direction.sign
        for level in reversed(self.epochs):
            figures = [
                (math.inf if math.isnan(value) else sign * value, training.first, training)
                for training in trainings
                if (value := training.last.intermediate_values.get(self._of(level, training.epochs))) is not None
            ]
            yield level, [training for *_, training in sorted(figures, key=lambda each: each[:2])]


def forget_checkpoints(folder: Path, rungs: Rungs, trainings: Sequence[StoredTraining], total: int) -> None:
    """Remove the checkpoints that no training will continue from, if there are to be `total` trainings."""
    kept = rungs.hopeful(trainings, min(total, 2 * len(trainings)) if total == NO_LIMIT else total)
    kept |= {training.first for training in trainings if training.state in ("running", "interrupted")}
    for path in folder.glob("*.npz"):
        if path.stem.isdigit() and int(path.stem) not in kept:
            path.unlink(missing_ok=True)


def _power(number: int, base: int) -> int:
    """The largest power of `base` that is at most `number`, but one at least."""
    power = 1
    while base ** (power + 1) <= number:
        power += 1
    return power
