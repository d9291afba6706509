"""Journal files after kills, and with lines that no search wrote."""

import os
from pathlib import Path

import optuna
import pytest

from tests.support.fakes import Clock
from tuner.base.errors import StorageError
from tuner.storage import open_storage


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with a study."""
    path = tmp_path / "j.log"
    optuna.create_study(storage=open_storage(f"journal:{path}"), study_name="one")
    return path


def test_the_lock_of_a_killed_process_is_taken_over(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a relative path, and after the folder was moved, the link that version 0.1 used as a lock led nowhere."""
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path / "j.log.lock").symlink_to(Path(tmp_path.name) / "j.log")
    storage = open_storage(f"journal:{tmp_path.name}/j.log")
    optuna.load_study(study_name="one", storage=storage).set_user_attr("x", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["j.log"]


def test_a_lock_of_this_version_is_waited_for_and_then_taken(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("optuna.storages.journal._file.time", clock)
    Path(f"{journal}.lock").touch()
    optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}")).set_user_attr("x", 1)
    assert 30.0 < clock.now - Clock().now < 33.0


def test_a_lock_that_another_process_took_is_not_missed(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It took this process for a dead one, which had stood still; what is written is written."""
    lock, fsync = Path(f"{journal}.lock"), os.fsync
    study = optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}"))

    def suspended(file: int) -> None:
        fsync(file)
        lock.unlink()

    monkeypatch.setattr(os, "fsync", suspended)
    study.set_user_attr("x", 1)
    assert study.user_attrs == {"x": 1}


def test_half_a_line_of_a_killed_process_is_cut_off(journal: Path) -> None:
    with journal.open("a") as file:
        file.write('{"op_code":2,"work')
    study = optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}"))
    study.set_user_attr("x", 1)
    assert optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}")).user_attrs == {"x": 1}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("garbage", "Expecting value: b'garbage\\n'"),
        ("[]", "no entry of a journal: b'[]\\n'"),
        ('{"a": 1}', "no entry of a journal: b'{\"a\": 1}\\n'"),
        ("\udcff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte: b'\\xff\\n'"),
    ],
)
def test_a_line_that_is_no_entry_is_named_before_a_search_and_during_one(
    line: str, problem: str, journal: Path
) -> None:
    study = optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}"))
    number = len(journal.read_bytes().splitlines()) + 1
    with journal.open("ab") as file:
        file.write(line.encode(errors="surrogateescape") + b"\n")
    cure = "delete the line if no search wrote it, or else restore a copy of the file"
    expected = f"{journal}, line {number}: {problem}; {cure}"
    with pytest.raises(StorageError) as during:
        study.set_user_attr("x", 1)
    with pytest.raises(StorageError) as before:
        open_storage(f"journal:{journal}")
    assert str(during.value) == expected
    assert str(before.value) == f"the storage journal:{journal} cannot be opened: {expected}"


def test_an_entry_without_its_values_is_a_damaged_storage(journal: Path) -> None:
    study = optuna.load_study(study_name="one", storage=open_storage(f"journal:{journal}"))
    with journal.open("a") as file:
        file.write('{"op_code":0,"worker_id":"x"}\n')
    with pytest.raises(StorageError, match=r"is damaged: 'study_name' \(KeyError\); restore a copy of it"):
        study.set_user_attr("x", 1)
