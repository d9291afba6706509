"""The progress of a search in Python: one line on a terminal and in a notebook, sentences elsewhere."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from threading import Event, Thread

from tqdm import tqdm

from tuner.python.progress import Callback, Lines
from tuner.refit.session import Listener

REFRESH_SECONDS = 0.5
WIDTH = 120
"""The length of the line where the width is unknown, as in a notebook."""
FORMAT = "{percentage:3.0f}%|{bar:10}| {desc}"


@contextmanager
def progress_shown(name: str, callback: Callback | None, verbose: int) -> Iterator[Listener]:
    """A listener that gives progress to a callback, or shows it on standard error: with `verbose` 1 as one line of this name where
    that can be redrawn, else as sentences; with 0 not at all."""
    if callback or verbose < 1 or not is_live():
        sentences: Callback = lambda progress: sys.stderr.write(f"{name}: {progress}\n")  # noqa: E731
        yield Lines(callback or (sentences if verbose > 0 else None))
        return
    listener, is_over, started = Lines(None, silent_seconds=0.0), Event(), time.monotonic()

    def redraw() -> None:
        while not is_over.wait(REFRESH_SECONDS):
            state, now = listener.state, time.monotonic()
            bar.n = (now - started) / (max(now, state.end) - started) if state.total else 0.0
            event, _, _ = listener.latest.partition(";")
            bar.set_description_str(f"{name}: {state.left_text} · {state.best_text} · {event}")

    columns = get_terminal_size((WIDTH, 0)).columns
    file = sys.stderr if sys.stderr.isatty() else Output()
    with tqdm(desc=name, total=1.0, bar_format=FORMAT, file=file, ncols=columns, nrows=20, ascii=False) as bar:
        thread = Thread(target=redraw, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            is_over.set()
            thread.join()
            bar.n = 1.0
            done = listener.state.done
            bar.set_description_str(f"{name}: {done} trial{'s' * (done != 1)}, {listener.state.best_text}")


class Output(io.StringIO):
    """What a notebook shows in place of a terminal's line: an output that is replaced, so that a saved notebook has the last line."""

    def __init__(self) -> None:
        super().__init__()
        from IPython.display import display

        self.shown = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text: str) -> int:
        if line := text.strip():
            self.shown.update({"text/plain": line}, raw=True)
        return len(text)


def is_live() -> bool:
    """Whether standard error is a terminal or a notebook's, where a line can be redrawn."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
