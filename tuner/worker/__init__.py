"""Running jobs. An executor receives jobs and watches, and returns the jobs' answers."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from tuner.base.errors import StudyError, TunerError, near_miss
from tuner.result import Event
from tuner.worker.executor import Executor, Setup
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Job, reason_of
from tuner.worker.processes import Processes
from tuner.worker.ray import Ray

T = TypeVar("T")
EXECUTORS: dict[str, Callable[[Setup], Executor]] = {
    "processes": Processes,
    "in_process": InProcess,
    "ray": Ray,
}


def make_executor(name: str, setup: Setup) -> Executor:
    """The executor of that name. Raises `TunerError` with the near miss."""
    if name not in EXECUTORS:
        raise TunerError(f"there is no executor {name!r}; {near_miss(name, EXECUTORS)}")
    return EXECUTORS[name](setup)


def perform(
    executor: Executor, jobs: Sequence[Job], watch: Callable[[int, Event], bool] = lambda _, __: True
) -> Iterator[tuple[int, Answer]]:
    """The answers to jobs as they come, each with the job's index. `watch` receives the events of all jobs, with the index."""
    waiting, running = list(enumerate(jobs)), 0
    while waiting or running:
        while waiting and executor.free:
            index, job = waiting.pop(0)
            executor.submit(index, job, partial(watch, index))
            running += 1
        for index, answer in executor.answers(seconds=0.2):
            running -= 1
            yield index, answer


def perform_all(executor: Executor, jobs: Sequence[Job]) -> list[Answer]:
    """The answers to jobs in their order, without a watch."""
    return [answer for _, answer in sorted(perform(executor, jobs), key=lambda pair: pair[0])]


def require_answers(executor: Executor, jobs: Sequence[Job], kind: type[T], problem: str) -> list[T]:
    """The answers to jobs in their order. Raises `StudyError` with the problem and the reason for one that is not of this kind."""
    answers = perform_all(executor, jobs)
    for answer in answers:
        if not isinstance(answer, kind):
            raise StudyError(f"{problem}: {reason_of(answer)}")
    return [answer for answer in answers if isinstance(answer, kind)]
