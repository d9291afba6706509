"""The storage: first creation by many at once, records, refusals."""

import multiprocessing
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import small
from tuner.__main__ import run
from tuner.base.errors import StorageError, StudyError
from tuner.commands.arguments import command_line
from tuner.data.sources import Places
from tuner.search.loop import Loop
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


def test_a_study_that_was_never_there_is_optunas_own_error(empty_runs: Path) -> None:
    with pytest.raises(KeyError, match="Record does not exist"):
        optuna.load_study(study_name="none", storage=open_storage(default_url(empty_runs)))


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


URLS = {
    "postgresql://me:S3CRET@h/db": "postgresql://me:***@h/db",
    "postgresql+psycopg://me:S3CRET@h:5432/db": "postgresql+psycopg://me:***@h:5432/db",
    "postgresql://h/db?user=me&password=S3CRET": "postgresql://h/db?user=me&password=***",
    "postgresql://me@h/db?sslpassword=S3CRET&x=1": "postgresql://me@h/db?sslpassword=***&x=1",
    "redis://:S3CRET@h:6379/0": "redis://:***@h:6379/0",
    "mysql://:S3CRET@h/db": "mysql://:***@h/db",
    "mysql+pymysql://me:S3CRET@[::1]:3306/db": "mysql+pymysql://me:***@[::1]:3306/db",
    "mysql://h/db?PASSWD=S3CRET": "mysql://h/db?PASSWD=***",
    "postgresql://me@corp:S3CRET@h/db": "postgresql://me@corp:***@h/db",
    "postgresql://me:S3@CRET@h/db": "postgresql://me:***@h/db",
    "postgresql://me:S3/CR:ET?x@h/db": "postgresql://me:***@h/db",
    "postgresql://me:S3%40CRET@h/db?options=a": "postgresql://me:***@h/db?options=a",
    "me:S3CRET@h/db": "me:***@h/db",
    "grpc://me:S3CRET@h:13000": "grpc://me:***@h:13000",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3DS3CRET": "mssql+pyodbc:///?odbc_connect=***",
}


@pytest.mark.parametrize("url", URLS)
def test_no_form_of_a_url_shows_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.storage.opening.PROXY_SECONDS", 1)
    assert hide_password(url) == URLS[url]
    assert command_line("optimize", storage=url) == 'python -m tuner optimize --storage "$TUNER_STORAGE"'
    with pytest.raises(StorageError) as error:
        open_storage(url)
    assert "S3" not in str(error.value)
    assert "CRET" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite:///x.db", "sqlite:////a@b/c:d@e.db", "journal:/a/b:c@d.log", "grpc://h:13000", "postgresql://me@h/db"],
)
def test_a_url_without_a_password_is_printed_as_it_is(url: str) -> None:
    assert hide_password(url) == url
    assert "TUNER_STORAGE" not in command_line("optimize", storage=url)


@pytest.mark.parametrize("url", ["sqlite:///file:x.db?uri=true", "sqlite+pysqlite:///x.db"])
def test_every_form_of_sqlites_url_is_one_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    optuna.create_study(storage=open_storage(url), study_name="one")
    assert run(["storage", "check", "--storage", url]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert {each.name.split("-")[0] for each in tmp_path.iterdir()} == {"x.db"}


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("command", ["trials", "leaderboard", "studies"])
def test_a_database_that_was_cut_is_one_message_or_is_read(
    command: str, share: float, cut_from: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuner.db").write_bytes(cut_from[: int(share * len(cut_from))])
    status = run([command, *(["small"] if command != "studies" else []), "--runs", str(tmp_path)])
    output = capsys.readouterr()
    assert status in (0, 1, 2)
    if status == 2:
        (line,) = output.err.splitlines()
        assert line.startswith("error: the storage")


@pytest.fixture(scope="module")
def cut_from(
    empty_runs: Path, shared_small_study: Path, places: Places, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """A database with a study of invented trials, as one file."""
    runs = tmp_path_factory.mktemp("cut") / "runs"
    shutil.copytree(empty_runs, runs)
    storage = open_storage(default_url(runs))
    Loop(session_in(storage, small(shared_small_study), places), Invented(Clock())).run(6, 600)
    storage.engine.dispose()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(runs / "tuner.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (runs / "tuner.db").read_bytes()


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
