"""Asynchronous successive halving: at which epochs trainings pause, and which of them continue. All of it follows from the
stored trials.

Optuna's successive halving and Hyperband stop a trial for good even if there are too few results to judge it. Here it pauses,
and continues from its checkpoint once it is one of the best (ASHA: Li et al. 2018, arXiv 1810.05934).
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from tuner.base.metrics import Direction
from tuner.refit.session import Session
from tuner.result import OBJECTIVES
from tuner.storage.trainings import StoredTraining
from tuner.study import StudyFile
from tuner.study.pruners import Asha
from tuner.study.settings import NO_LIMIT

MANY = 1000
"""More trainings than this make a study a large one."""


def levels(settings: Asha, epochs: int, trials: int) -> tuple[int, ...]:
    """The epochs after which trials pause, for trials of at most `epochs` epochs.

    Without `min_epochs` there are as many rungs as `trials` trials can fill: with 1/`factor` of them continuing from each, one is
    trained to its end.

    >>> levels(Asha(), epochs=12, trials=60)
    (1, 4)
    >>> levels(Asha(min_epochs=2, factor=2), epochs=12, trials=60)
    (2, 4, 8)
    """
    if settings.min_epochs:
        powers = (settings.min_epochs * settings.factor**power for power in range(epochs.bit_length()))
        return tuple(level for level in powers if level < epochs)
    most = min(epochs, trials) if trials else epochs
    count = next(power for power in itertools.count(1) if settings.factor ** (power + 1) > most)
    rungs = (round(epochs / settings.factor ** (count - index)) for index in range(count))
    return tuple(sorted({max(1, level) for level in rungs}))


def rungs_of(file: StudyFile, deterministic: bool = False) -> "Rungs":
    """The study's rungs: none unless its pruner is `asha`."""
    pruner = file.search.pruner
    direction = OBJECTIVES[file.objectives[0]].direction
    if not isinstance(pruner, Asha) or file.fits_epochs:
        return Rungs((), 2, direction)
    return Rungs(levels(pruner, file.epochs, file.budget.trials), pruner.factor, direction, deterministic)


@dataclass(frozen=True)
class Rungs:
    """Rungs at these epochs; the best `1/factor` of the trainings at each continue. They are ranked by their values there, of equals
    the earlier first. With `deterministic` a running training counts at the rungs where it has paused only: its later reports depend on timing."""

    epochs: tuple[int, ...]
    factor: int
    direction: Direction
    deterministic: bool = False

    def next(self, epoch: int) -> int | None:
        """The rung after an epoch; None if there is no more."""
        return next((level for level in self.epochs if level > epoch), None)

    def promotable(
        self,
        trainings: Sequence[StoredTraining],
        at_least: int = 0,
        allowed: Callable[[StoredTraining], bool] = lambda _: True,
    ) -> StoredTraining | None:
        """The paused training that continues next, if any: of those allowed, one of the best `1/factor` of its rung or of the best
        `at_least`, at the highest rung first."""
        waiting = (
            training
            for level, ranking in self._rankings(trainings)
            for training in ranking[: max(at_least, len(ranking) // self.factor)]
            if self._is_paused_at(level, training) and allowed(training)
        )
        return next(waiting, None)

    def hopeful(self, trainings: Sequence[StoredTraining], trials: int) -> list[int]:
        """The first numbers of the paused trainings that may still continue, if all of the `trials` reach their rung; the best at the
        highest rung first."""
        return [
            training.first
            for index, (level, ranking) in zip(
                reversed(range(len(self.epochs))), self._rankings(trainings), strict=True
            )
            for training in ranking[: max(1, max(trials // self.factor**index, len(ranking)) // self.factor)]
            if self._is_paused_at(level, training)
        ]

    def _is_paused_at(self, level: int, training: StoredTraining) -> bool:
        return training.state == "paused" and training.rung == level

    def _rankings(self, trainings: Sequence[StoredTraining]) -> Iterator[tuple[int, list[StoredTraining]]]:
        """The trainings that reached each rung, best first; the highest rung first."""
        sign, reports = -self.direction.sign, [(each, each.last.intermediate_values) for each in trainings]
        for level in reversed(self.epochs):
            values = [
                (math.inf if math.isnan(known[level]) else sign * known[level], training.first, training)
                for training, known in reports
                if level in known and not self._is_early(level, training)
            ]
            yield level, [training for *_, training in sorted(values, key=itemgetter(0, 1))]

    def _is_early(self, level: int, training: StoredTraining) -> bool:
        return self.deterministic and training.state == "running" and level > training.rung


def forget_checkpoints(session: Session, rungs: Rungs, trainings: Sequence[StoredTraining], total: int) -> None:
    """Remove the checkpoints that no training will continue from if the study has `total` trainings in the end. Where those of paused
    trainings are larger than their space, the worst trainings at the lowest rungs lose theirs, and would begin anew. In a large study
    that is done at each twentieth training and at the end: all must be ranked for it."""
    if MANY < len(trainings) < total and len(trainings) % 20:
        return
    hopeful = rungs.hopeful(trainings, min(total, 2 * len(trainings)) if total == NO_LIMIT else total)
    running = {training.first for training in trainings if training.state in ("running", "interrupted")}
    shared = session.shared_checkpoints
    for place in (session.folder, shared) if shared else (session.folder,):
        sizes, needed, space = place.checkpoint_sizes(), set(running), session.checkpoint_space
        for first in hopeful:
            space -= sizes.get(first, 0)
            needed |= {first} if space >= 0 else set()
        for first in sizes.keys() - needed:
            place.forget_checkpoint(first)
