"""Training processes on a machine of two GPUs, as its `nvidia-smi` says, which is a script here: real processes, no GPU."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gpus import install_smi
from tuner.__main__ import run
from tuner.base.machine import installed_gpus
from tuner.data.sources import Places
from tuner.result import never_stop
from tuner.storage import default_url, open_storage, read_study
from tuner.worker.calls import Call, Failure, Returned, dump
from tuner.worker.executor import Setup, capacity_of
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer
from tuner.worker.processes import Processes

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine of two GPUs and four cores."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    install_smi(tmp_path, monkeypatch, "GPU-1, 143771, NVIDIA H200", "GPU-2, 143771, NVIDIA H200")
    installed_gpus.cache_clear()
    yield
    installed_gpus.cache_clear()


def answers_of(executor: Processes, jobs: int, seconds: float = 120) -> dict[int, Answer]:
    """The answers to so many jobs."""
    answers: dict[int, Answer] = {}
    deadline = time.monotonic() + seconds
    while len(answers) < jobs and time.monotonic() < deadline:
        answers |= dict(executor.answers(0.2))
    return answers


def test_each_process_sees_its_own_gpu_and_takes_memory_as_it_needs_it(places: Places, tmp_path: Path) -> None:
    def seen(_: object) -> tuple[int, ...]:
        import tensorflow as tf

        assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
        assert tf.config.list_physical_devices("CPU")
        return int(os.environ["CUDA_VISIBLE_DEVICES"].removeprefix("GPU-")), os.getpid()

    before = dict(os.environ)
    executor = Processes(Setup(places, workers=3, folder=Folder(tmp_path)))
    try:
        for number in range(3):
            executor.submit(number, Call(dump(seen)), never_stop)
        returned = [each.values for each in answers_of(executor, 3).values() if isinstance(each, Returned)]
    finally:
        executor.close()
    assert sorted(each[0] for each in returned if each) == [1, 1, 2]
    assert len({each[1] for each in returned if each}) == 3
    assert dict(os.environ) == before
    assert capacity_of(executor).text == "3 training processes on NVIDIA H200 × 2"


@pytest.mark.long
def test_a_device_without_memory_is_a_failure_and_its_process_is_replaced(places: Places, tmp_path: Path) -> None:
    def too_large(_: object) -> None:
        import tensorflow as tf

        tf.zeros([2**45])

    def process(_: object) -> int:
        return os.getpid()

    executor, pids = Processes(Setup(places, folder=Folder(tmp_path))), []
    try:
        for function in (process, too_large, process):
            executor.submit(0, Call(dump(function)), never_stop)
            pids.append(answers_of(executor, 1)[0])
    finally:
        executor.close()
    first, failure, last = pids
    assert isinstance(failure, Failure)
    assert failure.kind == "memory"
    assert re.fullmatch(
        r"out of memory: OOM when allocating tensor with shape\[35184372088832\] .*; "
        "give fewer processes more each with --workers",
        failure.reason,
    )
    assert first != last


@pytest.mark.long
def test_a_search_says_on_which_gpus_it_trains(
    small_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = run(["optimize", "--study", str(small_study), "--trials", "2", "--runs", str(tmp_path / "runs"), "--cold"])
    assert status == 0
    assert "4 training processes on NVIDIA H200 × 2\n" in capfd.readouterr().err
    trials = read_study(open_storage(default_url(tmp_path / "runs")), "small").trials
    assert {each.environment["device"] for each in trials} == {"NVIDIA H200 × 2"}
