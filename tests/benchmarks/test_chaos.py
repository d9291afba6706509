"""Searches under attack: `make chaos` with its first rounds."""

import json
from pathlib import Path

import pytest
from chaos import main


@pytest.mark.slow
def test_three_short_rounds_of_chaos_break_nothing(tmp_path: Path) -> None:
    out = tmp_path / "chaos.jsonl"
    assert main(["--rounds", "3", "--calls", "2", "--out", str(out), "--storage", "sqlite", "journal"]) == 0, (
        out.read_text()
    )


@pytest.mark.long
def test_twenty_rounds_of_chaos_break_nothing(tmp_path: Path) -> None:
    out = tmp_path / "chaos.jsonl"
    assert main(["--rounds", "20", "--out", str(out)]) == 0, out.read_text()
    assert len(out.read_text().splitlines()) == 20


def test_rounds_that_are_in_the_file_are_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chaos.jsonl"
    line = {"round": 0, "storage": "sqlite", "calls": ["kill"], "seconds": 1.0, "broken": []}
    out.write_text(json.dumps(line) + "\n")
    assert main(["--rounds", "1", "--out", str(out)]) == 0
    broken = {**line, "round": 1, "broken": ["a trial is open"]}
    out.write_text(json.dumps(line) + "\n" + json.dumps(broken) + "\n")
    assert main(["--rounds", "2", "--out", str(out)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 rounds, 1 calls disturbed, 0 rounds broken",
        "2 rounds, 2 calls disturbed, 1 rounds broken",
    ]
