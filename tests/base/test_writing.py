"""Files that appear whole or not at all, beside what killed processes left."""

import os
from pathlib import Path

import pytest

from tests.support.fakes import Clock
from tuner.base.writing import atomic_path, when_there_is_space, write_text


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device without space here")
def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tuner.base.writing.time", clock)
    places = [Path("/dev/full"), Path("/dev/full"), tmp_path / "written"]

    def write(text: str) -> int:
        return places.pop(0).write_text(text)

    assert when_there_is_space(write, "text") == 4
    assert (tmp_path / "written").read_text() == "text"
    places[:] = [Path("/dev/full")] * 1000
    began = clock.now
    with pytest.raises(OSError, match="No space left"):
        when_there_is_space(write, "text")
    assert 100 < clock.now - began < 150
    places[:] = [tmp_path]
    with pytest.raises(IsADirectoryError):
        when_there_is_space(write, "text")
