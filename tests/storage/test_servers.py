"""Databases on servers, shared by many workers: PostgreSQL and MariaDB, which these tests start, and Optuna's gRPC proxy."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import small
from tests.support.servers import PASSWORD, MariaDB, PostgreSQL, free_port, mariadb, postgresql
from tuner.__main__ import run
from tuner.base.errors import StorageError
from tuner.commands.worker import begun_study
from tuner.data.sources import Places
from tuner.search.lead import GOAL
from tuner.search.loop import Loop
from tuner.search.studies import delete_study
from tuner.storage import Patience, default_url, open_storage
from tuner.storage.leases import Leases
from tuner.storage.outages import StudyDeleted
from tuner.storage.proxy import proxy
from tuner.storage.trainings import trainings_of

EPOCHS = 2
LEASE = 10.0
"""Seconds: processes on a loaded machine may stand still for some."""

SETTINGS = ("search.sampler=random", f"training.epochs={EPOCHS}")


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgreSQL | MariaDB]:
    """A database server."""
    with request.param() as started:
        yield started


def searched(url: str, study: Path, places: Places, total: int, wait: Callable[[], object] = lambda: None) -> str:
    """Search with trainings that are invented, as one of several workers."""
    with opened(url) as storage:
        session = session_in(storage, small(study, *SETTINGS), places)
        session = replace(session, leases=Leases(session.study, LEASE))
        wait()
        return Loop(session, Invented(Clock())).run(total, 600.0)


@contextmanager
def opened(url: str) -> Iterator[BaseStorage]:
    """The storage, whose connections are closed at the end."""
    storage = open_storage(url, Patience())
    yield storage
    close(storage)


def close(storage: BaseStorage) -> None:
    """Close the connections of a storage."""
    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def delete(url: str, study: Path) -> None:
    """Delete the study of a test."""
    with opened(url) as storage:
        delete_study(storage, "small", study.parent)


def check_whole(url: str, total: int) -> None:
    """Exactly so many trainings have finished, each once and with all of its reports; nothing is open."""
    with opened(url) as storage:
        trials = optuna.load_study(study_name="small", storage=storage).get_trials(deepcopy=False)
    assert [each.number for each in trials] == list(range(len(trials)))
    assert {each.state for each in trials} <= {TrialState.COMPLETE, TrialState.FAIL}
    trainings = [each for each in trainings_of(trials) if each.state == "complete"]
    assert len(trainings) == len({each.attributes["key"] for each in trainings}) == total
    assert {tuple(sorted(each.last.intermediate_values)) for each in trainings} == {tuple(range(1, EPOCHS + 1))}


@pytest.mark.long
def test_three_workers_share_a_study_on_a_server_though_it_restarts(
    server: PostgreSQL | MariaDB, small_study: Path, places: Places
) -> None:
    began, total = threading.Barrier(4, timeout=60.0), 40
    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(searched, server.url, small_study, places, total, began.wait) for _ in range(3)]
        began.wait()
        time.sleep(0.5)
        server.stop()
        server.start()
        assert [each.result() for each in workers] == ["budget"] * 3
    check_whole(server.url, total)
    delete(server.url, small_study)


@pytest.mark.parametrize(
    ("count", "total", "behind_proxy"),
    [
        pytest.param(3, 60, False, marks=pytest.mark.slow),
        *(pytest.param(8, 1000, each, marks=pytest.mark.long) for each in (False, True)),
    ],
)
def test_workers_finish_exactly_the_total(
    count: int, total: int, behind_proxy: bool, server: PostgreSQL | MariaDB, small_study: Path, places: Places
) -> None:
    context = multiprocessing.get_context("spawn")
    with proxy(server.url, "127.0.0.1", 0, Patience()) as address:
        url = address if behind_proxy else server.url
        workers = [context.Process(target=searched, args=(url, small_study, places, total)) for _ in range(count)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        assert [each.exitcode for each in workers] == [0] * count
        check_whole(url, total)
    check_whole(server.url, total)
    delete(server.url, small_study)


def test_two_workers_share_a_study_behind_the_proxy(empty_runs: Path, small_study: Path, places: Places) -> None:
    """Of a file: what the workers see is the proxy's."""
    (small_study.parent / "tuner.db").write_bytes((empty_runs / "tuner.db").read_bytes())
    with proxy(default_url(small_study.parent), "127.0.0.1", 0, Patience()) as url, ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(searched, url, small_study, places, 6) for _ in range(2)]
        assert [each.result() for each in workers] == ["budget"] * 2
        check_whole(url, 6)
        study = optuna.load_study(study_name="small", storage=open_storage(url))
        delete(url, small_study)
        with pytest.raises(StudyDeleted, match="the study was deleted while this call worked on it"):
            study.set_user_attr("any", 1)
    with pytest.raises(StorageError, match=f"^the storage {url} cannot be opened: GRPC connection timeout$"):
        open_storage(url)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--storage", "journal:x.log"], "the proxy needs a database: PostgreSQL, MySQL or SQLite; add --storage URL"),
        (["--host", "192.0.2.1"], "192.0.2.1:13000 cannot be used: it is taken or not this machine's; choose another"),
        (["--port", "taken"], "cannot be used: it is taken or not this machine's; choose another --port"),
        (["--runs", "nowhere"], "there is no storage in nowhere yet: run `tuner optimize` first, or add --runs"),
    ],
)
def test_a_proxy_that_cannot_start_is_one_message(
    options: list[str], problem: str, empty_runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with proxy(default_url(empty_runs), "127.0.0.1", 0, Patience()) as address:
        taken = address.rpartition(":")[2]
        status = run(
            ["storage", "serve", "--runs", str(empty_runs), *(taken if each == "taken" else each for each in options)]
        )
    assert status == 2
    (line,) = (each for each in capfd.readouterr().err.splitlines() if each.startswith("error: "))
    assert problem in line


@pytest.mark.slow
def test_the_proxy_serves_until_it_is_interrupted_and_shows_no_password(
    server: PostgreSQL | MariaDB, tmp_path: Path
) -> None:
    """The password is in the environment: a process title shows the command line."""
    command = [sys.executable, "-m", "tuner", "storage", "serve", "--port", str(free_port())]
    own = {**os.environ, "TUNER_STORAGE": server.url}
    process = subprocess.Popen(command, cwd=tmp_path, env=own, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    url = line.split("--storage ")[1].split()[0]
    assert line.startswith(f"{server.url.partition(':')[0]}://tuner:***@127.0.0.1:")
    assert optuna.get_all_study_names(open_storage(url)) == []
    title = Path(f"/proc/{process.pid}/cmdline")
    assert not title.exists() or PASSWORD not in title.read_text()
    process.send_signal(2)
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""


def test_no_message_about_a_database_that_refuses_shows_its_password(server: PostgreSQL | MariaDB) -> None:
    """Nor is any waited for."""
    lines: list[str] = []
    for wrong in (server.url.replace("tuner:", "nobody:"), f"{server.url.rpartition('/')[0]}/missing"):
        with pytest.raises(StorageError, match=r"^the storage \w+\+\w+://\w+:\*\*\*@") as error:
            open_storage(wrong, Patience(lines.append))
        assert PASSWORD not in str(error.value)
    assert lines == []


@pytest.mark.slow
def test_a_server_that_restarts_while_its_storage_is_opened_is_waited_for(server: PostgreSQL | MariaDB) -> None:
    lines: list[str] = []
    server.stop()
    starting = threading.Timer(1.5, server.start)
    starting.start()
    storage = open_storage(server.url, Patience(lines.append))
    assert isinstance(storage, RDBStorage)
    assert optuna.get_all_study_names(storage) == []
    starting.join()
    close(storage)
    first, last = lines
    assert "the storage does not answer (" in first
    assert "refused" in first
    assert PASSWORD not in first
    assert first.endswith("; trying again for 2 min 0 s")
    assert last.startswith("the storage answers again, after ")


@pytest.mark.slow
def test_a_worker_that_begins_waits_for_a_server_that_restarts(
    server: PostgreSQL | MariaDB, small_study: Path, places: Places
) -> None:
    with opened(server.url) as storage:
        session_in(storage, small(small_study, *SETTINGS), places).study.set_user_attr(GOAL, {"trials": 3})
    known = begun_study("small", small_study.parent, server.url, 0.0)
    server.stop()
    starting = threading.Timer(1.5, server.start)
    starting.start()
    assert known.user_attrs[GOAL] == {"trials": 3}
    starting.join()
    close(known._storage)
    delete(server.url, small_study)


def test_records_of_a_megabyte_are_stored(server: PostgreSQL | MariaDB) -> None:
    """Optuna's columns hold 64 KiB in MariaDB. Its other name is the same server."""
    long = "é" * 500_000
    for number, url in enumerate((server.url, server.url.replace("mysql+", "mariadb+"))):
        with opened(url) as storage:
            study = optuna.create_study(study_name=f"long {number}", storage=storage)
            study.set_user_attr("record", long)
            trial = study.ask()
            trial.set_user_attr("record", long)
            read = optuna.load_study(study_name=f"long {number}", storage=storage)
            assert read.user_attrs["record"] == read.trials[0].user_attrs["record"] == long
            optuna.delete_study(study_name=f"long {number}", storage=storage)
