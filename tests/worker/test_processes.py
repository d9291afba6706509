"""Training processes: the same figures as in process, death and replacement, an orderly and a hard end."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tuner.data.load import Places
from tuner.networks import Convolutional, Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, FoldResult, Result, never_stop
from tuner.storage import default_url, open_storage, read_study
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Failure, Train
from tuner.worker.processes import Processes

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
    executor = Processes(1, 1, places, tmp_path)
    executor.submit(0, Train(RECIPE), never_stop)
    theirs = wait_for(executor)
    executor.close()
    here = InProcess(1, places)
    here.submit(0, Train(RECIPE), never_stop)
    ours = wait_for(here)
    assert isinstance(ours, Result)
    assert isinstance(theirs, Result)
    assert [epoch.training for epoch in theirs.folds[0].epochs] == [epoch.training for epoch in ours.folds[0].epochs]


def test_a_worker_that_dies_is_replaced(places: Places, tmp_path: Path) -> None:
    executor = Processes(1, 1, places, tmp_path)

    def kill(event: Epoch | FoldResult) -> bool:
        os.kill(executor.workers[0].process.pid or 0, signal.SIGKILL)
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
    executor = Processes(1, 1, places, tmp_path)
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
    executor = Processes(1, 1, places, tmp_path)
    executor.submit(0, Train(ENDLESS), never_stop)
    list(executor.answers(10))
    process = executor.workers[0].process
    started = time.monotonic()
    executor.close(grace=0.5)
    assert not process.is_alive()
    assert time.monotonic() - started < 5


LONG = ("--set", "training.epochs=100000", "--set", "training.batch_size=1", "--set", "network.widths=[400, 400]")


def start_search(small_study: Path, places: Places, *arguments: str) -> subprocess.Popen[str]:
    """A search in a process of its own, whose trials do not end by themselves."""
    return subprocess.Popen(
        [sys.executable, "-m", "tuner", "optimize", "--study", str(small_study), *arguments],
        cwd=small_study.parent,
        env={**os.environ, "TUNER_CACHE": str(places.cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_epochs(runs: Path) -> None:
    """Until a trial has reported an epoch."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (runs / "tuner.db").is_file():
            with closing(sqlite3.connect(runs / "tuner.db")) as connection:
                (count,) = connection.execute("SELECT COUNT(*) FROM trial_intermediate_values").fetchone()
            if count:
                return
        time.sleep(0.3)
    raise TimeoutError((runs / "small" / "worker-1.log").read_text())


def test_ctrl_c_ends_a_search_in_order_within_seconds(small_study: Path, places: Places) -> None:
    process = start_search(small_study, places, *LONG, "--workers", "2", "--json")
    runs = small_study.parent / "runs"
    wait_for_epochs(runs)
    children = psutil.Process(process.pid).children(recursive=True)
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "interrupted, everything finished is kept" in output
    assert json.loads(output.splitlines()[-1])["ended"] == "interrupt"
    assert psutil.wait_procs(children, timeout=5)[1] == []
    record = read_study(open_storage(default_url(runs)), "small")
    assert record.count("running") == 0
    assert record.count("waiting") == record.count("interrupted") >= 1


def test_kill_9_loses_at_most_the_running_trial(small_study: Path, places: Places) -> None:
    runs = small_study.parent / "runs"
    process = start_search(small_study, places, *LONG, "--workers", "1")
    wait_for_epochs(runs)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert psutil.wait_procs(children, timeout=10)[1] == []
    again = start_search(small_study, places, *LONG, "--timeout", "3s", "--workers", "1")
    _, errors = again.communicate(timeout=60)
    assert "1 trials of a process that is gone are queued again" in errors
    trials = read_study(open_storage(default_url(runs)), "small").trials
    assert trials[0].state == "failed"
    assert trials[1].params == trials[0].params
