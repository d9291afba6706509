"""What a search does while its storage does not answer, and what it says if that lasts."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError, PendingRollbackError

from tests.support.fakes import Clock, Invented, session_in
from tests.support.outages import DAMAGED, OUTAGES, of_sqlite, raised, steadied, unsteady
from tests.support.searches import Notes, small
from tuner.base.errors import StorageError
from tuner.data.sources import Places
from tuner.search.loop import Loop
from tuner.search.studies import delete_study, open_study
from tuner.storage import Patience, default_url, open_storage
from tuner.storage.outages import StudyDeleted, is_away
from tuner.storage.trainings import trainings_of


@pytest.mark.parametrize("seconds", [1.0, 5.0, 20.0, 40.0, 60.0])
@pytest.mark.parametrize("kind", OUTAGES)
def test_a_search_goes_on_after_an_outage(
    kind: str, seconds: float, clock: Clock, small_study: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, file = Notes(), small(small_study)
    storage = unsteady(clock, OUTAGES[kind], clock.now + 2.0, clock.now + 2.0 + seconds)
    patience = Patience(notes.log)
    session = session_in(steadied(storage, patience, clock, monkeypatch), file, places, listener=notes)
    assert Loop(session, Invented(clock, seconds=0.5)).run(4, 600.0) == "budget"
    first, last = notes.messages
    assert first.startswith("the storage does not answer (")
    assert first.endswith("); trying again for 2 min 0 s")
    assert last.startswith("the storage answers again, after ")
    assert [each.state for each in trainings_of(session.study.trials)] == ["complete"] * 4


@pytest.mark.parametrize("moment", range(12))
def test_what_was_written_though_the_answer_was_lost_counts_once(
    moment: int, clock: Clock, small_study: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, file = Notes(), small(small_study)
    begin = clock.now + 0.25 * moment
    storage = unsteady(clock, OUTAGES["a cut connection"], begin, begin + 100.0, late=True)
    session = session_in(steadied(storage, Patience(), clock, monkeypatch), file, places, listener=notes)
    assert Loop(session, Invented(clock, seconds=0.5)).run(4, 6000.0) == "budget"
    assert sum(each.counts for each in trainings_of(session.study.trials)) == 4
    assert not [each for each in session.study.trials if not each.state.is_finished()]


def test_an_outage_of_more_than_two_minutes_is_one_message_with_its_cause(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    storage = unsteady(clock, OUTAGES["no server"], 0.0, 1e9)
    began, storage = clock.now, steadied(storage, Patience(lines.append), clock, monkeypatch)
    with pytest.raises(StorageError) as error:
        storage.get_all_studies()
    assert 120.0 <= clock.now - began < 123.0
    assert lines == ["the storage does not answer (connection refused); trying again for 2 min 0 s"]
    assert str(error.value) == (
        "the storage postgresql://me:***@host/db or the folder of runs cannot be used any more: connection refused; "
        "correct that and run the same command again: it continues"
    )
    assert str(error.value.__cause__).startswith("(builtins.Exception) connection refused")


def test_an_outage_that_ends_a_search_is_waited_for_once(
    clock: Clock, small_study: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the search still had to store then waits no longer: on a full disk that took another two minutes for each call."""
    notes, file = Notes(), small(small_study)
    storage = unsteady(clock, OUTAGES["a lock"], clock.now + 2.0, 1e9)
    patience = Patience(notes.log)
    session = replace(
        session_in(steadied(storage, patience, clock, monkeypatch), file, places, listener=notes), patience=patience
    )
    began = clock.now
    with pytest.raises(StorageError):
        Loop(session, Invented(clock, seconds=0.5)).run(4, 600.0)
    assert clock.now - began < 130.0
    assert sum("trying again for 2 min" in each for each in notes.messages) == 1


@pytest.mark.parametrize(
    ("text", "is_passing"),
    [
        ('connection to server at "127.0.0.1", port 5432 failed: Connection refused', True),
        ("terminating connection due to administrator command\nSSL connection has been closed unexpectedly", True),
        ("consuming input failed: server closed the connection unexpectedly", True),
        ("FATAL:  the database system is starting up", True),
        ("(2013, 'Lost connection to MySQL server during query')", True),
        ("the connection is lost", True),
        ('FATAL:  password authentication failed for user "nobody"', False),
        ('FATAL:  database "missing" does not exist', False),
        ("(1045, \"Access denied for user 'nobody'@'localhost' (using password: YES)\")", False),
    ],
)
def test_opening_waits_for_a_server_that_is_down_and_for_no_refusal(text: str, is_passing: bool) -> None:
    error = OperationalError("", None, Exception(text))
    assert is_away(error) is is_passing
    lost = PendingRollbackError("Can't reconnect until invalid transaction is rolled back.")
    lost.__context__ = error
    assert is_away(lost) is is_passing


def test_the_pauses_between_tries_grow(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[float] = []

    def locked() -> Exception:
        moments.append(clock.now)
        return OUTAGES["a lock"]()

    storage = steadied(unsteady(clock, locked, 0.0, clock.now + 8.0), Patience(), clock, monkeypatch)
    assert storage.get_all_studies() == []
    assert [b - a for a, b in pairwise(moments)] == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("hurry", ["signal", "command"])
def test_a_search_that_is_to_end_waits_no_longer(hurry: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    patience, began = Patience(), clock.now
    sleep = clock.sleep

    def interrupted(seconds: float) -> None:
        sleep(seconds)
        if clock.now > began + 3.0 and hurry == "signal":
            raise KeyboardInterrupt
        if clock.now > began + 3.0:
            patience.hurry()

    monkeypatch.setattr(clock, "sleep", interrupted)
    storage = steadied(unsteady(clock, OUTAGES["a lock"], 0.0, 1e9), patience, clock, monkeypatch)
    with pytest.raises(KeyboardInterrupt if hurry == "signal" else StorageError):
        storage.get_all_studies()
    after = clock.now
    with pytest.raises(StorageError, match="database is locked"):
        storage.get_all_studies()
    assert clock.now - after < 2.0
    assert clock.now - began < 8.0


def no_table() -> Exception:
    """What SQLite raises where its file was replaced."""
    raised(type(DAMAGED)("SELECT", None, of_sqlite("SQLITE_ERROR", "no such table: studies")))
    raise AssertionError


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (lambda: raised(DAMAGED), "cannot be used any more: database disk image is malformed; correct"),
        (no_table, "cannot be used any more: no such table: studies; correct"),
        (lambda: "x" + 1, 'is damaged: can only concatenate str (not "int") to str (TypeError); restore a copy'),  # type: ignore[operator]
        (lambda: dict[str, str]()["study_name"], "is damaged: 'study_name' (KeyError); restore a copy"),
    ],
)
def test_what_cannot_pass_is_said_at_once(
    failure: Callable[[], object], message: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, began = InMemoryStorage(), clock.now
    monkeypatch.setattr(storage, "get_all_studies", failure)
    with pytest.raises(StorageError) as error:
        steadied(storage, Patience(), clock, monkeypatch).get_all_studies()
    assert message in str(error.value)
    assert clock.now == began


def test_a_locked_file_is_waited_for(tmp_path: Path, empty_runs: Path) -> None:
    """SQLite itself: what its driver raises is what the rules are about."""
    shutil.copytree(empty_runs, tmp_path, dirs_exist_ok=True)
    lines: list[str] = []
    study = optuna.create_study(storage=open_storage(default_url(tmp_path), Patience(lines.append, 0.0)))
    other = sqlite3.connect(tmp_path / "tuner.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="any more: database is locked; correct that and run the same command again"):
        study.set_user_attr("x", 1)
    other.execute("ROLLBACK")
    study.set_user_attr("x", 1)
    other.close()


def test_a_search_whose_study_is_deleted_ends_with_one_message(
    tmp_path: Path, empty_runs: Path, small_study: Path, places: Places, clock: Clock
) -> None:
    shutil.copytree(empty_runs, tmp_path, dirs_exist_ok=True)
    file, url = small(small_study), default_url(tmp_path)

    class Reset(Notes):
        def began(self, number: int, recipe: object, continues: int | None) -> None:
            if number == 1:
                delete_study(open_storage(url), "small", tmp_path)
                open_study(open_storage(url), file)

    session = session_in(open_storage(url), file, places, listener=Reset())
    with pytest.raises(StudyDeleted, match=r"^the study was deleted while this call worked on it"):
        Loop(session, Invented(clock)).run(4, 60.0)
    again = optuna.load_study(study_name="small", storage=open_storage(url))
    assert again.trials == [], "nothing of the old study enters the new one"
    trial = again.ask()
    assert trial._trial_id > 2, "numbers are not used again"
    assert again.trials[0].state == TrialState.RUNNING
