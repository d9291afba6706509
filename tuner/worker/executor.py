"""Where jobs run. An executor takes jobs and watches, and gives their answers back; it decides nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tuner.data.sources import Places
from tuner.result import Watch
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Job


class Executor(Protocol):
    """Where jobs run: in this process, in local processes, elsewhere. `size` jobs can run at once, `free` more now."""

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
    """What an executor is made of: how many jobs run at once, each with so many TensorFlow threads; where data sets are
    found; and the study's folder, without which nothing can be saved."""

    places: Places
    workers: int = 1
    threads: int = 1
    folder: Folder | None = None
