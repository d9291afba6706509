"""Where jobs run. An executor takes jobs and watches, and gives their answers back; it decides nothing else."""

from collections.abc import Iterator, Sequence

from tuner.result import never_stop
from tuner.worker.executor import Executor
from tuner.worker.jobs import Answer, Job


def perform(executor: Executor, jobs: Sequence[Job]) -> Iterator[tuple[int, Answer]]:
    """The answers to jobs that nobody watches, each with the job's index, as they come."""
    waiting, running = list(enumerate(jobs)), 0
    while waiting or running:
        while waiting and executor.free:
            executor.submit(*waiting.pop(0), never_stop)
            running += 1
        for index, answer in executor.answers(seconds=0.2):
            running -= 1
            yield index, answer


def perform_all(executor: Executor, jobs: Sequence[Job]) -> list[Answer]:
    """The answers to jobs that nobody watches, in their order."""
    return [answer for _, answer in sorted(perform(executor, jobs), key=lambda pair: pair[0])]
