"""How far a search is: `Progress` for Python programs, sentences for pipes, and the state that all listeners show."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.base.formatting import duration_text, figure_text, metric_label
from tuner.recipe import Recipe, fold_count
from tuner.result import OBJECTIVES, Epoch, Event, FoldResult, Pulse, Result
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
    """The study's record so far, the planned number of trials, the phase of the call, and when the call is expected to end."""

    def __init__(self) -> None:
        self.record = StudyRecord("", "", {}, (), ())
        self.total = self.done_before = 0
        self.started = self.phase_began = self.deadline = self.end = time.monotonic()
        self.phase = "starting"

    def plan(self, record: StudyRecord, trials: int, seconds: float) -> None:
        """Start from the trials that the storage has already."""
        self.enter("searching")
        self.started = self.phase_began
        self.record, self.total, self.deadline = record, trials, self.started + seconds
        self.end, self.done_before = self.deadline, self.done

    def enter(self, phase: str) -> None:
        """Another phase begins. What follows the search of a number of trials ends when it ends."""
        self.phase, self.phase_began = phase, time.monotonic()
        self.end = self.deadline if self.is_unlimited else self.phase_began

    def add(self, trial: TrialRecord) -> None:
        """Remember how a training ended or paused, and expect the others to take as long."""
        others = (each for each in self.record.trials if each.first != trial.first)
        self.record = replace(self.record, trials=(*others, trial))
        now, done_here = time.monotonic(), self.done - self.done_before
        if done_here and not self.is_unlimited:
            rest = (now - self.started) / done_here * max(0, self.total - self.done)
            self.end = min(self.deadline, now + rest)

    @property
    def done(self) -> int:
        """The number of trainings that finished or were pruned."""
        return self.record.count("complete", "pruned")

    @property
    def is_unlimited(self) -> bool:
        """Whether only the time ends the search."""
        return self.total >= NO_LIMIT

    @property
    def objective(self) -> str:
        """The name of the first objective."""
        return next(iter(self.record.objectives), "")

    @property
    def best_text(self) -> str:
        """The best training, for people."""
        if (best := self.record.best) is None:
            return "no trial finished yet"
        return f"best {metric_label(self.objective)} {figure_text(best.values[0])} (trial {best.number})"

    @property
    def left_text(self) -> str:
        """The phase and the time that is left now; where that is not known, the time that the phase has taken."""
        now = time.monotonic()
        if self.end - now < 0.5:
            return f"{self.phase} for {duration_text(now - self.phase_began)}"
        bound = "" if self.is_unlimited or self.end < self.deadline else "at most "
        return f"{self.phase}, {bound}{duration_text(self.end - now)} left"


class Lines:
    """Reports a sentence for each event; after `silent_seconds`, the running epoch. An exception in `report` ends the
    search."""

    def __init__(self, report: Callback | None, silent_seconds: float = SILENT_SECONDS) -> None:
        self.report, self.state, self.silent_seconds = report, SearchState(), silent_seconds
        self.recipes: dict[int, Recipe] = {}
        self.reported, self.latest = time.monotonic(), ""

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

    def phase(self, name: str) -> None:
        self.state.enter(name)

    def ended(self, trial: TrialRecord) -> None:
        self.state.add(trial)
        best = f"; {self.state.best_text}" if self.state.record.best else ""
        count = "" if self.state.is_unlimited else f"{self.state.done}/{self.state.total}, "
        self.log(
            f"trial {trial.number}: {ended_text(trial, self.state.objective)}{best}; {count}{self.state.left_text}"
        )

    def refitting(self, recipe: Recipe, event: Event) -> None:
        if not isinstance(event, FoldResult):
            self._break_silence(f"refit on seed {recipe.seed}", recipe, event)

    def log(self, message: str) -> None:
        self.reported, self.latest = time.monotonic(), message
        if self.report is not None:
            best, left = self.state.record.best, max(0.0, self.state.deadline - self.reported)
            self.report(Progress(self.state.done, best.values[0] if best else None, left, message))

    def _break_silence(self, name: str, recipe: Recipe, event: Epoch | Pulse) -> None:
        if time.monotonic() - self.reported > self.silent_seconds:
            self.log(f"{name}: {event_text(event, recipe, self.state.objective)}; {self.state.left_text}")


def ended_text(trial: TrialRecord, objective: str) -> str:
    """How a trial ended or paused, with its value of the objective."""
    result = trial.result
    value = f", {metric_label(objective)} {figure_text(trial.values[0])}" if trial.values else ""
    if result and trial.reason.startswith(PAUSED):
        at_rung = f", {_score_text(result.folds[-1].epochs[-1], objective)}" if result.epochs else ""
        return f"{trial.reason}{value or at_rung}" + (f", {trial.looks[-1].seconds:.1f} s" if trial.looks else "")
    cost = f" after {_epochs_text(result)}, {result.seconds:.1f} s" if result and result.epochs else ""
    reason = f" ({trial.reason})" if trial.reason else ""
    state = "diverged" if result and result.ended == "diverged" else trial.state
    return f"{state}{value}{cost}{reason}"


def _epochs_text(result: Result) -> str:
    """How many epochs a training had, in each of its folds if these are equal."""
    lengths, folds = {len(fold.epochs) for fold in result.folds}, len(result.folds)
    if len(lengths) > 1:
        return f"{result.epochs} epochs over {folds} folds"
    epochs = "1 epoch" if lengths == {1} else f"{max(lengths)} epochs"
    return epochs if folds == 1 else f"{epochs} in each of {folds} folds"


def event_text(event: Event, recipe: Recipe, objective: str) -> str:
    """How far a training is, with its value of the objective; within an epoch, with the main metric on the training part."""
    epochs, folds = recipe.training.epochs, fold_count(recipe.protocol)
    if isinstance(event, FoldResult):
        last = "training on all examples" if folds > 1 else "saving"
        return last if share_done(event, recipe) == 1 else "next fold"
    fold = f"fold {event.fold + 1}/{folds}, " if folds > 1 else ""
    if isinstance(event, Pulse):
        name, value = next(iter(event.training.figures.items()), ("loss", event.training.loss))
        return f"{fold}epoch {event.epoch}/{epochs}, {event.share:.0%} of it, training {metric_label(name)} {figure_text(value)}"
    return f"{fold}epoch {event.number}/{epochs}, {_score_text(event, objective)}"


def share_done(event: Event | None, recipe: Recipe) -> float:
    """The part of a training's epochs, over all folds, that is done."""
    match event:
        case None:
            return 0.0
        case Epoch():
            fold, done = event.fold, event.number / recipe.training.epochs
        case Pulse():
            fold, done = event.fold, (event.epoch - 1 + event.share) / recipe.training.epochs
        case FoldResult():
            fold, done = (event.epochs[-1].fold if event.epochs else 0), 1.0
    return (fold + done) / fold_count(recipe.protocol)


def _score_text(epoch: Epoch, objective: str) -> str:
    """The objective's value; where it has none by epoch, the task's main metric."""
    value_of = OBJECTIVES[objective].of_epoch if objective else None
    if value_of and epoch.validation:
        return f"{metric_label(objective)} {figure_text(value_of(epoch))}"
    part, scores = ("validation", epoch.validation) if epoch.validation else ("training", epoch.training)
    name, value = next(iter(scores.figures.items()))
    return f"{part} {metric_label(name)} {figure_text(value)}"
