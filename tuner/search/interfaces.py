"""What the search needs of others: somebody who runs jobs, and somebody who is told what happens."""

from collections.abc import Iterator
from typing import Protocol

from tuner.recipe import Recipe
from tuner.result import Epoch, Watch
from tuner.search.jobs import Answer, Job
from tuner.storage import StudyRecord, TrialRecord


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


class Listener(Protocol):
    """Told of what happens, for whoever shows it."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe) -> None: ...

    def advanced(self, number: int, epoch: Epoch) -> None: ...

    def paused(self, number: int, epoch: Epoch) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def said(self, message: str) -> None: ...
