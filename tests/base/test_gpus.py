"""The GPUs of a machine, by an `nvidia-smi` that is a script here, and the number of training processes on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gpus import install_smi
from tuner.base.forking import can_fork
from tuner.base.machine import cores, device, environment, gpus, installed_gpus, worker_count

TWO = ("GPU-1-1a, 143771, NVIDIA H200", "GPU-2-1b, 143771, NVIDIA H200")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was known of GPUs is asked for again, before a test and after it."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    installed_gpus.cache_clear()
    yield
    installed_gpus.cache_clear()


def test_all_gpus_of_the_machine_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_smi(tmp_path, monkeypatch, *TWO, "GPU-3, [N/A], NVIDIA GB10, rev. 2")
    assert [(each.name, each.memory // 2**20) for each in gpus()] == [
        ("GPU-1-1a", 143771),
        ("GPU-2-1b", 143771),
        ("GPU-3", 0),
    ]
    assert device() == environment(1)["device"] == "NVIDIA H200 × 2, NVIDIA GB10, rev. 2 × 1"
    assert not can_fork()


@pytest.mark.parametrize(
    ("listed", "names", "models"),
    [
        ("1", ["1"], "NVIDIA H200 × 1"),
        ("1, GPU-1-1a", ["1", "GPU-1-1a"], "NVIDIA H200 × 2"),
        ("MIG-5", ["MIG-5"], "NVIDIA GPU × 1"),
        ("", [], "cpu"),
        ("-1", [], "cpu"),
    ],
)
def test_those_that_the_environment_lists_are_used(
    listed: str, names: list[str], models: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_smi(tmp_path, monkeypatch, *TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert ([each.name for each in gpus()], device()) == (names, models)


@pytest.mark.parametrize("script", ["exit 9", "echo No devices were found"])
def test_a_driver_that_does_not_answer_has_no_gpu(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_smi(tmp_path, monkeypatch, script=script)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpus() == () or Path("/dev/nvidia0").exists()


@pytest.mark.parametrize(
    ("mebibytes", "cores_here", "count"),
    [
        ((143771,), 16, 4),  # four at most
        ((143771, 143771), 16, 8),
        ((143771, 11264), 16, 4),  # two on each, as the smallest has room for
        ((2048, 2048), 16, 2),
        (("[N/A]",), 16, 1),
        ((143771,), 3, 3),
        ((143771,) * 4, 2, 4),  # none is idle
    ],
)
def test_auto_is_as_many_processes_as_fit_on_the_gpus(
    mebibytes: tuple[int | str, ...], cores_here: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores_here)), raising=False)
    install_smi(tmp_path, monkeypatch, *(f"GPU-{number}, {each}, A" for number, each in enumerate(mebibytes)))
    assert cores() == cores_here
    assert worker_count("auto", print) == count
