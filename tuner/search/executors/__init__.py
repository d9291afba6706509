"""Where jobs run. An executor takes jobs and watches, and gives their answers back; it decides nothing else."""

from collections.abc import Sequence

from tuner.result import never_stop
from tuner.search.interfaces import Executor
from tuner.search.jobs import Answer, Job


def perform_all(executor: Executor, jobs: Sequence[Job]) -> list[Answer]:
    """The answers to jobs that nobody watches, in their order."""
    waiting = list(enumerate(jobs))
    answers: dict[int, Answer] = {}
    while len(answers) < len(jobs):
        while waiting and executor.free:
            number, job = waiting.pop(0)
            executor.submit(number, job, never_stop)
        answers.update(executor.answers(seconds=0.2))
    return [answers[number] for number in range(len(jobs))]
