"""The progress of a search on standard error: live on a terminal, plain lines in a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuner.python.progress import PAUSED, Lines, SearchState, ended_text, event_text
from tuner.recipe import Recipe
from tuner.refit.session import Listener
from tuner.result import Epoch, Event, FoldResult, Pulse
from tuner.storage import StudyRecord, TrialRecord

MARKS = {"complete": ("✓", "green"), "pruned": ("✂", "yellow"), "failed": ("✗", "red"), "refused": ("✗", "yellow")}


@contextmanager
def progress_on_stderr() -> Iterator[Listener]:
    """A listener that suits standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(lambda progress: console.print(progress.said, markup=False, highlight=False, soft_wrap=True))
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield Screen(live)


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
        line = Text.assemble((f"{mark} trial {trial.number:>3} ", style), ended_text(trial), (f"  {summary}", "dim"))
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
            text = "starting" if event is None else event_text(event, total)
            table.add_row(f"  {name}", Text(f"{'━' * round(20 * done / total):<20}", "cyan"), text)
        total_text = "" if state.is_unlimited else f" of {state.total}"
        pruned, failed = state.record.count("pruned"), state.record.count("failed")
        counts = f"{state.done}{total_text} trials, {pruned} pruned{f', {failed} failed' if failed else ''}"
        summary = Text(f"  {state.best_text} · {counts} · {state.left_text}", style="bold")
        self.live.update(Group(table, summary))
