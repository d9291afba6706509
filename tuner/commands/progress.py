"""The progress of a search on standard error: live on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuner.base.formatting import duration_text, metric_label
from tuner.python.progress import SearchState
from tuner.recipe import Recipe
from tuner.refit.session import Listener
from tuner.result import Epoch, Event, FoldResult, Pulse, Scores
from tuner.storage import StudyRecord, TrialRecord

SILENT_SECONDS = 30.0
MARKS = {"complete": ("✓", "green"), "pruned": ("✂", "yellow"), "failed": ("✗", "red"), "refused": ("✗", "yellow")}
PAUSED = "paused"
"""The first word of the reason of a trial that pauses at a rung."""


@contextmanager
def progress_on_stderr() -> Iterator[Listener]:
    """A listener that suits standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Screen(live)


class Lines:
    """Prints one line for each event, for pipes and logs; during a long silence the running epoch."""

    def __init__(self, console: Console) -> None:
        self.console, self.state = console, SearchState()
        self.recipes: dict[int, Recipe] = {}
        self.printed = time.monotonic()

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
        best = f"; {_best_text(self.state)}" if self.state.best else ""
        count = "" if self.state.is_unlimited else f"{self.state.done}/{self.state.total}, "
        self.log(f"trial {trial.number}: {_ended_text(trial)}{best}; {count}{_left_text(self.state)}")

    def refitting(self, recipe: Recipe, event: Event) -> None:
        if not isinstance(event, FoldResult):
            self._break_silence(f"seed {recipe.seed}", recipe, event)

    def log(self, message: str) -> None:
        self.printed = time.monotonic()
        self.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def _break_silence(self, name: str, recipe: Recipe, event: Epoch | Pulse) -> None:
        if time.monotonic() - self.printed > SILENT_SECONDS:
            self.log(f"{name}: {_event_text(event, recipe.training.epochs)}; {_left_text(self.state)}")


class Screen:
    """Prints finished trials; below them a table of the running trials and refits, and a summary, are redrawn."""

    def __init__(self, live: Live) -> None:
        self.live, self.state = live, SearchState()
        self.running: dict[int | str, tuple[str, Recipe, Epoch | Pulse | None]] = {}  # refits by key: seeds may repeat

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.state.plan(record, trials, seconds)
        self._draw()

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.running[number] = (f"trial {number:>3}", recipe, None)
        self._draw()

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        self.running[number] = (*self.running[number][:2], event)
        self._draw()

    def ended(self, trial: TrialRecord) -> None:
        self.running.pop(trial.number, None)
        self.state.add(trial)
        is_paused = trial.reason.startswith(PAUSED)
        mark, style = ("‖", "cyan") if is_paused else MARKS.get(trial.state, (" ", ""))
        summary = trial.recipe.summary if trial.recipe and not is_paused else ""
        line = Text.assemble((f"{mark} trial {trial.number:>3} ", style), _ended_text(trial), (f"  {summary}", "dim"))
        self.live.console.print(line, overflow="ellipsis", no_wrap=True)
        self._draw()

    def refitting(self, recipe: Recipe, event: Event) -> None:
        if isinstance(event, FoldResult):
            self.running.pop(recipe.key, None)
        else:
            self.running[recipe.key] = (f"seed {recipe.seed}", recipe, event)
        self._draw()

    def log(self, message: str) -> None:
        self.live.console.print(Text(message, style="dim"))

    def _draw(self) -> None:
        table, state = Table.grid(padding=(0, 2)), self.state
        for name, recipe, event in self.running.values():
            total = recipe.training.epochs
            done = 0.0 if event is None else event.number if isinstance(event, Epoch) else event.epoch - 1 + event.share
            text = "starting" if event is None else _event_text(event, total)
            table.add_row(f"  {name}", Text(f"{'━' * round(20 * done / total):<20}", "cyan"), text)
        total_text = "" if state.is_unlimited else f" of {state.total}"
        failed = f", {state.count('failed')} failed" if state.count("failed") else ""
        counts = f"{state.done}{total_text} trials, {state.count('pruned')} pruned{failed}"
        summary = Text(f"  {_best_text(state)} · {counts} · {_left_text(state)}", style="bold")
        self.live.update(Group(table, summary))


def _best_text(state: SearchState) -> str:
    return f"best {state.best.values[0]:.4f} (trial {state.best.number})" if state.best else "no trial finished yet"


def _left_text(state: SearchState) -> str:
    return f"{duration_text(state.seconds_left)} left"


def _ended_text(trial: TrialRecord) -> str:
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


def _event_text(event: Epoch | Pulse, epochs: int) -> str:
    if isinstance(event, Pulse):
        return f"epoch {event.epoch}/{epochs}, {event.share:.0%} of it, training {_score_text(event.training)}"
    return f"epoch {event.number}/{epochs}, {_score_text(event.validation or event.training)}"


def _score_text(scores: Scores) -> str:
    """The task's main metric."""
    name, value = next(iter(scores.figures.items()))
    return f"{metric_label(name)} {value:.4f}"
