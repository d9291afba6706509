"""This machine: cores, GPUs, memory, fast number formats, versions."""

import os
import platform
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from tuner import __version__
from tuner.base.errors import TunerError

GPUS = ("nvidia-smi", "--query-gpu=uuid,memory.total,name", "--format=csv,noheader,nounits")
GPU_BYTES_EACH, MOST_ON_GPU = 4 * 2**30, 4
"""A GPU's memory for each training process, and the most of them on one: their kernels take turns (docs/start.md)."""


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU: its name in CUDA_VISIBLE_DEVICES, its model, and its bytes of memory (0: unknown)."""

    name: str
    model: str = "NVIDIA GPU"
    memory: int = 0


def gpus() -> tuple[Gpu, ...]:
    """The GPUs in CUDA_VISIBLE_DEVICES; without that variable all of this machine."""
    here = installed_gpus()
    known = {name: each for number, each in enumerate(here) for name in (str(number), each.name)}
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(each.name for each in here)) if here else ""
    names = listed.replace(" ", "").split(",")
    return tuple(replace(known.get(name, Gpu(name)), name=name) for name in names if name not in ("", "-1"))


@cache
def installed_gpus() -> tuple[Gpu, ...]:
    """The GPUs of this machine by `nvidia-smi`; without it by their device files."""
    try:
        done = subprocess.run(GPUS, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return tuple(Gpu(str(number)) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*")))
    rows = [line.split(", ", 2) for line in done.stdout.splitlines() if line.count(", ") >= 2]
    return tuple(Gpu(uuid, model, int(mebi) * 2**20 if mebi.isdecimal() else 0) for uuid, mebi, model in rows)


def device() -> str:
    """What training processes compute on: the models of the GPUs with their numbers, or cpu."""
    models = Counter(each.model for each in gpus())
    return ", ".join(f"{model} × {number}" for model, number in models.items()) or "cpu"


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    named = re.search(r"(?m)^model name\s*:(.*)$", _cpuinfo())
    return named[1].strip() if named else platform.processor() or platform.machine()


def memory() -> int:
    """Bytes of memory for all processes: the machine's, or the container's limit."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return total


def fast_precision() -> Literal["float32", "bfloat16"]:
    """The fastest number format for matrix products: bfloat16 on x86 processors with instructions for it."""
    return "bfloat16" if re.search("avx512_bf16|amx_bf16", _cpuinfo()) else "float32"


def worker_count(workers: int | str, log: Callable[[str], object]) -> int:
    """The number of training processes. `auto` is one per core, since a second thread gains almost nothing on small networks; with
    NVIDIA GPUs as many as fit side by side on each, up to the cores. More than the cores (or the GPUs) are fewer, and `log` says so.
    Raises `TunerError` for anything else that is no number above 0."""
    asked, here = workers_asked(workers), gpus()
    if not asked:
        each = min([MOST_ON_GPU, *(gpu.memory // GPU_BYTES_EACH for gpu in here)])
        return min(len(here) * max(1, each), max(cores(), len(here))) or cores()
    most = max(2, cores(), len(here))  # of two one computes while the other reads
    if asked > most:
        log(f"{asked} training processes are slower than {most} on {cores()} cores: {most} are used")
    return min(asked, most)


def workers_asked(workers: int | str) -> int:
    """The number of training processes that was asked for, 0 for `auto`. Raises `TunerError` for anything else that is no number
    above 0."""
    if workers == "auto":
        return 0
    if not str(workers).isdigit() or int(workers) < 1:
        raise TunerError(f"workers: must be a number of processes, or auto, got {workers!r}")
    return int(workers)


def environment(threads: int) -> dict[str, str]:
    """Versions, machine and threads, as stored with every trial."""
    packages = ("tensorflow", "keras", "optuna", "numpy")
    return {
        "tuner": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "processor": processor(),
        "device": device(),
        "cores": str(cores()),
        "host": socket.gethostname(),
        "threads": str(threads),
    }


def _cpuinfo() -> str:
    """What Linux says about the processor; empty elsewhere."""
    with suppress(OSError):
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return ""
