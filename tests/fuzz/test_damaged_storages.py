"""Storages and exported studies that are damaged, at chance: each command reads them or refuses them in one line, and changes nothing.

20 examples in `make test`, 500 in `make test-long`.
"""

import io
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import optuna
import pytest
from hypothesis import example, given, settings
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.trial import FrozenTrial

from tests.support.damage import EDITS, Edit, edited
from tests.support.fakes import Clock, Invented
from tests.support.searches import context_of, small
from tuner.__main__ import run
from tuner.base.errors import TunerError
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.refit.refit import refit_best
from tuner.search.loop import Loop
from tuner.storage import default_url, open_storage
from tuner.storage.artifacts import ArtifactFolder
from tuner.storage.transfer import store_studies, study_records
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess

pytestmark = pytest.mark.filterwarnings("ignore")

COMMANDS = (
    *(("studies",), ("trials", "small"), ("trials", "small", "--trial", "best"), ("report", "small", "--out", "page")),
    *(("storage", "check"), ("storage", "export", "--force", "--out", "exported.jsonl")),
)
"""What reads a storage."""

FILES = {"sqlite": "tuner.db", "journal": "journal.log"}


@pytest.fixture(scope="module")
def folder(
    empty_runs: Path, shared_small_study: Path, places: Places, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A study of invented trials whose winner is refitted and tested, as `tuner.db`, `journal.log` and `study.jsonl`."""
    folder = tmp_path_factory.mktemp("storages")
    shutil.copytree(empty_runs, folder, dirs_exist_ok=True)
    storage, file, models = open_storage(default_url(folder)), small(shared_small_study), Folder(folder / "small")
    models.prepare()
    session = context_of(storage, file, places, folder=models)
    Loop(session, Invented(Clock())).run(6, 600)
    refit_best(session, InProcess(Setup(places, folder=models)))
    assert read_outcome(session.study).confirmed
    (folder / "chart.svg").write_text("<svg/>")
    store = FileSystemArtifactStore(folder / "artifacts")
    upload_artifact(artifact_store=store, file_path=str(folder / "chart.svg"), study_or_trial=session.study)
    storage.engine.dispose()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(folder / "tuner.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert answer("storage", "export", "--out", str(folder / "study.jsonl"), "--runs", str(folder))[0] == 0
    artifacts = ArtifactFolder(folder / "artifacts")
    records = study_records(session.study, artifacts)
    [*store_studies(records, open_storage(f"journal:{folder / 'journal.log'}"), artifacts)]
    return folder


def answer(*command: str) -> tuple[int, str]:
    """The exit status of a command, and what it says on standard error."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        status = run([*command])
    return status, errors.getvalue()


def require_answer(*command: str) -> int:
    """Fail unless the command does its work, or says in one line why it cannot; its exit status."""
    status, said = answer(*command)
    assert status in (0, 1, 2)
    if status == 2:
        (line,) = said.splitlines()
        assert line.startswith("error: ")
    return status


def finished(url: str) -> list[FrozenTrial] | None:
    """The finished trials of the study; None where they cannot be read."""
    try:
        trials = optuna.load_study(study_name="small", storage=open_storage(url)).trials
    except (TunerError, KeyError):
        return None
    return [each for each in trials if each.state.is_finished()]


def check_reading(kind: str, folder: Path, runs: Path, count: int) -> None:
    """Read so many damaged storages of a kind with each command."""
    good, path = (folder / FILES[kind]).read_bytes(), runs / FILES[kind]
    url = default_url(runs) if kind == "sqlite" else f"journal:{path}"
    where = ("--runs", str(runs), "--storage", url)

    shutil.copytree(folder / "artifacts", runs / "artifacts")

    def read(content: bytes) -> list[int]:
        for each in runs.glob(f"{path.name}*"):
            each.unlink(missing_ok=True)  # a connection that is closed removes its own
        path.write_bytes(content)
        before = finished(url)
        answers = [require_answer(*command, *where) for command in COMMANDS]
        assert repr(finished(url)) == repr(before)
        return answers

    assert read(good) == [0] * len(COMMANDS)

    @settings(max_examples=count)
    @given(EDITS)
    @example([Edit("cut", 0.875, 0.0, 0)])  # a journal with a final model and without objectives
    @example([Edit("delete", 0.875, 0.9921875, 0)])  # one whose last line is no entry
    @example([Edit("zero", 0.03125, 0.5, 0)])  # a database that lists a study and does not find it
    @example([Edit("flip", 0.9911645378214545, 0.0, 0)])  # one with an artifact without a name
    def damaged(edits: Sequence[Edit]) -> None:
        read(edited(good, edits))

    damaged()


def check_importing(folder: Path, runs: Path, empty_runs: Path, count: int) -> None:
    """Import so many damaged files: each study is stored whole, or nothing of it."""
    good, path = (folder / "study.jsonl").read_bytes(), runs / "damaged.jsonl"

    def imported(content: bytes) -> int:
        shutil.rmtree(runs / "artifacts", ignore_errors=True)
        for each in runs.glob("tuner.db*"):
            each.unlink(missing_ok=True)  # a connection that is closed removes its own
        shutil.copy(empty_runs / "tuner.db", runs)
        path.write_bytes(content)
        status = require_answer("storage", "import", str(path), "--runs", str(runs))
        storage = open_storage(default_url(runs))
        whole = [
            len(optuna.load_study(study_name=each, storage=storage).trials)
            for each in optuna.get_all_study_names(storage)
        ]
        storage.engine.dispose()  # type: ignore[attr-defined]
        assert status != 0 or 0 not in whole
        assert len([*(runs / "artifacts").iterdir()]) == len(whole)
        return status

    assert imported(good) == 0

    @settings(max_examples=count)
    @given(EDITS)
    def damaged(edits: Sequence[Edit]) -> None:
        imported(edited(good, edits))

    damaged()


@pytest.mark.parametrize("count", [7, pytest.param(170, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_storage_is_read_or_refused_in_one_line(
    kind: str, count: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_reading(kind, folder, tmp_path, count)


@pytest.mark.parametrize("count", [6, pytest.param(160, marks=pytest.mark.long)])
def test_a_damaged_exported_study_is_stored_whole_or_not_at_all(
    count: int, folder: Path, tmp_path: Path, empty_runs: Path
) -> None:
    check_importing(folder, tmp_path, empty_runs, count)
