"""The live display of a search, as a terminal shows it."""

from dataclasses import replace
from io import StringIO
from typing import Literal

import pytest
from rich.console import Console

from tests.support.fakes import Clock
from tests.support.outcomes import RECIPE, epoch, study_of
from tuner.commands.progress import Screen, progress_on_stderr
from tuner.recipe import KFold, Recipe
from tuner.result import FoldResult
from tuner.study.settings import NO_LIMIT

FOLDS = replace(RECIPE, protocol=KFold(folds=5), training=replace(RECIPE.training, epochs=40))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the progress."""
    clock = Clock()
    monkeypatch.setattr("tuner.python.progress.time", clock)
    return clock


@pytest.fixture(params=[80, 120])
def screen(request: pytest.FixtureRequest, now: Clock) -> Screen:
    """The display of a search of a minute, at two widths."""
    screen = Screen(Console(file=StringIO(), force_terminal=True, color_system=None, width=request.param))
    screen.planned(replace(study_of([]), objectives=("validation_accuracy",)), NO_LIMIT, 60)
    return screen


def drawn(screen: Screen) -> list[str]:
    """The lines of the display now."""
    with screen.console.capture() as capture:
        screen.console.print(screen.view())
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= screen.console.width
    return [line.rstrip() for line in lines if line.strip()]


def test_before_the_search_only_the_phase_is_shown(now: Clock) -> None:
    early = Screen(Console(file=StringIO(), force_terminal=True, color_system=None, width=80))
    now.sleep(4)
    assert drawn(early) == ["  starting for 4 s"]


def test_each_drawing_computes_the_time_that_is_left(screen: Screen, now: Clock) -> None:
    assert drawn(screen) == ["  searching, 1 min 0 s left · 0 trials, 0 pruned", "  no trial finished yet"]
    now.sleep(18)
    assert drawn(screen)[0].startswith("  searching, 42 s left")
    screen.phase("refitting")
    assert drawn(screen)[0].startswith("  refitting, 42 s left")


def test_a_trial_has_one_bar_over_its_folds_and_epochs(screen: Screen) -> None:
    screen.began(7, FOLDS, None)
    assert drawn(screen)[0].split()[-1] == "starting"
    screen.advanced(7, replace(epoch(12), fold=2))
    assert drawn(screen)[0].endswith("fold 3/5, epoch 12/40, validation accuracy 0.5000")


def test_refits_are_numbered_though_their_seeds_are_equal(screen: Screen) -> None:
    other: Recipe = replace(FOLDS, training=replace(FOLDS.training, batch_size=7))
    for recipe in (FOLDS, other, FOLDS):
        screen.refitting(recipe, epoch(1))
    screen.refitting(FOLDS, FoldResult(epochs=(replace(epoch(40), fold=4),), kept=1))
    first, second, *_ = drawn(screen)
    assert first.split()[:2] == ["refit", "1"]
    assert first.endswith("training on all examples")
    assert second.split()[:2] == ["refit", "2"]
    screen.phase("testing")
    assert len(drawn(screen)) == 2


def test_a_message_is_broken_at_blanks_only(screen: Screen) -> None:
    path = "/a/long/path/" + "folder/" * 15 + "best.keras"
    with screen.console.capture() as capture:
        screen.log(f"the model of this search is written to {path} and to no other place in this file system")
    assert path in capture.get()
    others = [line for line in capture.get().splitlines() if path not in line]
    assert max(map(len, others)) <= screen.console.width


@pytest.mark.parametrize(("detail", "count"), [("quiet", 0), ("usual", 2), ("verbose", 3)])
def test_a_pipe_gets_plain_lines_as_many_as_are_wanted(
    detail: Literal["quiet", "usual", "verbose"], count: int, capsys: pytest.CaptureFixture[str], now: Clock
) -> None:
    with progress_on_stderr(detail) as listener:
        listener.planned(study_of([]), NO_LIMIT, 60)
        listener.began(0, FOLDS, None)
        now.sleep(1)
        listener.advanced(0, epoch(3))
    errors = capsys.readouterr().err
    assert "\x1b" not in errors
    assert len(errors.splitlines()) == count
