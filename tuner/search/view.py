"""A study as its sampler sees it: each training once; in a long study the best, the running ones and a sample of the others.

TPE compares its at most 25 best trials with all others, and each parameter of each trial costs time in proportion to
them: 58 ms a trial at 1,000 trials and 560 ms at 10,000 for the space of `fashion`, measured in memory. The density of
the others is as well known from some hundred of them.

That a training which went on counts once matters: with all its trials in sight TPE takes the early ones for bad places
(benchmarks/chains.py measures it).
"""

import copy
import heapq
import math
import zlib
from collections.abc import Container, Sequence

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.base.metrics import Direction
from tuner.storage import private
from tuner.storage.trainings import StoredTraining

SIZE = 250
BEST = 40
"""TPE takes a tenth of the trials as good ones, 25 at the most."""


class View(optuna.Study):
    """A study in memory whose trials are given; what a sampler keeps for itself is kept in `study`, once it is `kept`."""

    def __init__(self, study: optuna.Study, seen: Sequence[FrozenTrial], sampler: BaseSampler) -> None:
        self.behind, self.seen = study, seen
        self.memory = InMemoryStorage()
        number = self.memory.create_new_study(study.directions, study.study_name)
        self.before = dict(private.system_attributes(study))
        for name, value in self.before.items():
            self.memory.set_study_system_attr(number, name, value)
        self.own_trial = self.memory.create_new_trial(number)
        super().__init__(study.study_name, self.memory, sampler=sampler)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        return [trial for trial in self.seen if states is None or trial.state in states]

    def new_trial(self, number: int) -> FrozenTrial:
        """The trial that is to be proposed, without parameters yet."""
        trial = self.memory.get_trial(self.own_trial)
        trial.number = number
        return trial

    def kept(self) -> dict[str, object]:
        """What the sampler wants to be kept with the proposed trial; what it keeps with the study is kept now."""
        for name, value in private.system_attributes(self).items():
            if self.before.get(name) != value:
                private.store_system_attribute(self.behind, name, value)
        return dict(self.memory.get_trial(self.own_trial).system_attrs)


def shown(
    trainings: Sequence[StoredTraining], direction: Direction | None, by_share: bool = False
) -> list[FrozenTrial]:
    """Each training that tells something as one trial, with the number of its first one, in the order of these; in a
    window if the study has one objective (of this `direction`). Where trainings differ in length, figures stand `by_share` of
    it, in thousandths, so that all that were trained to their ends came equally far."""
    trials = [
        _as_one(training, by_share)
        for training in trainings
        if training.state not in ("failed", "interrupted", "waiting")
    ]
    return trials if direction is None else in_window(trials, direction)


def in_window(trials: list[FrozenTrial], direction: Direction, size: int = SIZE, best: int = BEST) -> list[FrozenTrial]:
    """All trials if at most `size` have ended; else the `best` ended ones, the running ones, and others of the ended by a
    hash of their numbers, which is as good as chance and always the same. In the order of their numbers."""
    ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    if len(ended) <= size:
        return trials
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    good = heapq.nsmallest(best, ended, key=lambda trial: _rank(trial, direction))
    taken = {trial.number for trial in good}
    rest = (trial for trial in ended if trial.number not in taken)
    others = heapq.nsmallest(size - best, rest, key=lambda trial: zlib.crc32(b"%d" % trial.number))
    return sorted([*running, *good, *others], key=lambda trial: trial.number)


def _as_one(training: StoredTraining, by_share: bool) -> FrozenTrial:
    if len(training.segments) == 1 and not by_share:
        return training.last
    trial = copy.copy(training.last)
    trial.number = training.first
    if by_share and training.epochs:
        values = trial.intermediate_values
        trial.intermediate_values = {round(1000 * step / training.epochs): value for step, value in values.items()}
    return trial


def _rank(trial: FrozenTrial, direction: Direction) -> tuple[float, float]:
    """TPE's order: finished trials by their value, then pruned ones by how far they came and their last figure."""
    sign = -direction.sign
    if trial.state == TrialState.COMPLETE:
        assert trial.value is not None
        return -math.inf, sign * trial.value
    if not trial.intermediate_values:
        return 1.0, 0.0
    step, value = max(trial.intermediate_values.items())
    return -step, math.inf if math.isnan(value) else sign * value
