"""Local training processes: forked from one that has imported what they need, or spawned where forking is not safe
(`tuner.base.forking`). They receive jobs through pipes, and are replaced when they die or have grown too large."""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from tuner.base.forking import start_method, started
from tuner.result import Watch
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Failure, Job
from tuner.worker.process import work

MEMORY_LIMIT = int(1.1 * 2**30)
GROWTH = 1.25
"""A worker that is larger than this (bytes, resident) and has grown by this factor since its first jobs is replaced between
two jobs: TensorFlow keeps some megabytes of each model."""

FIRST_JOBS = 2
"""The first jobs of a worker: measuring the epoch time, and the training that follows."""


@dataclass
class Worker:
    """A live training process, its current job, the number of finished jobs, and its size after the first ones in bytes."""

    process: BaseProcess
    connection: Connection
    job: int | None = None
    watch: Watch | None = None
    jobs_done: int = 0
    size_at_first: int = 0

    def finish(self) -> None:
        """Record that its job is done."""
        self.job = self.watch = None
        self.jobs_done += 1
        if self.jobs_done <= FIRST_JOBS:
            self.size_at_first = _size(self)


class Processes:
    """Local training processes; their logs go to the study's folder."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.size = setup, setup.workers
        folder, numbers = setup.folder, range(1, setup.workers + 1)
        self.logs = [folder.log(number) if folder else None for number in numbers]
        self.workers: list[Worker | None] = [None for _ in self.logs]
        self.method = start_method()
        if self.method == "spawn":
            self.workers = [self._start(log) for log in self.logs]

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return sum(worker is None or worker.job is None for worker in self.workers)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Send a job to a free worker. `watch` is called within `answers`, for every event of the job. Raises `NotStarted` if a
        signal keeps the worker from starting."""
        index = next(index for index, worker in enumerate(self.workers) if worker is None or worker.job is None)
        worker = self.workers[index]
        if worker is not None and (not worker.process.is_alive() or _too_large(worker)):
            _end(worker, grace=1.0)
            worker = None
            self.workers[index] = None
        worker = self.workers[index] = worker or self._start(self.logs[index])
        worker.job, worker.watch = number, watch
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its death is noticed in `answers`
            worker.connection.send(job)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """Wait up to `seconds` for a message; yield the numbers of the jobs that ended, with their answers."""
        busy = {worker.connection: worker for worker in self._all if worker.job is not None}
        for connection in wait(list(busy), timeout=seconds):
            yield from self._hear(busy[connection])  # type: ignore[index]

    @property
    def _all(self) -> list[Worker]:
        return [worker for worker in self.workers if worker is not None]

    def _start(self, log: Path | None) -> Worker:
        return Worker(*started(self.method, work, self.setup, log))

    def _hear(self, worker: Worker) -> Iterator[tuple[int, Answer]]:
        index, number = self.workers.index(worker), worker.job
        assert number is not None
        assert worker.watch is not None
        try:
            match worker.connection.recv():
                case ("event", event):
                    worker.connection.send(worker.watch(event))
                case ("answer", answer):
                    worker.finish()
                    yield number, answer
        except (EOFError, BrokenPipeError, ConnectionResetError):
            worker.process.join(timeout=5)
            self.workers[index] = None
            log = self.logs[index]
            where = f"; its log is {log}" if log else ""
            yield number, Failure("died", _cause_of_death(worker.process.exitcode) + where)

    def cancel(self, number: int) -> None:
        """Kill the worker of a job; it will be replaced."""
        for worker in self._all:
            if worker.job == number:
                _end(worker, grace=0.0)
                self.workers[self.workers.index(worker)] = None

    def close(self, grace: float = 0.0) -> None:
        """End all workers, by force after `grace` seconds."""
        deadline = time.monotonic() + grace
        for worker in self._all:
            worker.connection.close()
        for worker in self._all:
            _end(worker, max(0.0, deadline - time.monotonic()))


def _end(worker: Worker, grace: float) -> None:
    worker.connection.close()
    worker.process.join(timeout=grace)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join(timeout=5)


def _too_large(worker: Worker) -> bool:
    limit = max(MEMORY_LIMIT, GROWTH * worker.size_at_first)
    return worker.jobs_done >= FIRST_JOBS and _size(worker) > limit


def _size(worker: Worker) -> int:
    """Its resident size in bytes; 0 if it is unknown."""
    try:
        return int(psutil.Process(worker.process.pid).memory_info().rss)
    except psutil.Error:
        return 0


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = " (often the system, out of memory)" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with exit status {exit_code}"
