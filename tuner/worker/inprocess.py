"""Jobs in this very process, one after the other: for debugging, and for tests of the search around them."""

from collections.abc import Iterator

from tuner.result import Watch
from tuner.training import start
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Job
from tuner.worker.process import perform


class InProcess:
    """Runs a job as soon as it is submitted."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        start(setup.threads)
        self.done: list[tuple[int, Answer]] = []

    @property
    def size(self) -> int:
        """How many jobs can run at once."""
        return 1

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return 0 if self.done else 1

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Run the job now; its answer waits in `answers`."""
        self.done.append((number, perform(job, self.setup, watch)))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """The jobs that ended, with their answers."""
        while self.done:
            yield self.done.pop(0)

    def cancel(self, number: int) -> None:
        """Nothing runs in the background here."""

    def close(self, grace: float = 0.0) -> None:
        """Nothing to end."""
