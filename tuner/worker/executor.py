"""What an executor of jobs is, and what it is made with."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tuner.base.errors import require
from tuner.base.machine import device, gpus, memory
from tuner.data.sources import Places
from tuner.networks.sources import PICKLED
from tuner.result import Watch
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Job

SHARE_OF_MEMORY = 0.9
"""Share of a machine's memory for all its training processes."""


@dataclass(frozen=True)
class Capacity:
    """The bytes of memory for each job, in words where jobs run (empty: on this machine's processor), and on what device."""

    memory: int
    text: str = ""
    device: str = field(default_factory=device)


class Executor(Protocol):
    """Runs jobs in this process, in local processes or elsewhere. `size` jobs can run at once, `free` more now. One that is
    submitted where none is free waits in an executor that is not local."""

    @property
    def size(self) -> int: ...

    @property
    def free(self) -> int: ...

    def submit(self, number: int, job: Job, watch: Watch) -> None: ...

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]: ...

    def cancel(self, number: int) -> None: ...

    def close(self, grace: float = 0.0) -> None: ...


def capacity_of(executor: Executor) -> Capacity:
    """What an executor has as its `capacity`; that of one without it is this machine's."""
    text = f"{executor.size} training processes on {device()}" if gpus() else ""
    here = Capacity(int(SHARE_OF_MEMORY * memory()) // executor.size, text)
    capacity: Capacity = getattr(executor, "capacity", here)
    return capacity


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster's address (empty: that of RAY_ADDRESS, or a Ray of this process's own), and the CPUs and the GPUs, or the share
    of one, that each training process has there."""

    address: str = ""
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        for option, value, least in (("--cpus-per-trial", self.cpus, 0.01), ("--gpus-per-trial", self.gpus, 0.0)):
            is_valid = value >= least and (value < 1 or float(value).is_integer())
            require(is_valid, option, f"be a whole number, or below 1 a share from {least:g}", value)


@dataclass(frozen=True)
class Setup:
    """The places of data sets, the number of jobs at once (in a cluster 0 for as many as it has room for) and of TensorFlow threads
    for each, and the study's folder, without which no job can save anything. Training processes work in the folder that this process
    is in (`here`), and have the functions that only it has, and `copies` of the user's `sources` (with hashes) where they may lack
    them. A process that has a `gpu` sees no other one."""

    places: Places
    workers: int = 1
    threads: int = 1
    folder: Folder | None = None
    here: str = field(default_factory=os.getcwd)
    functions: Mapping[str, bytes] = field(default_factory=PICKLED.copy)
    sources: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    cluster: Cluster = Cluster()
    gpu: str = ""
