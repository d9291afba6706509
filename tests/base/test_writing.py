"""Files that appear whole or not at all, beside what killed processes left."""

import os
from pathlib import Path

import pytest

from tuner.base.writing import atomic_path, write_text


def test_what_a_killed_process_of_the_same_number_left_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each container has a process 1."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    file = tmp_path / "best.json"
    killed = atomic_path(file)
    half = killed.__enter__()
    half.write_text("{")
    write_text(file, "{}")
    assert file.read_text() == "{}"
    assert half.read_text() == "{", "it may be at work in another container"
    os.utime(half.parent, (0, 0))
    write_text(file, "[]")
    assert [*tmp_path.iterdir()] == [file]
