"""The end of a search as a terminal and as a pipe show it, and the models side by side."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.outcomes import confirmed, study_of
from tuner.commands.results import models, print_outcome
from tuner.outcome import Outcome
from tuner.references import ReferenceModel

MODEL = Path("/a/folder/with/a/long/name/so/that/it/does/not/fit/into/one/line/of/80/columns/small/best.keras")
REFERENCES = (
    ReferenceModel("logistic", figures={"accuracy": 0.97}, error=0.01, test_figures={"accuracy": 0.96}),
    ReferenceModel("trees", note="skipped, it needs more than the 0.7 s left"),
    ReferenceModel("majority", figures={"accuracy": 0.1}, error=0.01, test_figures={"accuracy": 0.11}),
)


@pytest.fixture
def outcome() -> Outcome:
    """A study whose ensemble of two refits is less accurate than logistic regression."""
    winner = confirmed((2, 0), (14, 26), (0.94, 0.95))
    winner = replace(winner, model=MODEL, tests=(0.9, 0.89), members=(0, 1), networks=2, model_validation=0.952)
    record = study_of([0.91, 0.5, 0.92])
    return Outcome(record, record.best, winner, REFERENCES, ended="timeout", seconds=60.0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is a terminal of 80 columns without colours."""
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_a_box_a_table_and_the_next_steps(
    outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    print_outcome(outcome, Path("runs"), None)
    text = capsys.readouterr().out
    lines = [line.rstrip() for line in re.sub("\x1b[^m]*m", "", text).splitlines()]
    assert lines[0].startswith("╭─")
    assert "logistic regression is best" in " ".join(text.replace("│", " ").split())
    rows = [line.split()[0] for line in lines if line.startswith(("final", "logistic", "trees", "majority"))]
    assert rows == ["logistic", "final", "majority", "trees"]
    assert lines[lines.index("model:") + 1] == f"  {MODEL}"
    steps = ("model:", "predict:", "report:", "continue:", "browse:")
    assert [line.split()[0] for line in lines if line.startswith(steps)] == list(steps)
    assert max(len(line) for line in lines if "python -m" not in line and str(MODEL) not in line) <= 80
    assert len([line for line in lines if line]) == len({line for line in lines if line})


@pytest.mark.usefixtures("terminal")
def test_words_stay_whole(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(outcome, Path("runs"), None)
    words = set(capsys.readouterr().out.replace("│", " ").split())
    assert {"refits", "validation", "accuracy", str(MODEL)} <= words


def test_a_pipe_gets_plain_lines(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(outcome, Path("runs"), None)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert text.startswith("study made: 3 complete")
    assert f"\nmodel: {MODEL}\n" in text
    assert [line.partition(":")[0] for line in text.splitlines()[-2:]] == ["continue", "browse"]


def test_the_leaderboard_has_refits_and_reference_models_best_first(outcome: Outcome) -> None:
    frame = models(outcome).astype(object)
    rows = frame.where(frame.notna(), "").to_numpy().tolist()
    assert rows == [
        ["logistic", 0.97, 0.96, ""],
        ["final model", 0.952, 0.9, "average of 2 refits"],
        ["refit 2", 0.95, 0.89, "trial 0, seed 0, 26 epochs"],
        ["refit 1", 0.94, 0.9, "trial 2, seed 0, 14 epochs"],
        ["majority", 0.1, 0.11, ""],
        ["trees", "", "", "skipped, it needs more than the 0.7 s left"],
    ]


@pytest.mark.usefixtures("terminal")
def test_a_terminal_names_every_reference_model_that_is_better_on_some_part(
    outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = ReferenceModel("trees", figures={"accuracy": 0.95}, test_figures={"accuracy": 0.93})
    print_outcome(replace(outcome, reference_models=(REFERENCES[0], trees)), Path("runs"), None)
    text = " ".join(re.sub("\x1b[^m]*m", "", capsys.readouterr().out).replace("│", " ").split())
    assert text.count("Logistic regression is better than the final model on validation and test:") == 1
    assert text.count("Gradient-boosted trees are better than the final model on test:") == 1
