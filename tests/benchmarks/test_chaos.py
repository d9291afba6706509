"""Searches under attack: `make chaos` with its first rounds; `.ci/run` has 20."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from chaos import main

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "chaos.py"


@pytest.mark.parametrize(
    ("rounds", "calls"),
    [pytest.param(1, 2, marks=pytest.mark.slow), pytest.param(20, 3, marks=pytest.mark.long)],
)
def test_rounds_of_chaos_break_nothing(rounds: int, calls: int, tmp_path: Path) -> None:
    out = tmp_path / "chaos.jsonl"
    numbers = ["--rounds", str(rounds), "--calls", str(calls)]
    command = [sys.executable, str(SCRIPT), *numbers, "--out", str(out), "--storage", "sqlite", "journal"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(out.read_text().splitlines()) == rounds


@pytest.mark.slow
def test_killed_leaders_and_workers_lose_nothing(tmp_path: Path) -> None:
    out = tmp_path / "crashes.jsonl"
    first = {"round": 0, "storage": "sqlite", "calls": ["clock"], "kills": 0, "seconds": 1.0, "broken": []}
    out.write_text(json.dumps(first) + "\n")  # the second round kills
    numbers = ["--rounds", "2", "--calls", "1", "--trials", "30"]
    command = [sys.executable, str(SCRIPT), "--machines", *numbers, "--out", str(out), "--storage", "sqlite"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(out.read_text().splitlines()[1])["kills"] > 0


def test_rounds_that_are_in_the_file_are_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chaos.jsonl"
    line = {"round": 0, "storage": "sqlite", "calls": ["kill"], "seconds": 1.0, "broken": []}
    out.write_text(json.dumps(line) + "\n")
    assert main(["--rounds", "1", "--out", str(out)]) == 0
    broken = {**line, "round": 1, "broken": ["a trial is open"]}
    out.write_text(json.dumps(line) + "\n" + json.dumps(broken) + "\n")
    assert main(["--rounds", "2", "--out", str(out)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 rounds, 1 calls disturbed, 0 processes killed, 0 rounds broken",
        "2 rounds, 2 calls disturbed, 0 processes killed, 1 rounds broken",
    ]
