"""A terminal may lack letters: the output has question marks there, and JSON is complete."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.__main__ import main, run
from tuner.data.sources import Places


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with letters that few encodings have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    rows = [f"{number}.5,日本{number % 3},{number % 2}–x" for number in range(60)]
    Path("größe.csv").write_text("\n".join(["größe,ort,label", *rows]), encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_init_prints_what_the_encoding_has(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "argv", ["tuner", "init", "own", "--data", "größe.csv", "--target", "label"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    output.flush()
    assert "classes: 0?x 30, 1?x 30" in output.buffer.getvalue().decode(encoding)
    assert "größe" in Path("studies/own.toml").read_text(encoding="utf-8")


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "own", "--data", "größe.csv", "--target", "label", "--json"]) == 0
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert [column["name"] for column in json.loads(printed)["columns"]] == ["größe", "ort"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("n" * 300, "größe.csv", "error: nnnnnnnnnnnnnnnnnnnn…: must be a name of at most 200 bytes, got 300\n"),
        ("own", "gr\udcf6.csv", "error: --data 'gr\\udcf6.csv': has a name that is no text in UTF-8; rename it\n"),
    ],
)
def test_a_name_that_cannot_be_written_is_one_message(
    name: str, data: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", name, "--data", data, "--target", "label"]) == 2
    assert capsys.readouterr().err == message


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device without space here")
def test_a_full_disk_of_the_messages_ends_nothing() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "tuner", "storage", "check", "--runs", "none"], stderr=full)
    assert done.returncode == 2
