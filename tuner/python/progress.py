"""How far a search is: `Progress` for Python programs, sentences for pipes, and the state that all listeners show."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.base.formatting import duration_text, metric_label
from tuner.recipe import Recipe
from tuner.result import Epoch, Event, FoldResult, Pulse, Scores
from tuner.storage import StudyRecord, TrialRecord
from tuner.study.settings import NO_LIMIT

SILENT_SECONDS = 30.0
PAUSED = "paused"
"""The first word of the reason of a trial that pauses at a rung."""


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
    """The study's record so far; the planned number of trials; the deadline."""

    def __init__(self) -> None:
        self.record = StudyRecord("", "", {}, (), ())
        self.total = self.done_before = 0
        self.started = self.deadline = time.monotonic()

    def plan(self, record: StudyRecord, trials: int, seconds: float) -> None:
        """Start from the trials that the storage has already."""
        self.started = time.monotonic()
        self.record, self.total, self.deadline = record, trials, self.started + seconds
        self.done_before = self.done

    def add(self, trial: TrialRecord) -> None:
        """Remember how a training ended or paused."""
        others = (each for each in self.record.trials if each.first != trial.first)
        self.record = replace(self.record, trials=(*others, trial))

    @property
    def done(self) -> int:
        """The number of trainings that finished or were pruned."""
        return self.record.count("complete", "pruned")

    @property
    def is_unlimited(self) -> bool:
        """Whether only the time ends the search."""
        return self.total >= NO_LIMIT

    @property
    def best(self) -> TrialRecord | None:
        """The finished training with the best value; the earliest of equals."""
        sign = self.record.direction.sign
        return max(self.record.finished, key=lambda trial: (sign * trial.values[0], -trial.first), default=None)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, or until the planned trials are done at this call's speed."""
        now = time.monotonic()
        until_deadline, done_here = max(0.0, self.deadline - now), self.done - self.done_before
        if done_here < 1 or self.is_unlimited:
            return until_deadline
        return min(until_deadline, (now - self.started) / done_here * max(0, self.total - self.done))

    @property
    def best_text(self) -> str:
        """The best training, for people."""
        return f"best {self.best.values[0]:.4f} (trial {self.best.number})" if self.best else "no trial finished yet"

    @property
    def left_text(self) -> str:
        """The time that is left, for people."""
        return f"{duration_text(self.seconds_left)} left"


class Lines:
    """Reports a sentence for each event; during a long silence, the running epoch. An exception in `report` ends the search."""

    def __init__(self, report: Callback | None) -> None:
        self.report, self.state = report, SearchState()
        self.recipes: dict[int, Recipe] = {}
        self.reported = time.monotonic()

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.state.plan(record, trials, seconds)
        total = "" if self.state.is_unlimited else f" of {trials}"
        self.log(f"{self.state.done}{total} trials are done; at most {duration_text(seconds)}")

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.recipes[number] = recipe
        origin = "" if continues is None else f"continues trial {continues}: "
        self.log(f"trial {number}: {origin}{recipe.summary}")

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        self._break_silence(f"trial {number}", self.recipes[number], event)

    def ended(self, trial: TrialRecord) -> None:
        self.state.add(trial)
        best = f"; {self.state.best_text}" if self.state.best else ""
        count = "" if self.state.is_unlimited else f"{self.state.done}/{self.state.total}, "
        self.log(f"trial {trial.number}: {ended_text(trial)}{best}; {count}{self.state.left_text}")

    def refitting(self, recipe: Recipe, event: Event) -> None:
        if not isinstance(event, FoldResult):
            self._break_silence(f"seed {recipe.seed}", recipe, event)

    def log(self, message: str) -> None:
        self.reported = time.monotonic()
        if self.report is not None:
            best, left = self.state.best, max(0.0, self.state.deadline - self.reported)
            self.report(Progress(self.state.done, best.values[0] if best else None, left, message))

    def _break_silence(self, name: str, recipe: Recipe, event: Epoch | Pulse) -> None:
        if time.monotonic() - self.reported > SILENT_SECONDS:
            self.log(f"{name}: {event_text(event, recipe.training.epochs)}; {self.state.left_text}")


def ended_text(trial: TrialRecord) -> str:
    """How a trial ended or paused, with its value."""
    result = trial.result
    if result and result.ended == "pruned" and trial.reason.startswith(PAUSED):
        scores = result.validation or result.training
        return trial.reason + (f", {_score_text(scores)}" if scores else "")
    value = f" {trial.values[0]:.4f}" if trial.values else ""
    cost = f" after {result.epochs} epochs, {result.seconds:.1f} s" if result and result.epochs else ""
    reason = f" ({trial.reason})" if trial.reason else ""
    state = "diverged" if result and result.ended == "diverged" else trial.state
    return f"{state}{value}{cost}{reason}"


def event_text(event: Epoch | Pulse, epochs: int) -> str:
    """How far a training of so many epochs is, with its metric."""
    if isinstance(event, Pulse):
        return f"epoch {event.epoch}/{epochs}, {event.share:.0%} of it, training {_score_text(event.training)}"
    return f"epoch {event.number}/{epochs}, {_score_text(event.validation or event.training)}"


def _score_text(scores: Scores) -> str:
    """The task's main metric."""
    name, value = next(iter(scores.figures.items()))
    return f"{metric_label(name)} {value:.4f}"
