"""A worker joins a study that another process began: what it takes from the storage, what it must have, and who confirms the winner."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import Notes, small
from tuner.__main__ import run
from tuner.base.errors import StudyError
from tuner.commands.worker import begun_study
from tuner.data.sources import Places
from tuner.networks.function import Call
from tuner.networks.sources import source_at
from tuner.search.joining import stored_file
from tuner.search.lead import Goal, Lead
from tuner.search.loop import Loop
from tuner.search.studies import open_study
from tuner.storage import load_study, read_study
from tuner.storage.records import VERSION
from tuner.study import StudyFile, load
from tuner.worker import EXECUTORS

TABLE = """
search.pruner = "none"
[recipe]
data = { kind = "table", path = "own.csv", target = "y", columns = [{ name = "x", kind = "number" }] }
network = { kind = "dense", widths = [4] }
training = { epochs = 1 }
"""


def rows(shift: float = 0.0) -> str:
    """A small table."""
    lines = [f"{number + shift},{'ab'[number % 2]}" for number in range(60)]
    return "\n".join(["x,y", *lines, ""])


@contextmanager
def led(storage: BaseStorage, file: StudyFile, places: Places, goal: Goal) -> Iterator[None]:
    """A context in which a process leads the study."""
    with Lead(session_in(storage, file, places), goal, time.monotonic()).held():
        yield


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch, places: Places) -> Clock:
    """Trainings are invented in this test; the folder of the command line's data is the test's."""
    clock = Clock()
    monkeypatch.setitem(EXECUTORS, "invented", lambda setup: Invented(clock))
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    return clock


def joined(runs: Path, *more: str) -> int:
    """The exit status of a worker."""
    return run(["worker", "small", "--runs", str(runs), "--workers", "1", "--lease", "1s", *more])


def test_a_worker_trains_what_the_leader_wants_and_leaves_the_winner_to_it(
    storage: BaseStorage,
    small_study: Path,
    places: Places,
    invented: Clock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It has no study file: all that it needs is in the storage."""
    file = small(small_study, "network.widths=[4]")
    with led(storage, file, places, Goal(trials=3, seconds=60.0, left=60.0)):
        small_study.unlink()
        assert joined(tmp_path, "--executor", "invented") == 0
    record = read_study(storage, "small")
    assert [each.state for each in record.trials] == ["complete"] * 3
    assert {each.recipe.network.widths for each in record.trials if each.recipe} == {(4,)}  # type: ignore[union-attr]
    assert "goes on and confirms the winner\n" in capsys.readouterr().out
    assert "confirmed" not in load_study(storage, "small").user_attrs


@pytest.mark.slow
def test_the_last_worker_confirms_the_winner_where_the_leader_is_gone(
    storage: BaseStorage,
    small_study: Path,
    places: Places,
    invented: Clock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = session_in(storage, small(small_study), places)
    with Lead(session, Goal(trials=2, seconds=60.0, left=60.0), time.monotonic()).held():
        announced = {name: lease for name, lease in session.study.user_attrs.items() if name.startswith("turn")}
    for name, lease in announced.items():  # as a killed process leaves it
        session.study.set_user_attr(name, lease)
    assert joined(tmp_path, "--executor", "in_process") == 0
    assert "test accuracy" in capsys.readouterr().out
    assert (tmp_path / "small" / "best.keras").is_file()
    assert joined(tmp_path, "--executor", "in_process") == 0
    assert capsys.readouterr().out == (
        "the search of 'small' has ended; another call of `optimize` continues it, and workers can join that\n"
    )


def test_a_renewal_of_the_lead_that_comes_after_the_end_stores_no_seconds(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    """The thread that renews it may be late: workers that join then had the whole time again."""
    session = session_in(memory, small(small_study), places)
    lead = Lead(session, Goal(trials=2, seconds=60.0, left=60.0), time.monotonic())
    with lead.held():
        assert Goal.of(session.study, session.file).left > 0
        lead.finish()
        lead._store()
        assert Goal.of(session.study, session.file).left == 0


def test_a_worker_leaves_the_winner_to_another_one_that_still_trains(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    mine, theirs = (session_in(memory, small(small_study), places) for _ in range(2))
    begun = create_trial(state=TrialState.RUNNING, user_attrs={"lease": theirs.leases.lease() | {"host": "node-7"}})
    goal = Goal(trials=4, seconds=60.0, left=60.0)
    mine.study.add_trial(begun)
    assert Lead(mine, goal, time.monotonic()).leader() == "node-7"
    mine.study.tell(0, state=TrialState.FAIL)
    assert Lead(mine, goal, time.monotonic()).leader() == ""
    assert Lead(mine, goal, time.monotonic()).leader() == "", "whoever leads may ask again"


def test_a_worker_waits_for_a_study_that_is_yet_to_begin(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Beginning(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.now > 1005.0:
                lead = Lead(session_in(storage, small(small_study), places), Goal(3, 60.0, 60.0), time.monotonic())
                with lead.held():
                    pass

    monkeypatch.setattr("tuner.commands.worker.time", Beginning())
    with pytest.raises(StudyError, match=r"^the storage has no study 'small'; it is empty$"):
        begun_study("small", tmp_path, None, 0.0)
    with pytest.raises(StudyError, match="has no study 'small'"):
        begun_study("small", tmp_path, None, 3.0)
    assert begun_study("small", tmp_path, None, 60.0).user_attrs["goal"]["trials"] == 3


def test_the_goal_of_a_study_is_the_last_leaders_or_else_its_files(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study)
    session = session_in(memory, file, places)
    assert Goal.of(session.study, file) == Goal(trials=4, seconds=300.0, left=300.0)
    lead = Lead(session, Goal(trials=7, seconds=60.0, left=60.0, enough=0.01), time.monotonic() - 20.0)
    with lead.held():
        goal = Goal.of(session.study, file)
    assert (goal.trials, goal.seconds, goal.enough) == (7, 60.0, 0.01)
    assert 39.0 < goal.left <= 40.0
    lead.finish()
    assert Goal.of(session.study, file).left == 0.0


def test_own_data_are_found_by_their_contents_or_named(
    memory: BaseStorage, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.csv").write_text(rows())
    (tmp_path / "own.toml").write_text(TABLE)
    study, file, _ = open_study(memory, load(tmp_path / "own.toml", "own", places=places))
    assert stored_file(study, places, print).resolved == file.resolved
    there, elsewhere = tmp_path / "elsewhere", Places(None, tmp_path / "cache")
    there.mkdir()
    monkeypatch.chdir(there)
    identity = file.resolved["recipe"]["data"]["found"]["identity"]
    with pytest.raises(StudyError) as missing:
        stored_file(study, elsewhere, print)
    assert str(missing.value) == (
        f"the data of the study 'own' are not here: own.csv: there is no such file in .; bring the files to this folder, "
        f"or own-{identity} of the other machine's cache to {elsewhere.cache / 'prepared'}"
    )
    (there / "own.csv").write_text(rows(shift=1.0))
    with pytest.raises(StudyError, match=rf"^own.csv has other contents here .* not {identity}$"):
        stored_file(study, elsewhere, print)
    (there / "own.csv").write_text(rows())
    assert stored_file(study, elsewhere, print).resolved == file.resolved


def with_function(memory: BaseStorage, sha256: str, training: Mapping[str, str] = {}, **more: Any) -> optuna.Study:
    """A study with a function of this hash and these settings of the training."""
    call = Call("nets.py:build", sha256, (2,), 2, **more)
    answers = {"ask": asdict(call), "holes": {}, "changed": {}, "compiled": ""}
    network = {"kind": "function", "source": "nets.py:build", "sha256": sha256, "answers": answers}
    study = optuna.create_study(study_name="own", storage=memory)
    study.set_user_attr("file", {"recipe": {"data": {"name": "xor"}, "network": network, "training": training}})
    return study


def test_own_functions_that_are_missing_or_changed_are_named(
    memory: BaseStorage, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`test_own_function.py` joins a study whose function is there."""
    monkeypatch.chdir(tmp_path)
    study = with_function(memory, "5ha256")
    with pytest.raises(StudyError) as missing:
        stored_file(study, places, print)
    assert str(missing.value) == (
        f"the study 'own' needs nets.py:build, which is not here: there is no file nets.py in {tmp_path}; "
        "bring the file with the SHA-256 5ha256"
    )
    (tmp_path / "nets.py").write_text("def build(trial): ...\n")
    with pytest.raises(StudyError, match=r"^nets.py:build is another one here .*, not 5ha256$"):
        stored_file(study, places, print)


def test_own_weights_and_callbacks_that_are_missing_are_named(
    memory: BaseStorage, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text("def build(trial, weights): ...\n")
    _, sha256 = source_at("nets.py:build", tmp_path)
    callbacks = {"callbacks": "own.py:callbacks", "callbacks_sha256": "0wn"}
    study = with_function(memory, sha256, callbacks, weights="base.weights.h5", weights_sha256="ba5e")
    with pytest.raises(StudyError, match=r"needs base.weights.h5, which is not here: .* the SHA-256 ba5e$"):
        stored_file(study, places, print)
    (tmp_path / "base.weights.h5").touch()
    with pytest.raises(StudyError, match=r"^base.weights.h5 is another one here .*, not ba5e$"):
        stored_file(study, places, print)
    study = with_function(InMemoryStorage(), sha256, callbacks)
    with pytest.raises(StudyError, match=r"needs own.py:callbacks, which is not here: .* the SHA-256 0wn$"):
        stored_file(study, places, print)


def test_a_study_of_other_versions_is_refused(memory: BaseStorage, small_study: Path, places: Places) -> None:
    study, *_ = open_study(memory, small(small_study))
    environment = {"tensorflow": "2.1.7", "host": "node-7"}
    study.add_trial(create_trial(state=TrialState.FAIL, system_attrs={"environment": environment}))
    with pytest.raises(StudyError) as error:
        stored_file(study, places, print)
    assert str(error.value).startswith("the study 'small' is trained with tensorflow 2.1.7 on node-7, and here is ")
    assert str(error.value).endswith("; its trials could not be compared: pip install 'tensorflow==2.1.*'")
    study.set_user_attr("version", VERSION + 1)
    with pytest.raises(StudyError, match="kept by a later version of tuner"):
        stored_file(study, places, print)


@pytest.mark.parametrize(
    ("attribute", "value", "problem"),
    [
        ("file", None, "has no study file in the storage: `optimize` must begin it"),
        ("file", {"recipe": {"data": {"name": "x"}}}, "cannot be trained by this version of tuner: recipe.data.name"),
        ("file", {"recipe": {"training": 3}}, "cannot be trained by this version of tuner: recipe.training"),
        ("file", {"recipe": "none"}, "cannot be trained by this version of tuner: recipe"),
        ("file", {"novelty": 1, "recipe": {}}, "cannot be trained by this version of tuner: novelty: unknown"),
    ],
)
def test_a_study_that_cannot_be_read_is_one_message(
    attribute: str, value: Any, problem: str, memory: BaseStorage, places: Places
) -> None:
    study = optuna.create_study(study_name="foreign", storage=memory)
    if value is not None:
        study.set_user_attr(attribute, value)
    with pytest.raises(StudyError, match="the study 'foreign' ") as error:
        stored_file(study, places, print)
    assert problem in str(error.value)


def test_a_training_whose_checkpoint_is_on_another_machine_begins_anew(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, notes = small(small_study, "training.epochs=3", "budget.trials=1"), Notes()
    Loop(session_in(memory, file, places), Invented(clock, seconds=10.0)).run(1, 15.0)
    (interrupted,) = read_study(memory, "small").trials
    assert (interrupted.state, interrupted.epochs) == ("interrupted", 2)
    before = load_study(memory, "small").trials[0].intermediate_values
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "node-7")
        Loop(session_in(memory, file, places, listener=notes), Invented(clock)).run(1, 60.0)
    (finished,) = read_study(memory, "small").trials
    assert (finished.state, finished.epochs) == ("complete", 3)
    assert load_study(memory, "small").trials[1].intermediate_values.items() >= before.items()
    (said,) = (each for each in notes.messages if "checkpoint" in each)
    assert said.startswith("trial 0 continues from its first epoch: its checkpoint of ")
    assert said.endswith(" is not in nowhere/checkpoints")
