"""What a search promises whoever stops, kills or doubles it, with real processes and signals.

The killed and interrupted studies are compared with one that nobody disturbed: the same trials, the same figures to the
last digit. `make test` tries each promise once or twice, `make test-long` many times and on other storages.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import optuna
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from tuner.data.sources import Places
from tuner.storage import default_url, open_storage
from tuner.storage.trainings import trainings_of

pytestmark = pytest.mark.slow

STUDY = """
objective = "validation_accuracy"
[budget]
trials = 7
minutes = 5
[search]
pruner = { kind = "asha", min_epochs = 1, factor = 2 }
sampler = { kind = "tpe", startup_trials = 2 }
[confirmation]
seeds = 1
anchors = false
[recipe.data]
name = "xor"
[recipe.training]
loss = "sparse_categorical_crossentropy"
batch_size = 5
epochs = 6
optimizer = { one_of = [
    { kind = "adam", learning_rate = { low = 1e-4, high = 0.1, log = true } },
    { kind = "sgd", momentum = { low = 0.0, high = 0.9 } },
] }
[recipe.network]
kind = "dense"
widths = [16]
"""
TRIALS = 7


class Study:
    """The study in a folder of its own, to be searched by processes that may be disturbed."""

    def __init__(self, folder: Path, places: Places, storage: str = "") -> None:
        self.folder, self.places = folder, places
        folder.mkdir()
        (folder / "study.toml").write_text(STUDY)
        self.storage = storage.format(folder=folder)
        self.name = f"study-{uuid4().hex[:8]}" if storage else "study"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A search in a process group of its own."""
        storage = ["--storage", self.storage, "--name", self.name] if self.storage else []
        return subprocess.Popen(
            [sys.executable, "-m", "tuner", "optimize", "--study", "study.toml", "--lease", "3s", *storage, *arguments],
            cwd=self.folder,
            env={**os.environ, "TUNER_CACHE": str(self.places.cache), "TUNER_RUNS": "runs"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, *arguments: str) -> str:
        """Search to the end; what was said on the way."""
        output, errors = self.start(*arguments).communicate(timeout=300)
        assert "the budget is spent" in output, errors
        return errors

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that there are, the study's or none."""
        url = self.storage or default_url(self.folder / "runs")
        if not self.storage and not (self.folder / "runs" / "tuner.db").is_file():
            return []
        storage = open_storage(url)
        try:
            return optuna.load_study(study_name=self.name, storage=storage).trials
        except KeyError:
            return []
        finally:
            storage.remove_session()

    @property
    def figures(self) -> list[tuple[Any, ...]]:
        """What must not depend on disturbances: each training's parameters, figures by epoch and recipe."""
        return [
            (
                training.last.params,
                training.last.values,
                training.last.intermediate_values,
                training.attributes["key"],
                training.state,
            )
            for training in trainings_of(self.trials)
        ]

    def wait(self, trials: int, epochs: int, seconds: float = 120) -> None:
        """Until so many trials have begun and so many epochs were reported."""
        deadline = time.monotonic() + seconds
        while not self.trials and time.monotonic() < deadline:
            time.sleep(0.1)
        storage = open_storage(
            self.storage or default_url(self.folder / "runs")
        )  # once: the search does not wait for us
        study = optuna.load_study(study_name=self.name, storage=storage)
        try:
            while time.monotonic() < deadline:
                found = study.get_trials(deepcopy=False)
                if len(found) >= trials and sum(len(trial.intermediate_values) for trial in found) >= epochs:
                    return
                time.sleep(0.02)
        finally:
            storage.remove_session()
        raise TimeoutError

    @property
    def epochs(self) -> int:
        """How many epochs were reported."""
        return sum(len(trial.intermediate_values) for trial in self.trials)


def kill_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a search and all its training processes at once."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.communicate(timeout=30)
    psutil.wait_procs(family, timeout=10)


def check_whole(study: Study) -> None:
    """The total is exact, and nothing is left open."""
    found = trainings_of(study.trials)
    assert sum(training.counts for training in found) == TRIALS
    assert not [trial for trial in study.trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    keys = [training.attributes["key"] for training in found]
    assert len(set(keys)) == len(keys), "a recipe was trained twice"


@pytest.fixture(scope="module")
def undisturbed(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study as it is when nobody disturbs it, with one worker."""
    study = Study(tmp_path_factory.mktemp("undisturbed") / "study", places)
    study.finish("--workers", "1")
    check_whole(study)
    return study


def test_killed_and_interrupted_searches_end_as_if_nobody_had_disturbed_them(
    undisturbed: Study, places: Places, tmp_path: Path
) -> None:
    study = Study(tmp_path / "disturbed", places)
    process = study.start("--workers", "1")
    study.wait(2, 3)
    kill_all(process)
    before = [trial for trial in study.trials if trial.state.is_finished()]
    assert any(trial.state == TrialState.RUNNING for trial in study.trials) or len(study.trials) == len(before)
    for how in (signal.SIGINT, signal.SIGTERM):
        epochs = study.epochs
        process = study.start("--workers", "1", "--json")
        study.wait(len(study.trials), epochs + 2)
        children = psutil.Process(process.pid).children(recursive=True)
        started = time.monotonic()
        os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
        output, errors = process.communicate(timeout=60)
        assert time.monotonic() - started < 30, "five seconds on a machine with nothing else to do"
        assert "Traceback" not in errors
        assert process.returncode == 130
        assert "interrupted, everything finished is kept" in output
        assert json.loads(output.splitlines()[-1])["ended"] == "interrupt"
        assert psutil.wait_procs(children, timeout=5)[1] == []
        assert not [trial for trial in study.trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    study.finish("--workers", "1")
    check_whole(study)
    assert study.figures == undisturbed.figures
    after = {trial.number: trial for trial in study.trials}
    assert all(after[trial.number] == trial for trial in before), "what was finished is as it was"


def test_two_searches_at_once_share_one_study(places: Places, tmp_path: Path) -> None:
    check_together(Study(tmp_path / "two", places), 2)


def check_together(study: Study, count: int) -> None:
    """So many searches at once train nothing twice, confirm once, and all end with the same winner."""
    processes = [study.start("--workers", "1", "--json") for _ in range(count)]
    said = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0] * count, said
    check_whole(study)
    ends = [json.loads(output.splitlines()[-1]) for output, _ in said]
    assert len({end["best"]["number"] for end in ends}) == 1
    assert len({end["test_accuracy"] for end in ends}) == 1
    assert sum("refitting trial" in errors for _, errors in said) == 1
    epochs = [
        (training.first, epoch)
        for training in trainings_of(study.trials)
        for epoch in training.last.intermediate_values
    ]
    told = sum(errors.count(": epoch ") for _, errors in said)
    assert told <= len(epochs)


@pytest.mark.long
def test_a_storage_that_cannot_be_written_is_one_line_and_the_next_call_goes_on(
    undisturbed: Study, places: Places, tmp_path: Path
) -> None:
    """A full disk, for the process alone: its files may not grow any more."""
    study = Study(tmp_path / "full", places)
    process = study.start("--workers", "1")
    study.wait(2, 2)
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (1024, 1024))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2
    *_, last = errors.splitlines()
    assert last.startswith("error: the storage sqlite:///")
    assert last.endswith("correct that and run the same command again: it continues")
    assert "; trying again for 2 min 0 s" in errors
    assert "Traceback" not in errors
    study.finish("--workers", "1")
    check_whole(study)
    assert study.figures == undisturbed.figures


@pytest.mark.long
def test_a_long_training_is_written_down_now_and_then(places: Places, tmp_path: Path) -> None:
    """What was trained before a kill is lost up to the last time that it was written down."""
    study = Study(tmp_path / "long", places)
    long = ("--set", "training.batch_size=1", "--set", "network.widths=[512, 512]", "--set", "training.epochs=5000")
    process = study.start("--workers", "1", *long, "--set", "search.pruner=none")
    checkpoint = study.folder / "runs" / "study" / "checkpoints" / "0.npz"
    deadline = time.monotonic() + 90
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    kill_all(process)
    assert checkpoint.is_file()


# Long ---------------------------------------------------------------------------------------------------------------

STORAGES = {"sqlite": "", "journal": "journal:{folder}/journal.log"}
if "TUNER_TEST_STORAGE" in os.environ:  # a database of a server's, such as postgresql+psycopg://…
    STORAGES["server"] = os.environ["TUNER_TEST_STORAGE"]


@pytest.mark.long
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("seed", range(5))
def test_searches_killed_at_random_end_as_if_nobody_had(
    seed: int, storage: str, undisturbed: Study, places: Places, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    study = Study(tmp_path / "killed", places, STORAGES[storage])
    for _ in range(6):
        process = study.start("--workers", "1")
        try:
            process.wait(timeout=chance.uniform(0.5, 14.0))
        except subprocess.TimeoutExpired:
            kill_all(process)
    study.finish("--workers", "1")
    check_whole(study)
    assert study.figures == undisturbed.figures


@pytest.mark.long
@pytest.mark.parametrize("storage", STORAGES)
def test_four_searches_at_once_share_one_study(storage: str, places: Places, tmp_path: Path) -> None:
    check_together(Study(tmp_path / "four", places, STORAGES[storage]), 4)


@pytest.mark.long
def test_a_search_behind_the_grpc_proxy_keeps_its_promises(undisturbed: Study, places: Places, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    serve = (
        "import sys; from optuna.storages import run_grpc_proxy_server; from tuner.storage import open_storage; "
        f"run_grpc_proxy_server(open_storage('sqlite:///{tmp_path}/behind.db'), host='127.0.0.1', port={port})"
    )
    server = subprocess.Popen([sys.executable, "-c", serve])
    try:
        study = Study(tmp_path / "proxied", places, f"grpc://127.0.0.1:{port}")
        process = study.start("--workers", "1")
        study.wait(3, 4)
        kill_all(process)
        study.finish("--workers", "1")
        check_whole(study)
        assert study.figures == undisturbed.figures
    finally:
        server.kill()
        server.wait()


@pytest.mark.long
@pytest.mark.skipif(
    os.geteuid() != 0, reason="another host name needs a name space of its own, which only root can make"
)
def test_a_search_goes_on_under_another_host_name(undisturbed: Study, places: Places, tmp_path: Path) -> None:
    study = Study(tmp_path / "moved", places)
    process = study.start("--workers", "1")
    study.wait(3, 4)
    kill_all(process)
    command = f"hostname elsewhere && exec {sys.executable} -m tuner optimize --study study.toml --lease 3s --workers 1"
    environment = {**os.environ, "TUNER_CACHE": str(places.cache), "TUNER_RUNS": "runs"}
    subprocess.run(
        ["unshare", "--uts", "sh", "-c", command], cwd=study.folder, env=environment, check=True, timeout=300
    )
    check_whole(study)
    assert study.figures == undisturbed.figures
    hosts = {training.attributes["lease"]["host"] for training in trainings_of(study.trials)}
    assert hosts == {socket.gethostname(), "elsewhere"}
