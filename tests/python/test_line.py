"""A search from Python shows how far it is: one line where that can be redrawn, sentences elsewhere, nothing if asked."""

import io
import sys

import pytest

from tests.support.outcomes import epoch
from tuner.networks import Dense
from tuner.python.line import progress_shown
from tuner.python.progress import Progress
from tuner.recipe import Data, Recipe, Training
from tuner.refit.session import Listener
from tuner.storage import StudyRecord

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=12))


class Terminal(io.StringIO):
    """A standard error that can be redrawn."""

    def isatty(self) -> bool:
        return True


def search(listener: Listener) -> None:
    """The events of a search."""
    listener.planned(StudyRecord("small", "", {}, ("validation_accuracy",), ()), 20, 600)
    listener.began(7, RECIPE, None)
    listener.advanced(7, epoch(5))


def test_a_pipe_receives_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("small", None, 1) as listener:
        search(listener)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "small: 0 of 20 trials are done; at most 10 min 0 s",
        f"small: trial 7: {RECIPE.summary}",
    ]


def test_a_terminal_has_one_line_that_ends_with_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_shown("small", None, 1) as listener:
        search(listener)
    drawn = terminal.getvalue()
    assert drawn.count("\n") == 1
    last = drawn.rstrip().rpartition("\r")[2]
    assert last.startswith("100%|")
    assert last.endswith("| small: 0 trials, no trial finished yet")


class Display:
    """IPython's display, which tests do not need to have: the line that it shows now."""

    line = ""

    def display(self, text: dict[str, str], *, raw: bool, display_id: bool) -> "Display":
        return self

    def update(self, text: dict[str, str], *, raw: bool) -> None:
        self.line = text["text/plain"]


def test_a_notebook_has_one_line_that_is_replaced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So a saved notebook has the last one only."""
    notebook = Display()
    for name in ("ipykernel", "IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, notebook)
    with progress_shown("small", None, 1) as listener:
        search(listener)
    assert notebook.line == "100%|██████████| small: 0 trials, no trial finished yet"
    assert capsys.readouterr().err == ""


def test_nothing_is_shown_where_a_callback_receives_it_or_quiet_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Progress] = []
    monkeypatch.setitem(sys.modules, "ipykernel", io)
    for callback, verbose in ((reported.append, 1), (None, 0), (None, -1)):
        with progress_shown("small", callback, verbose) as listener:
            search(listener)
    assert [str(each) for each in reported][-1] == f"trial 7: {RECIPE.summary}"
    assert capsys.readouterr().err == ""


def test_no_line_means_no_sentences_either(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("small", None, -1) as listener:
        search(listener)
    assert capsys.readouterr().err == ""
