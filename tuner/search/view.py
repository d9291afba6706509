"""Copies of a study in memory, for its sampler (`View`) and for its pruner (`Snapshot`), with each training as one trial.

In a long study a sampler observes the best trials, the running ones and a sample of the others.
TPE compares its at most 25 best trials with all others, and each parameter of each trial costs time in proportion to
them: 58 ms a trial at 1,000 trials and 560 ms at 10,000 for the space of `fashion`, measured in memory. Some hundred of the
others are enough to estimate their density.

A training of several segments counts once: TPE would take the early segments for bad trials.
"""

import copy
import heapq
import math
import zlib
from collections.abc import Container, Sequence

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.base.metrics import Direction
from tuner.storage import private
from tuner.storage.trainings import StoredTraining

SIZE = 250
BEST = 40
"""TPE takes a tenth of the trials as good ones, 25 at the most."""


class View(optuna.Study):
    """A study in memory with these trials, for a sampler. The sampler's own attributes reach `study` by `store_attributes`."""

    def __init__(self, study: optuna.Study, observed: Sequence[FrozenTrial], sampler: BaseSampler) -> None:
        self.stored, self.observed = study, observed
        self.memory = InMemoryStorage()
        number = self.memory.create_new_study(study.directions, study.study_name)
        self.before = dict(private.system_attributes(study, without="dashboard:"))
        for name, value in self.before.items():
            self.memory.set_study_system_attr(number, name, value)
        self.own_trial = self.memory.create_new_trial(number)
        super().__init__(study.study_name, self.memory, sampler=sampler)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        return [trial for trial in self.observed if states is None or trial.state in states]

    def new_trial(self, number: int) -> FrozenTrial:
        """The proposed trial, without parameters yet."""
        trial = self.memory.get_trial(self.own_trial)
        trial.number = number
        return trial

    def store_attributes(self) -> dict[str, object]:
        """Store what the sampler has set on the study; what it has set on the proposed trial."""
        for name, value in private.system_attributes(self).items():
            if self.before.get(name) != value:
                private.store_system_attribute(self.stored, name, value)
        return dict(self.memory.get_trial(self.own_trial).system_attrs)


def observed_trials(trainings: Sequence[StoredTraining], direction: Direction | None) -> list[FrozenTrial]:
    """Each training with results as one trial, under the number of its first segment and in this order; with a `direction`, in
    a window."""
    trials = [_as_one(each) for each in trainings if each.state not in ("failed", "interrupted", "waiting")]
    return trials if direction is None else in_window(trials, direction)


def in_window(trials: list[FrozenTrial], direction: Direction, size: int = SIZE, best: int = BEST) -> list[FrozenTrial]:
    """All trials if at most `size` have ended; else the `best` ended ones, the running ones, and other ended ones, drawn by a
    hash of their numbers so that the draw is always the same. In the order of their numbers."""
    ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    if len(ended) <= size:
        return trials
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    good = heapq.nsmallest(best, ended, key=lambda trial: _rank(trial, direction))
    numbers = {trial.number for trial in good}
    rest = (trial for trial in ended if trial.number not in numbers)
    others = heapq.nsmallest(size - best, rest, key=lambda trial: zlib.crc32(b"%d" % trial.number))
    return sorted([*running, *good, *others], key=lambda trial: trial.number)


class Snapshot:
    """The results of a study at one moment, by which the training that began as trial `first` is judged. Each training is one
    trial here, numbered by its place: Hyperband chooses a bracket by this number, so that it is the same with and without
    interruptions."""

    def __init__(self, study: optuna.Study, trainings: Sequence[StoredTraining], first: int) -> None:
        self.study = optuna.create_study(
            study_name=study.study_name,
            directions=study.directions,
            pruner=study.pruner,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        own = next(index for index, training in enumerate(trainings) if training.first == first)
        self.study.add_trials(
            [_values_only(training.last, is_own=index == own) for index, training in enumerate(trainings)]
        )
        self.shadow = private.open_trial(self.study, self.study.get_trials(deepcopy=False)[own])
        self.reported = set(trainings[own].last.intermediate_values)

    def should_prune(self, value: float, step: int) -> bool:
        """Report a value of the training; whether the pruner would stop it."""
        if step not in self.reported:
            self.reported.add(step)
            self.shadow.report(value, step)
        return self.shadow.should_prune()

    def store_marks(self, trial: optuna.Trial) -> None:
        """Copy the marks of completed rungs, which successive halving and Hyperband set, to the trial: later snapshots need them."""
        for name, value in _marks(private.frozen(self.shadow)).items():
            private.store_mark(trial, name, value)


def _as_one(training: StoredTraining) -> FrozenTrial:
    if len(training.segments) == 1:
        return training.last
    trial = copy.copy(training.last)
    trial.number = training.first
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


def _values_only(trial: FrozenTrial, is_own: bool) -> FrozenTrial:
    """The trial without parameters and attributes, which pruners do not read; another running trial counts as failed."""
    if is_own:
        values, marks = trial.intermediate_values, _marks(trial)
        return create_trial(state=TrialState.RUNNING, intermediate_values=values, system_attrs=marks)
    if not trial.state.is_finished():
        return create_trial(state=TrialState.FAIL)
    return create_trial(
        state=trial.state,
        values=trial.values if trial.state == TrialState.COMPLETE else None,
        intermediate_values=trial.intermediate_values,
        system_attrs=_marks(trial),
    )


def _marks(trial: FrozenTrial) -> dict[str, object]:
    return {name: value for name, value in trial.system_attrs.items() if name.startswith("completed_rung_")}
