"""Training processes: the same figures as in process, death and replacement, an orderly and a hard end."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tuner.data.sources import Places
from tuner.networks import Convolutional, Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Event, Result, never_stop
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Failure, Train
from tuner.worker.processes import Processes, _can_fork

pytestmark = pytest.mark.slow
RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=3))
ENDLESS = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=100_000))


def wait_for(executor: Processes | InProcess, seconds: float = 60) -> Answer:
    """The next answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for _, answer in executor.answers(0.2):
            return answer
    raise TimeoutError


def test_a_worker_gives_the_figures_of_this_process(places: Places, tmp_path: Path) -> None:
    executor = Processes(Setup(places, folder=Folder(tmp_path)))
    executor.submit(0, Train(RECIPE), never_stop)
    theirs = wait_for(executor)
    executor.close()
    here = InProcess(Setup(places))
    here.submit(0, Train(RECIPE), never_stop)
    ours = wait_for(here)
    assert isinstance(ours, Result)
    assert isinstance(theirs, Result)
    assert [epoch.training for epoch in theirs.folds[0].epochs] == [epoch.training for epoch in ours.folds[0].epochs]


def test_a_worker_that_dies_is_replaced(places: Places, tmp_path: Path) -> None:
    executor = Processes(Setup(places, folder=Folder(tmp_path)))

    def kill(event: Event) -> bool:
        (worker,) = executor.workers
        assert worker is not None
        os.kill(worker.process.pid or 0, signal.SIGKILL)
        return True

    executor.submit(0, Train(ENDLESS), kill)
    answer = wait_for(executor)
    assert answer == Failure(
        "died",
        f"its process was ended by SIGKILL (often the system, out of memory); its log is {tmp_path}/worker-1.log",
    )
    executor.submit(1, Train(RECIPE), never_stop)
    assert isinstance(wait_for(executor), Result)
    executor.close()


def test_a_failing_job_is_an_answer(places: Places, tmp_path: Path) -> None:
    executor = Processes(Setup(places, folder=Folder(tmp_path)))
    wrong = Recipe(data=Data(name="xor"), network=Convolutional(filters=(4,)), training=Training(epochs=1))
    executor.submit(0, Train(wrong), never_stop)
    answer = wait_for(executor)
    executor.close()
    assert isinstance(answer, Failure)
    assert answer.reason == (
        "Invalid: network.kind: must be 'dense' for inputs that are not images, which have the shape [2]"
    )
    assert answer.traceback


def test_closing_ends_a_busy_worker(places: Places, tmp_path: Path) -> None:
    executor = Processes(Setup(places, folder=Folder(tmp_path)))
    executor.submit(0, Train(ENDLESS), never_stop)
    list(executor.answers(10))
    (worker,) = executor.workers
    assert worker is not None
    process = worker.process
    started = time.monotonic()
    executor.close(grace=0.5)
    assert not process.is_alive()
    assert time.monotonic() - started < 5


def test_processes_are_forks_of_one_that_has_imported_what_they_need(places: Places, tmp_path: Path) -> None:
    before = dict(os.environ)
    executor = Processes(Setup(places, workers=2, folder=Folder(tmp_path)))
    assert dict(os.environ) == before
    for number in range(2):
        executor.submit(number, Train(replace(RECIPE, seed=number)), never_stop)
    pids = [worker.process.pid for worker in executor.workers if worker]
    parents = {psutil.Process(pid).ppid() for pid in pids}
    assert all(isinstance(wait_for(executor), Result) for _ in range(2))
    executor.close()
    assert len(set(pids)) == 2
    assert len(parents) == 1
    assert (parents == {os.getpid()}) == (not _can_fork())
