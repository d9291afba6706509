"""The storage: first creation by many at once, records, refusals."""

import multiprocessing
import shutil
from pathlib import Path

import optuna
import pytest

from tuner.base.errors import StorageError, StudyError
from tuner.storage import default_url, hide_password, load_study, open_storage


def _open(folder: Path) -> None:
    storage = open_storage(default_url(folder))
    optuna.create_study(storage=storage, study_name="one", load_if_exists=True)


@pytest.mark.slow
def test_several_processes_may_open_a_new_storage_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert not list(tmp_path.glob(".*"))


def test_sqlite_runs_in_wal_mode(tmp_path: Path) -> None:
    from sqlalchemy import text

    storage = open_storage(default_url(tmp_path))
    with storage.engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_a_journal_file_is_a_storage_too(tmp_path: Path) -> None:
    storage = open_storage(f"journal:{tmp_path / 'tuner.journal'}")
    optuna.create_study(storage=storage, study_name="one")
    with pytest.raises(StudyError, match=r"^the storage has no study 'two'; allowed: one$"):
        load_study(storage, "two")


def test_a_storage_that_cannot_be_opened_is_one_message_without_the_password() -> None:
    with pytest.raises(StorageError) as error:
        open_storage("postgresql://me:secret@127.0.0.1:9/x")
    assert "secret" not in str(error.value)
    assert "postgresql://me:***@127.0.0.1:9/x cannot be opened" in str(error.value)
    assert hide_password("sqlite:///x.db") == "sqlite:///x.db"


@pytest.mark.parametrize("name", ["r a%20b", "100%", "what?", "a#b", "ä+&=;@:"])
def test_a_folder_of_runs_may_have_any_name(empty_runs: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(empty_runs, tmp_path / name)
    storage = open_storage(default_url(tmp_path / name))
    optuna.create_study(storage=storage, study_name="small")
    assert optuna.get_all_study_names(default_url(tmp_path / name)) == ["small"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_new_storage_stays_in_its_folder(tmp_path: Path) -> None:
    open_storage(default_url(tmp_path / "r a%20b"))
    assert [path.name for path in tmp_path.iterdir()] == ["r a%20b"]
