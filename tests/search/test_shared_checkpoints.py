"""Two machines without a common folder continue each other's trials from the checkpoints in a bucket."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import optuna
import pytest
from optuna.storages import BaseStorage

from tests.support.buckets import Server, s3_server
from tests.support.fakes import session_in
from tests.support.searches import Notes, figures, small
from tuner.__main__ import run
from tuner.commands.dashboard import make_dashboard
from tuner.data.sources import Places
from tuner.refit.shared_checkpoints import SharedCheckpoints
from tuner.result import Epoch, Pulse
from tuner.search.loop import Loop
from tuner.search.studies import delete_study
from tuner.storage import default_url, load_study, open_storage, read_study
from tuner.storage.artifacts import Bucket
from tuner.storage.leases import Leases
from tuner.storage.outages import Patience
from tuner.storage.private import all_artifacts
from tuner.study import StudyFile
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess

ASHA = 'search.pruner={kind="asha", min_epochs=1, factor=2}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with an empty bucket."""
    with s3_server(monkeypatch) as server:
        yield server


AtEpoch = Callable[[int, Loop], None]


@dataclass
class Machine(Notes):
    """A machine with a name and a folder of its own. `at_epoch` is called after each new epoch."""

    name: str = ""
    folder: Folder = Folder(Path("nowhere"))
    at_epoch: AtEpoch = lambda number, loop: None
    loop: Loop | None = None

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        super().advanced(number, event)
        if isinstance(event, Epoch) and self.loop:
            self.at_epoch(event.number, self.loop)

    def search(self, storage: BaseStorage, file: StudyFile, places: Places, url: str, trials: int) -> str:
        """Search in this process until the study has so many trials."""
        bucket, setup = Bucket(url, self.log), Setup(places, folder=self.folder)
        session = session_in(storage, file, places, listener=self, folder=self.folder, artifacts=bucket)
        self.loop = Loop(session, InProcess(setup))
        with pytest.MonkeyPatch.context() as here:
            here.setattr("socket.gethostname", lambda: self.name)
            return self.loop.run(trials, 60)


Made = Callable[..., Machine]


@pytest.fixture
def machine(tmp_path: Path) -> Made:
    """Makes a machine with a number."""

    def made(number: int, at_epoch: AtEpoch = lambda number, loop: None) -> Machine:
        (folder := tmp_path / f"machine-{number}" / "small").mkdir(parents=True)
        return Machine(name=f"machine-{number}", folder=Folder(folder), at_epoch=at_epoch)

    return made


def interrupting(*epochs: int) -> AtEpoch:
    """Ends a search after these epochs of any trial."""
    return lambda number, loop: loop.stop("interrupt") if number in epochs else None


@pytest.mark.slow
def test_an_interrupted_trial_goes_on_elsewhere_from_its_epoch(
    storage: BaseStorage, small_study: Path, places: Places, machine: Made, server: Server
) -> None:
    """Epochs that were trained again would have taken other times. The third machine has an older checkpoint of its own."""
    file = small(small_study, "training.epochs=7")
    first, second, third = machine(1, interrupting(4)), machine(2, interrupting(6)), machine(3)
    assert first.search(storage, file, places, f"{server.url}/team", 1) == "interrupt"
    assert "team/checkpoints/small/0" in server.keys
    shutil.copytree(first.folder.checkpoints, third.folder.checkpoints)
    assert second.search(storage, file, places, f"{server.url}/team", 1) == "interrupt"
    before = read_study(storage, "small").trials[0]
    assert third.search(storage, file, places, f"{server.url}/team", 1) == "budget"
    (done,) = read_study(storage, "small").trials
    assert before.result is not None
    assert done.result is not None
    assert done.result.folds[0].epochs[:6] == before.result.folds[0].epochs
    assert (first.epochs, second.epochs, third.epochs) == (4, 2, 1)
    assert not any("checkpoint" in each for each in second.messages + third.messages)
    assert not server.checkpoints, "the sweep leaves none"
    assert not list(third.folder.checkpoints.iterdir())


@pytest.mark.slow
def test_two_machines_that_take_turns_make_the_study_of_one(
    storage: BaseStorage, memory: BaseStorage, small_study: Path, places: Places, machine: Made, server: Server
) -> None:
    """Each is interrupted again and again, so that it goes on with what the other one has paused or interrupted."""
    file = small(small_study, ASHA, "training.epochs=5")
    machines = [machine(number, interrupting(2, 3)) for number in (1, 2)]
    turns = next(
        turn for turn in range(100) if machines[turn % 2].search(storage, file, places, server.url, 8) == "budget"
    )
    assert turns > 4
    assert not [each for one in machines for each in one.messages if "checkpoint" in each]
    assert not server.checkpoints
    assert machine(3).search(memory, file, places, f"{server.url}/alone", 8) == "budget"
    assert figures(read_study(storage, "small")) == figures(read_study(memory, "small"))


@pytest.mark.slow
def test_a_checkpoint_is_uploaded_while_its_trial_still_trains(
    storage: BaseStorage,
    small_study: Path,
    places: Places,
    machine: Made,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine may be killed later. The file itself is written every 20 s."""
    monkeypatch.setattr("tuner.training.checkpoint.WRITE_SECONDS", 0.0)
    seen = []

    def look(number: int, loop: Loop) -> None:
        end = time.monotonic() + 10
        while number == 3 and not (found := "checkpoints/small/0" in server.keys) and time.monotonic() < end:
            time.sleep(0.02)
        seen.extend([found] if number == 3 else [])

    machine(1, look).search(storage, small(small_study, "training.epochs=4"), places, server.url, 1)
    assert seen == [True]
    assert not server.checkpoints


@pytest.mark.slow
def test_an_outage_costs_the_epochs_of_a_trial_and_nothing_else(
    storage: BaseStorage,
    small_study: Path,
    places: Places,
    machine: Made,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = small(small_study, "training.epochs=3")
    first = machine(1, lambda number, loop: (server.stop(), loop.stop("interrupt")) if number == 2 else None)  # type: ignore[func-returns-value]
    assert first.search(storage, file, places, server.url, 1) == "interrupt"
    (said,) = (each for each in first.messages if "object store" in each)
    assert said.endswith("; the search goes on without it")
    with s3_server(monkeypatch) as empty:
        second = machine(2)
        assert second.search(storage, file, places, empty.url, 1) == "budget"
    (said,) = (each for each in second.messages if "checkpoint" in each)
    assert said == (
        "trial 0 continues from its first epoch: its checkpoint of machine-1 "
        f"is not in {second.folder.checkpoints} or {empty.url}"
    )
    (done,) = read_study(storage, "small").trials
    assert (done.state, done.epochs) == ("complete", 3)


def test_a_silent_bucket_holds_up_an_interrupt_for_two_seconds(memory: BaseStorage, tmp_path: Path) -> None:
    class Silent:
        def write(self, name: str, file: object) -> None:
            time.sleep(30.0)

    leases = Leases(optuna.create_study(storage=memory))
    folder, patience = Folder(tmp_path), Patience()
    shared = SharedCheckpoints(folder, Silent(), leases, patience)  # type: ignore[arg-type]
    folder.checkpoints.mkdir()
    folder.checkpoint("0").write_bytes(b"x")
    patience.hurry()
    began = time.monotonic()
    shared.upload_now(0)
    assert 1.5 < time.monotonic() - began < 10


@pytest.mark.slow
def test_a_study_that_begins_again_leaves_nothing_of_before_in_the_bucket(
    storage: BaseStorage, small_study: Path, places: Places, machine: Made, tmp_path: Path, server: Server
) -> None:
    one: Machine = machine(1, lambda number, loop: loop.stop("interrupt") if one.epochs == 3 else None)
    one.search(storage, small(small_study), places, server.url, 2)
    assert len(server.keys) == 1 + len(all_artifacts(load_study(storage, "small"))) > 1
    assert delete_study(storage, "small", tmp_path / "machine-1", server.url) == 2
    assert server.keys == server.checkpoints == {"checkpoints/small/1"}
    assert not list(one.folder.checkpoints.iterdir())
    machine(2).search(storage, small(small_study), places, server.url, 1)
    assert not server.checkpoints


@pytest.mark.slow
def test_the_command_line_the_report_and_the_dashboard_share_a_bucket(
    small_study: Path,
    places: Places,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    runs, where = ["--runs", str(tmp_path / "runs")], ["--artifacts", f"{server.url}/a"]
    options = ["--trials", "1", "--workers", "1", "--executor", "in_process", "--set", "confirmation.seeds=1"]
    assert run(["optimize", "--study", str(small_study), *options, *runs, *where, "--checkpoint-space", "0.5"]) == 0
    assert f"--artifacts {server.url}/a" in capsys.readouterr().out
    assert run(["report", "small", "--out", str(tmp_path / "out"), *runs, *where]) == 0
    study = load_study(open_storage(default_url(tmp_path / "runs")), "small")
    assert {f"a/{id_}" for id_ in all_artifacts(study)} == server.keys
    assert not list((tmp_path / "runs" / "artifacts").iterdir())
    lines, copy = tmp_path / "lines.jsonl", ["--runs", str(tmp_path / "copy")]
    assert run(["storage", "export", "--out", str(lines), *runs, *where]) == 0
    assert run(["storage", "import", str(lines), *copy, *where]) == 0
    assert run(["storage", "check", *copy, *where]) == run(["storage", "check", *runs, *where]) == 0
    assert run(["storage", "check", *copy]) == 1
    assert len(server.keys) == 2 * len(all_artifacts(study))
    dashboard = make_dashboard(default_url(tmp_path / "runs"), tmp_path / "runs", 0, artifacts=f"{server.url}/a")
    threading.Thread(target=dashboard.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{dashboard.server_port}"
    with urlopen(f"{address}/api/studies/1", timeout=20) as answer:
        found = json.load(answer)
    (chart,) = (each for each in found["trials"][0]["artifacts"] if each["filename"] == "loss-by-epoch.svg")
    with urlopen(
        f"{address}/artifacts/1/{found['trials'][0]['trial_id']}/{chart['artifact_id']}", timeout=20
    ) as answer:
        assert answer.read().startswith(b"<svg")
    dashboard.shutdown()
    dashboard.server_close()
