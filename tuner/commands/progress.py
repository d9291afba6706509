"""The progress of a search on standard error: live on a terminal, plain lines in a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.commands.terminal import print_message, wrapped
from tuner.python.progress import PAUSED, SILENT_SECONDS, Lines, SearchState, ended_text, event_text, share_done
from tuner.recipe import Recipe
from tuner.refit.session import Listener
from tuner.result import Epoch, Event, Pulse
from tuner.storage import StudyRecord, TrialRecord

MARKS = {"complete": ("✓", "green"), "pruned": ("✂", "yellow"), "failed": ("✗", "red"), "refused": ("✗", "yellow")}
REFRESHES = 4
"""How often a second the live display is drawn."""


@contextmanager
def progress_on_stderr(detail: Literal["quiet", "usual", "verbose"] = "usual") -> Iterator[Listener]:
    """A listener that suits standard error: nothing, events, or events with a line for each epoch."""
    console = Console(stderr=True)
    if detail == "quiet":
        yield Lines(None)
        return
    if detail == "verbose" or not console.is_terminal or console.is_dumb_terminal:
        silence = 0.0 if detail == "verbose" else SILENT_SECONDS
        yield Lines(lambda progress: print_message(progress.said), silence)
        return
    screen = Screen(console)
    with Live(console=console, refresh_per_second=REFRESHES, transient=True, get_renderable=screen.view):
        yield screen


class Screen:
    """Prints finished trials. `view` shows the running trials and refits, the phase with its time, and the best trial: the live
    display computes it at each refresh."""

    def __init__(self, console: Console) -> None:
        self.console, self.state = console, SearchState()
        self.running: dict[int | str, tuple[str, Recipe, Event | None]] = {}  # refits by key: seeds may repeat
        self.refits: list[str] = []

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.state.plan(record, trials, seconds)

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.running[number] = (f"trial {number:>3}", recipe, None)

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        self.running[number] = (*self.running[number][:2], event)

    def ended(self, trial: TrialRecord) -> None:
        self.running.pop(trial.number, None)
        self.state.add(trial)
        is_paused = trial.reason.startswith(PAUSED)
        mark, style = ("‖", "cyan") if is_paused else MARKS.get(trial.state, (" ", ""))
        summary = trial.recipe.summary if trial.recipe and not is_paused else ""
        text = ended_text(trial, self.state.objective)
        line = Text.assemble((f"{mark} trial {trial.number:>3} ", style), text, (f"  {summary}", "dim"))
        self.console.print(line, overflow="ellipsis", no_wrap=True)

    def phase(self, name: str) -> None:
        self.running.clear()
        self.state.enter(name)

    def refitting(self, recipe: Recipe, event: Event) -> None:
        if recipe.key not in self.refits:
            self.refits.append(recipe.key)
        self.running[recipe.key] = (f"refit {self.refits.index(recipe.key) + 1:>3}", recipe, event)

    def log(self, message: str) -> None:
        self.console.print(Text(wrapped(message, self.console.width), style="dim"), soft_wrap=True)

    def view(self) -> Group:
        """One bar for each training over all its epochs and folds, and a summary."""
        table, state = Table.grid(padding=(0, 2)), self.state
        width = 20 if self.console.width >= 100 else 10
        for name, recipe, event in tuple(self.running.values()):
            text = Text("starting" if event is None else event_text(event, recipe, state.objective), no_wrap=True)
            table.add_row(f"  {name}", ProgressBar(1.0, share_done(event, recipe), width), text)
        total_text = "" if state.is_unlimited else f" of {state.total}"
        pruned, failed = state.record.count("pruned"), state.record.count("failed")
        counts = f"{state.done}{total_text} trials, {pruned} pruned{f', {failed} failed' if failed else ''}"
        if state.phase == "starting":
            return Group(Text(f"  {state.left_text}", style="bold"))
        return Group(table, Text(f"  {state.left_text} · {counts}", style="bold"), Text(f"  {state.best_text}"))
