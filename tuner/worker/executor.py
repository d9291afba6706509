"""Where jobs run. An executor takes jobs and watches, and gives their answers back; it decides nothing else."""

from collections.abc import Iterator
from typing import Protocol

from tuner.result import Watch
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

    def close(self, grace: float = 1.0) -> None: ...
