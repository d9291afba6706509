"""How far a search is: `Progress` for Python programs, and the state of a search that all listeners show."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.base.metrics import Direction
from tuner.recipe import Recipe
from tuner.result import Epoch, Event, Pulse
from tuner.storage import StudyRecord, TrialRecord
from tuner.study.settings import NO_LIMIT


@dataclass(frozen=True)
class Progress:
    """How far a search is: the number of trainings that finished or were pruned, the best value of the first objective (None
    before there is one), the seconds that are left, and a sentence on what has just happened."""

    trials: int
    best: float | None
    seconds_left: float
    said: str

    def __str__(self) -> str:
        return self.said


Callback = Callable[[Progress], object]


class SearchState:
    """How each training of a study ended, by its first number; the planned number of trials; the deadline."""

    def __init__(self) -> None:
        self.trials: dict[int, TrialRecord] = {}
        self.direction = Direction.MAXIMIZE
        self.total = self.done_before = 0
        self.started = self.deadline = time.monotonic()

    def plan(self, record: StudyRecord, trials: int, seconds: float) -> None:
        """Start from the trials that the storage has already."""
        self.started = time.monotonic()
        self.direction, self.total, self.deadline = record.direction, trials, self.started + seconds
        self.trials = {trial.first: trial for trial in record.trials}
        self.done_before = self.done

    def add(self, trial: TrialRecord) -> None:
        """Remember how a training ended or paused."""
        self.trials[trial.first] = trial

    def count(self, *states: str) -> int:
        """The number of trainings in these states."""
        return sum(trial.state in states for trial in self.trials.values())

    @property
    def done(self) -> int:
        """The number of trainings that finished or were pruned."""
        return self.count("complete", "pruned")

    @property
    def is_unlimited(self) -> bool:
        """Whether only the time ends the search."""
        return self.total >= NO_LIMIT

    @property
    def best(self) -> TrialRecord | None:
        """The finished training with the best value; the earliest of equals."""
        finished = [trial for trial in self.trials.values() if trial.state == "complete" and trial.values]
        return max(finished, key=lambda trial: (self.direction.sign * trial.values[0], -trial.first), default=None)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, or until the planned trials are done at this call's speed."""
        now = time.monotonic()
        until_deadline, done_here = max(0.0, self.deadline - now), self.done - self.done_before
        if done_here < 1 or self.is_unlimited:
            return until_deadline
        return min(until_deadline, (now - self.started) / done_here * max(0, self.total - self.done))


class CallbackListener:
    """Calls a function with a `Progress`. An exception in it ends the search."""

    def __init__(self, callback: Callback | None) -> None:
        self.callback, self.state = callback, SearchState()

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.state.plan(record, trials, seconds)

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.log(f"trial {number} begins: {recipe.summary}")

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        """Nothing: an epoch may take milliseconds."""

    def ended(self, trial: TrialRecord) -> None:
        self.state.add(trial)
        self.log(f"trial {trial.number} {trial.state}: {f'{trial.values[0]:.4g}' if trial.values else trial.reason}")

    def refitting(self, recipe: Recipe, event: Event) -> None:
        """Nothing, as in `advanced`."""

    def log(self, message: str) -> None:
        if self.callback is not None:
            best, left = self.state.best, max(0.0, self.state.deadline - time.monotonic())
            self.callback(Progress(self.state.done, best.values[0] if best else None, left, message))
