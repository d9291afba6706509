"""Showing a search as it goes: live on a terminal, plain lines into a pipe; always on standard error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuner.base.formatting import duration_text, metric_label
from tuner.recipe import Recipe
from tuner.result import OBJECTIVES, Epoch, Event, FoldResult, Pulse, Scores
from tuner.search.listener import Listener
from tuner.storage import StudyRecord, TrialRecord
from tuner.study.settings import NO_LIMIT

SILENT_SECONDS = 30.0
MARKS = {"complete": ("✓", "green"), "pruned": ("✂", "yellow"), "failed": ("✗", "red"), "refused": ("✗", "yellow")}


@dataclass
class Tally:
    """What has been seen so far, for the summary line: how each training ended, by the number that it began with."""

    objective: str
    total: int = 0
    started: float = 0.0
    deadline: float = 0.0
    done_before: int = 0
    ended: dict[int, TrialRecord] = field(default_factory=dict)

    def plan(self, record: StudyRecord, trials: int, seconds: float) -> None:
        """Start from what the storage has of the study already."""
        self.started = time.monotonic()
        self.total, self.deadline = trials, self.started + seconds
        for trial in record.trials:
            self.add(trial)
        self.done_before = self.done

    def add(self, trial: TrialRecord) -> None:
        """Keep how a training ended, or pauses."""
        self.ended[trial.first] = trial

    def count(self, *states: str) -> int:
        """How many trainings are in one of these states."""
        return sum(trial.state in states for trial in self.ended.values())

    @property
    def is_unlimited(self) -> bool:
        """Whether only the time ends the search."""
        return self.total >= NO_LIMIT

    @property
    def done(self) -> int:
        return self.count("complete", "pruned")

    @property
    def best(self) -> TrialRecord | None:
        """The finished training with the best figure."""
        sign = OBJECTIVES[self.objective].direction.sign
        finished = [trial for trial in self.ended.values() if trial.state == "complete" and trial.values]
        return max(finished, key=lambda trial: (sign * trial.values[0], -trial.first), default=None)

    @property
    def best_in_words(self) -> str:
        best = self.best
        return f"best {best.values[0]:.4f} (trial {best.number})" if best else "no trial finished yet"

    @property
    def seconds_left(self) -> float:
        """Until the time is up or the trials are done, at the pace of this call so far."""
        now = time.monotonic()
        until_deadline = max(0.0, self.deadline - now)
        here = self.done - self.done_before
        if here < 1 or self.is_unlimited:
            return until_deadline
        return min(until_deadline, (now - self.started) / here * max(0, self.total - self.done))


def ended_in_words(trial: TrialRecord) -> str:
    """How a trial ended, with its figure."""
    result = trial.result
    if result and result.ended == "pruned" and trial.reason.startswith("paused"):
        scores = result.validation or result.training
        return trial.reason.replace("paused", "pauses") + (f", {figure_in_words(scores)}" if scores else "")
    figure = f" {trial.values[0]:.4f}" if trial.values else ""
    spent = f" after {result.epochs} epochs, {result.seconds:.1f} s" if result and result.epochs else ""
    why = f" ({trial.reason})" if trial.reason else ""
    how = "diverged" if result and result.ended == "diverged" else trial.state
    return f"{how}{figure}{spent}{why}"


def began_in_words(recipe: Recipe, continues: int | None) -> str:
    """What a trial is about to train."""
    return f"goes on with trial {continues}: {recipe.summary}" if continues is not None else recipe.summary


def advanced_in_words(event: Epoch | Pulse, epochs: int) -> str:
    """How far a trial has come, with its figure."""
    if isinstance(event, Pulse):
        return f"epoch {event.epoch}/{epochs}, {event.share:.0%} of it, training {figure_in_words(event.training)}"
    return f"epoch {event.number}/{epochs}, {figure_in_words(event.validation or event.training)}"


def figure_in_words(scores: Scores) -> str:
    """The task's main figure, with its name."""
    name, figure = next(iter(scores.figures.items()))
    return f"{metric_label(name)} {figure:.4f}"


class Lines:
    """One line an event, for pipes and logs; of a long silence a sign of life."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self.console = console
        self.tally = tally
        self.recipes: dict[int, Recipe] = {}
        self.printed = time.monotonic()

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.tally.plan(record, trials, seconds)
        done = f"{self.tally.done} trials" if self.tally.is_unlimited else f"{self.tally.done} of {trials} trials"
        self._print(f"{done} are done; at most {duration_text(seconds)}")

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.recipes[number] = recipe
        self._print(f"trial {number}: {began_in_words(recipe, continues)}")

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        if time.monotonic() - self.printed > SILENT_SECONDS:
            words = advanced_in_words(event, self.recipes[number].training.epochs)
            self._print(f"trial {number}: {words}; {duration_text(self.tally.seconds_left)} left")

    def ended(self, trial: TrialRecord) -> None:
        self.tally.add(trial)
        tally = self.tally
        best = f"; {tally.best_in_words}" if tally.best else ""
        of = "" if tally.is_unlimited else f"{tally.done}/{tally.total}, "
        self._print(
            f"trial {trial.number}: {ended_in_words(trial)}{best}; {of}{duration_text(tally.seconds_left)} left"
        )

    def confirms(self, recipe: Recipe, event: Event) -> None:
        if time.monotonic() - self.printed > SILENT_SECONDS and not isinstance(event, FoldResult):
            words = advanced_in_words(event, recipe.training.epochs)
            self._print(f"seed {recipe.seed}: {words}; {duration_text(self.tally.seconds_left)} left")

    def said(self, message: str) -> None:
        self._print(message)

    def _print(self, text: str) -> None:
        self.printed = time.monotonic()
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Screen:
    """Finished trials scroll by; below them stand the running ones and the summary."""

    def __init__(self, live: Live, tally: Tally) -> None:
        self.live = live
        self.tally = tally
        self.running: dict[int, tuple[Recipe, Epoch | Pulse | None]] = {}
        self.confirmed: dict[str, tuple[Recipe, Epoch | Pulse]] = {}

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.tally.plan(record, trials, seconds)
        self._draw()

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.running[number] = (recipe, None)
        self._draw()

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        self.running[number] = (self.running[number][0], event)
        self._draw()

    def ended(self, trial: TrialRecord) -> None:
        self.running.pop(trial.number, None)
        self.tally.add(trial)
        pauses = trial.reason.startswith("paused")
        mark, style = ("‖", "cyan") if pauses else MARKS.get(trial.state, (" ", ""))
        words = trial.recipe.summary if trial.recipe and not pauses else ""
        line = Text.assemble((f"{mark} trial {trial.number:>3} ", style), ended_in_words(trial), ("  " + words, "dim"))
        self.live.console.print(line, overflow="ellipsis", no_wrap=True)
        self._draw()

    def confirms(self, recipe: Recipe, event: Event) -> None:
        if isinstance(event, FoldResult):
            self.confirmed.pop(recipe.key, None)
        else:
            self.confirmed[recipe.key] = (recipe, event)
        self._draw()

    def said(self, message: str) -> None:
        self.live.console.print(Text(message, style="dim"))

    def _draw(self) -> None:
        self.live.update(Group(self._table(), self._summary()))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        rows = [(f"trial {number:>3}", *each) for number, each in self.running.items()]
        rows += [(f"seed {recipe.seed}", recipe, event) for recipe, event in self.confirmed.values()]
        for name, recipe, event in rows:
            total = recipe.training.epochs
            done = 0.0 if event is None else event.number if isinstance(event, Epoch) else event.epoch - 1 + event.share
            words = "starting" if event is None else advanced_in_words(event, total)
            table.add_row(f"  {name}", Text(f"{'━' * round(20 * done / total):<20}", "cyan"), words)
        return table

    def _summary(self) -> Text:
        tally = self.tally
        failed = tally.count("failed")
        of = "" if tally.is_unlimited else f" of {tally.total}"
        counts = f"{tally.done}{of} trials, {tally.count('pruned')} pruned"
        counts += f", {failed} failed" if failed else ""
        return Text(f"  {tally.best_in_words} · {counts} · {duration_text(tally.seconds_left)} left", style="bold")


@contextmanager
def shown(tally: Tally) -> Iterator[Listener]:
    """A listener that suits standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console, tally)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Screen(live, tally)
