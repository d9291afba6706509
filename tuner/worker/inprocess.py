"""Jobs in this process, one after the other: for debugging and tests."""

from collections.abc import Iterator

from tuner.result import Watch
from tuner.training import start
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Job
from tuner.worker.process import perform


class InProcess:
    """Runs a job as soon as it is submitted."""

    size = 1

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        start(setup.threads)
        self.done: list[tuple[int, Answer]] = []

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return 0 if self.done else 1

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Run the job now and keep its answer for `answers`."""
        self.done.append((number, perform(job, self.setup, watch)))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """The numbers of the jobs that ended, with their answers."""
        while self.done:
            yield self.done.pop(0)

    def cancel(self, number: int) -> None:
        """Does nothing, since no job runs in the background."""

    def close(self, grace: float = 0.0) -> None:
        """Does nothing, since there is no process to end."""
