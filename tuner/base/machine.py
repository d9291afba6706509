"""This machine: cores, memory, fast number formats, versions."""

import os
import platform
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from tuner import __version__
from tuner.base.errors import TunerError


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
    """The number of training processes. `auto` is one per core, since a second thread gains almost nothing on small networks; one
    with an NVIDIA GPU. More than the cores are fewer, and `log` says so. Raises `TunerError` for anything else that is no number
    above 0."""
    asked = workers_asked(workers)
    if not asked:
        return 1 if Path("/dev/nvidia0").exists() else cores()
    most = max(2, cores())  # of two one computes while the other reads
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
        "cores": str(cores()),
        "host": socket.gethostname(),
        "threads": str(threads),
    }


def _cpuinfo() -> str:
    """What Linux says about the processor; empty elsewhere."""
    with suppress(OSError):
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return ""
