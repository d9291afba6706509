"""Searches in a real Ray cluster of two nodes on this machine. `make test-long`, where Ray is installed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import psutil
import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import session_in
from tests.support.searches import Notes, figures, small
from tuner.base.errors import TunerError
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.outcome import Outcome
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, Event, Pulse, Result, never_stop
from tuner.search.lead import Goal, Lead
from tuner.search.optimize import SearchOptions, optimize
from tuner.storage import default_url, read_study
from tuner.study import load, setting
from tuner.worker.executor import Cluster, Setup, capacity_of
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure, Train
from tuner.worker.ray import Ray

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=3))
ENDLESS = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=100_000))
TRIALS = 8


@dataclass
class Nodes:
    """A head node and others that tests add and remove, with one CPU each."""

    cluster: Any
    others: list[Any] = field(default_factory=list)

    def add(self) -> None:
        """Add a node."""
        self.others.append(self.cluster.add_node(num_cpus=1))

    def kill(self) -> None:
        """Kill the processes of the last node."""
        self.cluster.remove_node(self.others.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A head node and one more. This process is connected to them."""
    from ray.cluster_utils import Cluster as Local

    cluster = Local(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    ray.init(address=cluster.address, log_to_driver=False, logging_level="CRITICAL")
    nodes = Nodes(cluster)
    nodes.add()
    cluster.wait_for_nodes()
    yield nodes
    ray.shutdown()
    cluster.shutdown()


def executor_in(folder: Path, places: Places, workers: int = 0, **wanted: float) -> Ray:
    """An executor on the nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    return Ray(Setup(places, workers=workers, folder=Folder(folder), cluster=Cluster(**wanted)))  # type: ignore[arg-type]


def next_answer(executor: Ray, seconds: float = 120) -> tuple[int, Answer]:
    """The next answer, and the number of its job."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for answer in executor.answers(0.2):
            return answer
    raise TimeoutError


@dataclass
class Disturbed(Notes):
    """A listener that calls a function once, in the middle of the fourth trial."""

    disturb: Callable[[], None] = lambda: None
    done: bool = False

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        super().advanced(number, event)
        if number == 3 and isinstance(event, Epoch) and event.number == 2 and not self.done:
            self.done = True
            self.disturb()


def searched(study: Path, places: Places, listener: Notes, executor: str, workers: int = 2) -> Outcome:
    """A deterministic search with refits and reference models."""
    file = small(study, "training.epochs=6", "budget.epochs=fixed", "confirmation.anchors=true")
    runs = study.parent / executor
    options = SearchOptions(
        file=file,
        runs=runs,
        storage=default_url(runs),
        places=places,
        trials=TRIALS,
        seconds=600,
        workers=workers,
        threads=1,
        deterministic=True,
        executor=executor,
    )
    return optimize(options, listener)


def test_a_node_that_is_killed_changes_nothing_in_a_deterministic_search(
    nodes: Nodes, small_study: Path, places: Places
) -> None:
    expected = searched(small_study, places, Notes(), "processes")
    listener = Disturbed(disturb=nodes.kill)
    found = searched(small_study, places, listener, "ray")
    nodes.add()
    assert listener.done
    assert len(found.record.ranking) == len(expected.record.ranking) == TRIALS
    assert figures(found.record) == figures(expected.record)
    assert found.best is not None
    assert expected.best is not None
    assert (found.best.number, found.best.values) == (expected.best.number, expected.best.values)
    assert found.confirmed is not None
    assert expected.confirmed is not None
    assert found.confirmed.recipe == expected.confirmed.recipe
    assert [each.name for each in found.reference_models] == [each.name for each in expected.reference_models]
    assert any("2 nodes have room for 2 training processes with 1 CPUs each" in each for each in listener.messages)


def test_an_actor_that_is_killed_comes_back_and_its_job_goes_on(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    executor = executor_in(tmp_path / "study", places, workers=1)
    killed: list[Event] = []

    def watch(event: Event) -> bool:
        if not killed:
            ray.kill(executor.places[0].actor, no_restart=False)
            killed.append(event)
        return True

    executor.submit(0, Train(RECIPE), watch)
    number, answer = next_answer(executor)
    executor.close()
    assert number == 0
    assert isinstance(answer, Result)
    assert answer.ended == "finished"


def test_a_job_that_takes_its_node_along_each_time_fails(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    executor = executor_in(tmp_path / "study", places, workers=1)

    def watch(event: Event) -> bool:
        ray.kill(executor.places[0].actor, no_restart=False)
        return True

    executor.submit(7, Train(ENDLESS), watch)
    number, answer = next_answer(executor, 300)
    executor.close()
    assert number == 7
    assert isinstance(answer, Failure)
    assert answer.kind == "died"
    assert answer.reason.startswith("its node was lost 4 times: ")


def test_a_training_process_that_dies_is_told_and_replaced(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    executor = executor_in(tmp_path / "study", places, workers=1)

    def watch(event: Event) -> bool:
        for each in psutil.process_iter(["open_files"]):
            if any(file.path == str(tmp_path / "study" / "worker-1.log") for file in each.info["open_files"] or ()):
                each.kill()
        return True

    executor.submit(0, Train(ENDLESS), watch)
    assert next_answer(executor) == (
        0,
        Failure(
            "died",
            "its process was ended by SIGKILL (often the system, out of memory); "
            f"its log is {tmp_path}/study/worker-1.log",
        ),
    )
    executor.submit(1, Train(RECIPE), never_stop)
    assert isinstance(next_answer(executor)[1], Result)
    executor.close()


def test_a_cancelled_job_makes_room_for_the_next(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    executor = executor_in(tmp_path / "study", places, workers=1)
    events: list[Event] = []

    def watch(event: Event) -> bool:
        events.append(event)
        return True

    executor.submit(0, Train(ENDLESS), watch)
    while not events:
        assert list(executor.answers(0.2)) == []
    executor.submit(1, Train(RECIPE), never_stop)
    assert executor.free == 0
    executor.cancel(0)
    number, answer = next_answer(executor)
    executor.close()
    assert (number, type(answer)) == (1, Result)


def test_more_than_any_node_has_is_refused_before_a_trial(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    with pytest.raises(TunerError, match=r"^no node of the Ray cluster at \S+ has 8 CPUs for a training process; they"):
        executor_in(tmp_path / "study", places, cpus=8)
    with pytest.raises(
        TunerError, match=r"has 1 CPUs and 0\.5 GPUs for a training process; they have 1 CPUs and 0 GPUs"
    ):
        executor_in(tmp_path / "study", places, gpus=0.5)
    assert list((tmp_path / "study").iterdir()) == []


def test_processes_without_a_node_wait_for_one(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    executor = executor_in(tmp_path / "study", places, workers=3)
    assert (executor.size, executor.free) == (3, 2)
    assert capacity_of(executor).text.endswith("; 1 of 3 wait for more nodes")
    nodes.add()
    deadline = time.monotonic() + 120
    while executor.free < 3 and time.monotonic() < deadline:
        list(executor.answers(0.2))
    assert executor.free == 3
    executor.close()
    nodes.kill()


@contextmanager
def blind_node(nodes: Nodes, folder: Path, files: Mapping[str, str] = {}) -> Iterator[None]:
    """A node with four CPUs that has a folder of its own with these files in the place of this one."""
    if not shutil.which("unshare") or os.geteuid():
        pytest.skip("only root can hide a folder from a process, with unshare")
    written = "".join(f" && printf %s {quote(text)} > {folder / name}" for name, text in files.items())
    start = f"mount -t tmpfs none {folder}{written} && exec {sys.executable} -m ray.scripts.scripts start --block"
    command = f"{start} --address={nodes.cluster.address} --num-cpus=4"
    blind = subprocess.Popen(["unshare", "--mount", "sh", "-c", command], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while ray.cluster_resources().get("CPU", 0) < 6 and time.monotonic() < deadline:
            time.sleep(0.2)
        yield
    finally:
        blind.send_signal(signal.SIGTERM)
        blind.wait(60)


def test_a_node_that_does_not_see_the_runs_folder_is_named(nodes: Nodes, places: Places, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "study"
    folder.mkdir(parents=True)
    message = r"cannot use the folder \S+/study: No such file or directory; the nodes"
    with blind_node(nodes, folder), pytest.raises(TunerError, match=message):
        executor_in(folder, places, cpus=2)


def test_a_node_with_another_cache_gets_the_data_from_the_search(
    nodes: Nodes, own_recipe: Recipe, places: Places, tmp_path: Path
) -> None:
    with blind_node(nodes, places.cache):
        executor = executor_in(tmp_path / "study", places, cpus=2)
        for number in range(3):
            executor.submit(number, Train(own_recipe), never_stop)
        answers = [next_answer(executor)[1] for _ in range(3)]
        executor.close()
    assert [type(each) for each in answers] == [Result] * 3


NETS = """
import keras
from sizes import units

def build(trial, inputs, outputs):
    layer = keras.layers.Dense(trial.suggest_int("units", 2, units), "relu")
    return keras.Sequential([keras.Input(inputs), layer, keras.layers.Dense(outputs, "softmax")])

def callbacks():
    return [keras.callbacks.TerminateOnNaN()]
"""


def test_an_own_network_reaches_a_node_that_has_another_one_in_its_working_folder(
    nodes: Nodes, small_study: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function's file is missing there, and the module that it imports is an older one."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "nets.py").write_text(NETS)
    (folder / "sizes.py").write_text("units = 8\n")
    settings = ["network={kind='function', source='nets.py:build'}", "training.callbacks='nets.py:callbacks'"]
    file = load(small_study, "own", [*map(setting, settings)], places)
    options = SearchOptions(
        file=file,
        runs=tmp_path / "runs",
        storage=default_url(tmp_path / "runs"),
        places=places,
        trials=TRIALS,
        seconds=600,
        workers=2,
        threads=2,
        executor="ray",
        cluster=Cluster(cpus=2),  # which no other node has
    )
    with blind_node(nodes, folder, {"sizes.py": "units = 1\n"}):
        found = optimize(options, Notes())
    assert [each.state for each in found.record.trials] == ["complete"] * TRIALS
    assert found.confirmed is not None
    assert found.confirmed.test is not None


def test_a_worker_trains_in_the_cluster_that_it_names(
    nodes: Nodes, storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    session = session_in(storage, small(small_study), places)
    command = [sys.executable, "-m", "tuner", "worker", "small", "--runs", str(tmp_path), "--executor", "ray"]
    command += ["--ray-address", nodes.cluster.address, "--cpus-per-trial", "0.5", "--workers", "1"]
    with Lead(session, Goal(trials=2, seconds=300.0, left=300.0), time.monotonic()).held():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"Ray at {nodes.cluster.address}: 2 nodes have room for 4 training processes with 0.5 CPUs" in done.stderr
    assert [each.state for each in read_study(storage, "small").trials] == ["complete"] * 2


def test_a_ray_of_its_own_starts_and_ends_with_the_search(small_study: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner", "optimize", str(small_study), "--executor", "ray", "--workers", "1"]
    command += ["--runs", str(tmp_path / "runs"), "--trials", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 nodes have room for" in done.stderr
    assert "raylet" not in done.stdout
    assert list((tmp_path / "runs" / "small").glob(".ray-*")) == []


def test_ctrl_c_ends_a_search_in_order(small_study: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner", "optimize", str(small_study), "--executor", "ray", "--workers", "1", "-v"]
    command += ["--runs", str(tmp_path / "runs"), "--set", "training.epochs=100000", "--set", "budget.epochs=fixed"]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None
        lines = (line for line in process.stderr if "epoch" in line)
        next(lines)
        os.killpg(process.pid, signal.SIGINT)
        process.stderr.read()
        assert process.wait(120) == 130
