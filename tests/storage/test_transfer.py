"""Studies moved to other storages and into files, whole or not at all; what a storage has; its backup."""

import json
import math
import sqlite3
import threading
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

from tuner.__main__ import run
from tuner.base.errors import StorageError
from tuner.storage import default_url, load_study, open_storage
from tuner.storage.artifacts import ArtifactFolder
from tuner.storage.contents import back_up, problems
from tuner.storage.private import artifacts, store_mark, store_system_attribute, system_attributes, trial_id
from tuner.storage.records import VERSION
from tuner.storage.transfer import Record, lines_in, store_studies, study_records

PLACES = {
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "kind": CategoricalDistribution(["adam", "sgd", None]),
    "depth": IntDistribution(1, 4),
}


@pytest.fixture
def study(storage: BaseStorage, tmp_path: Path) -> optuna.Study:
    """A study with a trial in each state, artifacts, notes and attributes, after another one that shifts its identifiers."""
    optuna.create_study(storage=storage, study_name="before").add_trial(optuna.create_trial(value=0.0))
    study = optuna.create_study(storage=storage, study_name="small", direction="maximize")
    study.set_user_attr("version", VERSION)
    study.set_user_attr("file", {"budget": {"trials": 4}, "lists": [[1, 2.5], None, True]})
    (folder := tmp_path / "artifacts").mkdir()
    store = FileSystemArtifactStore(folder)
    (file := tmp_path / "chart.svg").write_text("<svg/>")
    for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING):
        trial = study.ask(PLACES)
        trial.set_user_attr("network", "8 relu")
        store_mark(trial, "recipe", {"deep": {"er": [1, "ä"]}})
        trial.report(0.5, 1)
        trial.report(math.nan, 2)
        upload_artifact(artifact_store=store, file_path=str(file), study_or_trial=trial)
        if state.is_finished():
            study.tell(trial, 0.75 if state is TrialState.COMPLETE else None, state)
    study.enqueue_trial({"depth": 3})
    whole = upload_artifact(artifact_store=store, file_path=str(file), study_or_trial=study)
    note = "x" * 2030 + f"![chart](/artifacts/{study._study_id}/{whole})"
    for part, start in enumerate(range(0, len(note), 2045)):
        store_system_attribute(study, f"dashboard:note_str:{part}", note[start : start + 2045])
    store_system_attribute(study, "dashboard:note_ver", 1)
    store_system_attribute(study, f"dashboard:{trial_id(study.trials[1])}:note_str:0", "Pruned.")
    return study


def compared(study: optuna.Study, folder: Path) -> Any:
    """All that is the same in two copies of a study: identifiers are replaced by what they stand for."""
    attributes = system_attributes(study)
    attached = [attributes, *(each.system_attrs for each in study.trials)]
    names = {id_: f"artifact {name}" for each in attached for id_, name in artifacts(each).items()}
    names |= {f"dashboard:{trial_id(each)}:": f"dashboard:trial {each.number}:" for each in study.trials}
    note = "".join(value for key, value in attributes.items() if key.startswith("dashboard:note_str:"))
    others = {key: value for key, value in attributes.items() if not key.startswith("dashboard:note_str:")}
    head, *trials = [each for each in study_records(study, stored(folder)) if each["kind"] in ("study", "trial")]
    plain = [{**head, "id": 0, "system_attrs": {**others, "note": note}}, *({**each, "id": 0} for each in trials)]
    text = json.dumps(plain, sort_keys=True).replace(f"/artifacts/{study._study_id}/", "/artifacts/ID/")
    for identifier, name in names.items():
        text = text.replace(identifier, name)
    return json.loads(text.replace("NaN", '"NaN"'))


def stored(folder: Path) -> ArtifactFolder:
    """The store of artifacts in a folder, which is made."""
    folder.mkdir(exist_ok=True)
    return ArtifactFolder(folder)


def contents_of(folder: Path) -> list[bytes]:
    """The contents of a folder's files."""
    return sorted(path.read_bytes() for path in folder.iterdir())


def test_a_study_is_the_same_in_another_storage(study: optuna.Study, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    first = open_storage(f"journal:{tmp_path / 'tuner.journal'}")
    assert list(store_studies(study_records(study, stored(folder)), first, stored(tmp_path / "first"))) == ["small"]
    there = load_study(first, "small")
    second = InMemoryStorage()
    optuna.create_study(storage=second)
    records = study_records(there, stored(tmp_path / "first"))
    list(store_studies(records, second, stored(tmp_path / "second"), name="again"))
    back = load_study(second, "again")
    wanted = compared(study, folder)
    assert compared(there, tmp_path / "first") == wanted
    assert compared(back, tmp_path / "second") == [{**wanted[0], "name": "again"}, *wanted[1:]]
    assert [each.state.name for each in back.trials] == ["COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"]
    assert contents_of(tmp_path / "second") == contents_of(folder) == [b"<svg/>"] * 5
    assert {each.name for each in (tmp_path / "first").iterdir()}.isdisjoint(each.name for each in folder.iterdir())


def test_the_commands_move_a_study_through_a_file(
    study: optuna.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out, other = str(tmp_path), tmp_path / "small.jsonl", tmp_path / "other"
    assert run(["storage", "export", "--study", "small", "--out", str(out), "--runs", runs]) == 0
    assert run(["storage", "import", str(out), "--runs", str(other)]) == 0
    assert run(["storage", "copy", runs, str(other), "--study", "small", "--name", "twin"]) == 0
    url = default_url(other)
    assert capsys.readouterr().out.splitlines() == [str(out), f"small: stored in {url}", f"twin: stored in {url}"]
    moved = load_study(open_storage(url), "small")
    assert compared(moved, other / "artifacts") == compared(study, tmp_path / "artifacts")
    assert run(["storage", "check", "--runs", str(other)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{url}: RDBStorage, tables of version v3.2.0.a, 2 studies"
    assert lines[1].split() == ["study", "records", "complete", "pruned", "fail", "running", "waiting"]
    assert lines[2].split() == ["small", "2", "1", "1", "1", "1", "1"]
    sign = "1 running trials without a sign of life for ten minutes: the next `optimize` continues them"
    assert lines[-2:] == [f"small: {sign}", f"twin: {sign}"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["copy", "{}", "{}/x", "--name", "y"], "--name y: is for one study; add --study NAME"),
        (["copy", "{}/none", "{}/x"], "there is no storage {}/none/tuner.db"),
        (["check", "--storage", "sqlite:///{}/none.db"], "there is no storage {}/none.db"),
        (["check", "--storage", "sqlite+pysqlite:///{}/none.db"], "there is no storage {}/none.db"),
        (["check", "--storage", "journal:{}/none.log"], "there is no storage {}/none.log"),
        (
            ["check", "--storage", "sqlite:x"],
            "the storage sqlite:x cannot be opened: Could not parse SQLAlchemy URL from given URL string",
        ),
        (["copy", "{}", "{}", "--study", "smal"], "the storage has no study 'smal'; did you mean small?"),
        (["copy", "{}", "{}"], "the storage has a study 'before' already; choose another name with --name"),
        (["import", "{}/none.jsonl"], "{}/none.jsonl: there is no such file"),
        (["export", "--out", "{}"], "--out {}: exists already; add --force to overwrite it"),
        (["export", "--study", "x", "--out", "{}/x"], "the storage has no study 'x'; allowed: before, small"),
        (
            ["backup", "--storage", "grpc://localhost:1", "--out", "{}/x"],
            "only a storage in a file is backed up here: use the server's own program, or `storage export`",
        ),
    ],
)
def test_what_cannot_be_moved_is_one_message(
    arguments: list[str], message: str, study: optuna.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {each for each in tmp_path.iterdir() if each.suffix not in (".db-wal", ".db-shm")}
    command = [each.replace("{}", str(tmp_path)) for each in arguments]
    runs = [] if arguments[0] == "copy" else ["--runs", str(tmp_path)]
    assert run(["storage", *command, *runs]) == 2
    assert capsys.readouterr().err.replace("\n", " ").strip() == f"error: {message}".replace("{}", str(tmp_path))
    assert {each for each in tmp_path.iterdir() if each.suffix not in (".db-wal", ".db-shm")} == before


def changed(record: Record, **others: Any) -> Mapping[str, Any]:
    """The record with other values."""
    return {**record, **others}


@pytest.mark.parametrize(
    ("place", "others", "message"),
    [
        (0, {"format": 2}, "the records do not begin with a study, or another version of tuner wrote them"),
        (0, {"directions": ["up"]}, "the records of the study 'small' are damaged: "),
        (0, {"user_attrs": 7}, "the records of the study 'small' are damaged: "),
        (
            0,
            {"trials": 6},
            "the records of the study 'small' are damaged: 5 trials in order instead of 6",
        ),
        (
            0,
            {"artifacts": 6},
            "the records of the study 'small' are damaged: 5 artifacts instead of 6",
        ),
        (
            2,
            {"number": 0},
            "the records of the study 'small' are damaged: 5 trials in order instead of 5",
        ),
        (2, {"state": "lost"}, "the records of the study 'small' are damaged: 'LOST'"),
        (2, {"params": {}}, "the records of the study 'small' are damaged: Inconsistent parameters"),
        (1, {"started": "noon"}, "the records of the study 'small' are damaged: Invalid isoformat string: 'noon'"),
        (6, {"id": "../../x"}, "the records of the study 'small' are damaged: '../../x'"),
        (6, {"content": "!"}, "the records of the study 'small' are damaged: "),
    ],
)
def test_nothing_of_a_damaged_study_is_stored(
    place: int, others: dict[str, Any], message: str, study: optuna.Study, tmp_path: Path
) -> None:
    records, target = list(study_records(study, stored(tmp_path / "artifacts"))), InMemoryStorage()
    records[place] = changed(records[place], **others)
    with pytest.raises(StorageError) as error:
        list(store_studies(iter(records), target, stored(tmp_path / "moved")))
    assert str(error.value).startswith(message)
    assert not target.get_all_studies()
    assert not list((tmp_path / "moved").iterdir())


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"kind": "x"}', b"\xff", b"[" * 100_000])
def test_a_line_that_is_no_record_is_named(line: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "x.jsonl").write_bytes(b'{"kind": "end"}\n' + line + b"\n")
    with pytest.raises(StorageError) as error:
        list(lines_in(path))
    assert str(error.value) == f"{path} line 2: is no record that `tuner storage export` wrote"


def test_a_file_that_was_cut_is_refused(study: optuna.Study, tmp_path: Path) -> None:
    records = list(study_records(study, stored(tmp_path / "artifacts")))
    for length in range(1, len(records) - 1):
        with pytest.raises(StorageError, match="are damaged"):
            list(store_studies(iter(records[:length]), target := InMemoryStorage(), stored(tmp_path / "moved")))
        assert not target.get_all_studies()


def test_what_is_wrong_with_a_study_is_named(study: optuna.Study, storage: BaseStorage, tmp_path: Path) -> None:
    ids = {path.name for path in (tmp_path / "artifacts").iterdir()}
    assert not list(problems(load_study(storage, "before"), ids))
    sign = "1 running trials without a sign of life for ten minutes: the next `optimize` continues them"
    assert list(problems(study, ids)) == [sign], "it has no lease at all"
    ids.pop()
    study.set_user_attr("version", VERSION + 1)
    assert list(problems(study, ids)) == [
        f"has records of version {VERSION + 1}, and this program reads {VERSION}: install a later one",
        sign,
        "1 artifacts are not in the folder of runs, nor where --artifacts says: the dashboard cannot show them",
    ]


def test_a_backup_has_one_moment_of_a_storage_in_use(storage: BaseStorage, tmp_path: Path) -> None:
    study, ended = optuna.create_study(storage=storage, study_name="small"), threading.Event()

    def search() -> None:
        while not ended.is_set():
            study.tell(study.ask(PLACES), 1.0)

    searching = threading.Thread(target=search)
    searching.start()
    counts = []
    for number in range(3):
        (folder := tmp_path / f"copy{number}").mkdir()
        back_up(default_url(tmp_path), folder / "tuner.db")
        assert [each.name for each in folder.iterdir()] == ["tuner.db"]
        trials = load_study(open_storage(default_url(folder)), "small").trials
        assert [each.number for each in trials] == [*range(len(trials))]
        counts.append(len(trials))
    ended.set()
    searching.join()
    assert counts == sorted(counts)
    assert counts[-1] <= len(study.trials)


def test_a_backup_of_a_journal_ends_with_a_whole_line(tmp_path: Path) -> None:
    url, out = f"journal:{tmp_path / 'a.log'}", tmp_path / "b.log"
    optuna.create_study(storage=open_storage(url), study_name="small")
    whole = (tmp_path / "a.log").read_bytes()
    (tmp_path / "a.log").write_bytes(whole + b'{"op_code": 4')
    back_up(url, out)
    assert out.read_bytes() == whole


def test_a_damaged_storage_has_no_backup(storage: BaseStorage, tmp_path: Path) -> None:
    for _ in range(3):
        optuna.create_study(storage=storage).set_user_attr("long", "x" * 30_000)
    storage.engine.dispose()  # type: ignore[attr-defined]
    path = tmp_path / "tuner.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[-20_000:-10_000] = b"\xff" * 10_000
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        back_up(default_url(tmp_path), tmp_path / "out.db")
    assert not (tmp_path / "out.db").exists()


def test_a_part_that_a_killed_copy_left_is_refused_until_it_is_replaced(
    study: optuna.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, other, out = str(tmp_path), tmp_path / "other", str(tmp_path / "small.jsonl")
    copy = ["storage", "copy", runs, str(other), "--study", "small"]
    assert run(["storage", "export", "--out", out, "--study", "small", "--runs", runs]) == 0
    (folder := other / "artifacts").mkdir(parents=True)
    with monkeypatch.context() as killed:
        killed.setattr("tuner.storage.transfer._delete_part", lambda *_: None)
        with pytest.raises(StorageError, match="are damaged"):  # behind the trials and two artifacts
            list(
                store_studies(islice(lines_in(Path(out)), 8), open_storage(default_url(other)), ArtifactFolder(folder))
            )
    assert len(contents_of(folder)) == 2
    part = "the study 'small' is a part of a copy, which is under way or was killed"
    for command in (
        ["trials", "small"],
        ["report", "--study", "small"],
        ["optimize", "--study", "digits", "--name", "small", "--trials", "1"],
        ["storage", "export", "--out", f"{out}.again", "--study", "small"],
        ["storage", "import", out],
        copy,
    ):
        place = [] if command is copy else ["--runs", str(other)]
        assert run([*command, *place]) == 2, command
        assert part in " ".join(capsys.readouterr().err.split()), command
    assert run(["storage", "check", "--runs", str(other)]) == 1
    assert "small: is a part of a copy" in capsys.readouterr().out
    assert run(["studies", "--runs", str(other)]) == 0
    assert f"left out: {part}" in " ".join(capsys.readouterr().err.split())
    assert run([*copy, "--force"]) == 0
    assert run([*copy, "--force"]) == 2, "it replaces only parts"
    moved = load_study(open_storage(default_url(other)), "small")
    assert compared(moved, other / "artifacts") == compared(study, tmp_path / "artifacts")
    assert contents_of(folder) == [b"<svg/>"] * 5
