"""What an executor of jobs is, and what it is made with."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tuner.data.sources import Places
from tuner.networks.sources import PICKLED
from tuner.result import Watch
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Job


class Executor(Protocol):
    """Runs jobs in this process, in local processes or elsewhere. `size` jobs can run at once, `free` more now."""

    @property
    def size(self) -> int: ...

    @property
    def free(self) -> int: ...

    def submit(self, number: int, job: Job, watch: Watch) -> None: ...

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]: ...

    def cancel(self, number: int) -> None: ...

    def close(self, grace: float = 0.0) -> None: ...


@dataclass(frozen=True)
class Setup:
    """The places of data sets, the number of jobs at once and of TensorFlow threads for each, and the study's folder, without which
    no job can save anything. Training processes work in the folder that this process is in (`here`), and have the functions that only
    it has."""

    places: Places
    workers: int = 1
    threads: int = 1
    folder: Folder | None = None
    here: str = field(default_factory=os.getcwd)
    functions: Mapping[str, bytes] = field(default_factory=PICKLED.copy)
