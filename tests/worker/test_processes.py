"""Training processes: the same figures as in process, death and replacement, an orderly and a hard end."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tuner.base.forking import can_fork
from tuner.data.sources import Places
from tuner.networks import Convolutional, Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Event, Result, never_stop
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Failure, Train
from tuner.worker.processes import Processes

pytestmark = pytest.mark.slow
RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=3))
ENDLESS = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=100_000))


def wait_for(executor: Processes | InProcess, seconds: float = 60) -> tuple[int, Answer]:
    """The next answer, and the number of its job."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for answer in executor.answers(0.2):
            return answer
    raise TimeoutError


@pytest.fixture(scope="module")
def executor(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Two training processes, shared by the tests of this file."""
    before = dict(os.environ)
    executor = Processes(Setup(places, workers=2, folder=Folder(tmp_path_factory.mktemp("study"))))
    assert dict(os.environ) == before
    yield executor
    executor.close()


def test_processes_are_forks_of_one_and_give_the_figures_of_this_process(executor: Processes, places: Places) -> None:
    recipes = [replace(RECIPE, seed=seed) for seed in range(2)]
    for number, recipe in enumerate(recipes):
        executor.submit(number, Train(recipe), never_stop)
    pids = [slot.process.pid for slot in executor.slots if slot.process]
    parents = {psutil.Process(pid).ppid() for pid in pids}
    theirs = dict(wait_for(executor) for _ in recipes)
    assert len(set(pids)) == 2
    assert len(parents) == 1
    assert (parents == {os.getpid()}) == (not can_fork())
    here = InProcess(Setup(places))
    for number, recipe in enumerate(recipes):
        here.submit(number, Train(recipe), never_stop)
        (_, ours), answer = wait_for(here), theirs[number]
        assert isinstance(ours, Result)
        assert isinstance(answer, Result)
        curves = [[epoch.training for epoch in each.folds[0].epochs] for each in (ours, answer)]
        assert curves[0] == curves[1]


def test_a_worker_that_dies_is_replaced(executor: Processes) -> None:
    def kill(event: Event) -> bool:
        executor.running[5][0].kill()
        return True

    executor.submit(5, Train(ENDLESS), kill)
    log = executor.slots[0].log
    assert wait_for(executor) == (
        5,
        Failure("died", f"its process was ended by SIGKILL (often the system, out of memory); its log is {log}"),
    )
    assert executor.free == 2
    for number in (6, 7):
        executor.submit(number, Train(RECIPE), never_stop)
    assert all(isinstance(answer, Result) for _, answer in (wait_for(executor), wait_for(executor)))


def test_a_failing_job_is_an_answer(executor: Processes) -> None:
    wrong = Recipe(data=Data(name="xor"), network=Convolutional(filters=(4,)), training=Training(epochs=1))
    executor.submit(0, Train(wrong), never_stop)
    _, answer = wait_for(executor)
    assert isinstance(answer, Failure)
    assert answer.reason == ("network.kind: must be 'dense' for inputs that are not images, which have the shape [2]")
    assert answer.traceback


def test_closing_ends_a_busy_worker(places: Places, tmp_path: Path) -> None:
    executor = Processes(Setup(places, folder=Folder(tmp_path)))
    executor.submit(0, Train(ENDLESS), never_stop)
    list(executor.answers(10))
    (slot,) = executor.slots
    process = slot.process
    assert process is not None
    started = time.monotonic()
    executor.close(grace=0.5)
    assert not process.is_alive()
    assert time.monotonic() - started < 5
