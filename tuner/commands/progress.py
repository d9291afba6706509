"""Showing a search as it goes: live on a terminal, plain lines into a pipe; always on standard error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuner.recipe import Recipe
from tuner.result import OBJECTIVES, Epoch
from tuner.search.interfaces import Listener
from tuner.storage import StudyRecord, TrialRecord
from tuner.words import duration, recipe_in_words

MARKS = {"complete": ("✓", "green"), "pruned": ("✂", "yellow"), "failed": ("✗", "red")}


@dataclass
class Tally:
    """What has been seen so far, for the summary line."""

    objective: str
    total: int = 0
    started: float = 0.0
    deadline: float = 0.0
    done_before: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    best: float | None = None
    best_number: int = 0
    paused: set[int] = field(default_factory=set)

    def plan(self, record: StudyRecord, trials: int, seconds: float) -> None:
        """Start from what the storage has of the study already."""
        self.started = time.monotonic()
        self.total, self.deadline = trials, self.started + seconds
        for trial in record.trials:
            self.add(trial)
        self.done_before = self.done

    def add(self, trial: TrialRecord) -> None:
        """Count a trial that ended, and see whether it is the best."""
        self.paused.discard(trial.number)
        self.counts[trial.state] = self.counts.get(trial.state, 0) + 1
        if trial.state != "complete":
            return
        value = trial.values[0]
        sign = 1 if OBJECTIVES[self.objective].direction == "maximize" else -1
        if self.best is None or sign * value > sign * self.best:
            self.best, self.best_number = value, trial.number

    @property
    def done(self) -> int:
        return self.counts.get("complete", 0) + self.counts.get("pruned", 0) + len(self.paused)

    @property
    def seconds_left(self) -> float:
        """Until the time is up or the trials are done, at the pace of this call so far."""
        now = time.monotonic()
        until_deadline = max(0.0, self.deadline - now)
        here = self.done - self.done_before
        if here < 1:
            return until_deadline
        return min(until_deadline, (now - self.started) / here * max(0, self.total - self.done))


def ended_in_words(trial: TrialRecord) -> str:
    """How a trial ended, with its figure."""
    result = trial.result
    figure = f" {trial.values[0]:.4f}" if trial.values else ""
    spent = f" after {result.epochs} epochs, {result.seconds:.1f} s" if result and result.epochs else ""
    why = f" ({trial.reason})" if trial.reason else ""
    how = "diverged" if result and result.ended == "diverged" else trial.state
    return f"{how}{figure}{spent}{why}"


def paused_in_words(epoch: Epoch) -> str:
    """Where a trial waits, with its figure."""
    scores = epoch.validation or epoch.training
    return f"pauses after epoch {epoch.number}, accuracy {scores.accuracy:.4f}"


class Lines:
    """One line an event, for pipes and logs."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self.console = console
        self.tally = tally

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.tally.plan(record, trials, seconds)
        self._print(f"{self.tally.done} of {trials} trials are done; at most {duration(seconds)}")

    def began(self, number: int, recipe: Recipe) -> None:
        self._print(f"trial {number}: {recipe_in_words(recipe)}")

    def advanced(self, number: int, epoch: Epoch) -> None:
        self.tally.paused.discard(number)

    def paused(self, number: int, epoch: Epoch) -> None:
        self.tally.paused.add(number)
        self._print(f"trial {number}: {paused_in_words(epoch)}")

    def ended(self, trial: TrialRecord) -> None:
        quiet = trial.number in self.tally.paused
        self.tally.add(trial)
        if quiet:
            return
        best = f"; best {self.tally.best:.4f} (trial {self.tally.best_number})" if self.tally.best is not None else ""
        left = f"; {self.tally.done}/{self.tally.total}, {duration(self.tally.seconds_left)} left"
        self._print(f"trial {trial.number}: {ended_in_words(trial)}{best}{left}")

    def said(self, message: str) -> None:
        self._print(message)

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Screen:
    """Finished trials scroll by; below them stand the running ones and the summary."""

    def __init__(self, live: Live, tally: Tally) -> None:
        self.live = live
        self.tally = tally
        self.running: dict[int, tuple[Recipe, Epoch | None]] = {}
        self.recipes: dict[int, Recipe] = {}

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.tally.plan(record, trials, seconds)
        self._draw()

    def began(self, number: int, recipe: Recipe) -> None:
        self.recipes[number] = recipe
        self.running[number] = (recipe, None)
        self._draw()

    def advanced(self, number: int, epoch: Epoch) -> None:
        recipe = self.recipes[number]
        self.running[number] = (recipe, epoch)
        self.tally.paused.discard(number)
        self._draw()

    def paused(self, number: int, epoch: Epoch) -> None:
        self.running.pop(number, None)
        self.tally.paused.add(number)
        self.live.console.print(Text.assemble((f"‖ trial {number:>3} ", "cyan"), paused_in_words(epoch)))
        self._draw()

    def ended(self, trial: TrialRecord) -> None:
        quiet = trial.number in self.tally.paused
        self.running.pop(trial.number, None)
        self.tally.add(trial)
        if quiet:
            self._draw()
            return
        mark, style = MARKS.get(trial.state, (" ", ""))
        words = recipe_in_words(trial.recipe) if trial.recipe else ""
        line = Text.assemble((f"{mark} trial {trial.number:>3} ", style), ended_in_words(trial), ("  " + words, "dim"))
        self.live.console.print(line, overflow="ellipsis", no_wrap=True)
        self._draw()

    def said(self, message: str) -> None:
        self.live.console.print(Text(message, style="dim"))

    def _draw(self) -> None:
        self.live.update(Group(self._table(), self._summary()))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for number, (recipe, epoch) in self.running.items():
            total = recipe.training.epochs
            done = epoch.number if epoch else 0
            bar = "━" * round(20 * done / total)
            scores = (epoch.validation or epoch.training) if epoch else None
            figure = f"accuracy {scores.accuracy:.4f}" if scores else "starting"
            table.add_row(f"  trial {number:>3}", Text(f"{bar:<20}", "cyan"), f"epoch {done}/{total}", figure)
        return table

    def _summary(self) -> Text:
        tally = self.tally
        best = (
            f"best {tally.best:.4f} (trial {tally.best_number})" if tally.best is not None else "no trial finished yet"
        )
        pruned, failed = tally.counts.get("pruned", 0), tally.counts.get("failed", 0)
        counts = f"{tally.done} of {tally.total} trials, {pruned} pruned" + (f", {failed} failed" if failed else "")
        return Text(f"  {best} · {counts} · {duration(tally.seconds_left)} left", style="bold")


@contextmanager
def shown(tally: Tally) -> Iterator[Listener]:
    """A listener that suits standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console, tally)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Screen(live, tally)
