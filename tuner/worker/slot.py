"""Room for one training process: forked from one that has imported what it needs, or spawned where forking is not safe
(`tuner.base.forking`). It receives jobs through a pipe, and is replaced when it has died or grown too large."""

import contextlib
import signal
from multiprocessing.process import BaseProcess
from typing import Literal

import psutil

from tuner.base.forking import started
from tuner.result import Event
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Failure, Job
from tuner.worker.process import work

Message = tuple[Literal["event"], Event] | tuple[Literal["answer"], Answer]
"""What a training process says: an event, on which it waits for whether it goes on, or the answer to its job."""

MEMORY_LIMIT = int(1.1 * 2**30)
GROWTH = 1.25
"""A process that is larger than this (bytes, resident) and has grown by this factor since its first jobs is replaced between
two jobs: TensorFlow keeps some megabytes of each model."""

FIRST_JOBS = 2
"""The first jobs of a process: measuring the epoch time, and the training that follows."""


class Slot:
    """The training process with this number, once it has been started. A forked one starts with its first job; what it is forked
    from is importing by then."""

    def __init__(self, method: str, setup: Setup, number: int) -> None:
        self.method, self.setup = method, setup
        self.log = setup.folder.log(number) if setup.folder else None
        self.process: BaseProcess | None = None
        self.jobs_done = self.size_at_first = 0
        if method == "spawn":
            self._start()

    def begin(self, job: Job) -> None:
        """Send a job to the process, or to a new one if it is dead or too large. Raises `NotStarted` if a signal keeps one from
        starting."""
        if self.process and not (self.process.is_alive() and not self._is_too_large):
            self.end(grace=1.0)
        if not self.process:
            self._start()
        self.reply(job)

    def reply(self, message: Job | bool | bytes) -> None:
        """Send what an event waits for. If the process is dead, `receive` tells."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def receive(self) -> Message:
        """Wait for the next message; the death of the process is a `Failure`."""
        try:
            message: Message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return "answer", self._failure()
        if message[0] == "answer":
            self.jobs_done += 1
            if self.jobs_done <= FIRST_JOBS:
                self.size_at_first = self._size
            if isinstance(message[1], Failure) and message[1].kind == "memory":
                self.end(grace=1.0)  # TensorFlow never gives a GPU's memory back
        return message

    def kill(self) -> None:
        """Kill the process. `receive`, which may wait in another thread, tells its death."""
        if process := self.process:
            process.kill()
            process.join(timeout=5)

    def hang_up(self) -> None:
        """Close the connection: the process ends with its next message."""
        if self.process:
            self.connection.close()

    def end(self, grace: float) -> None:
        """End the process, by force after `grace` seconds."""
        if not self.process:
            return
        self.hang_up()
        self.process.join(timeout=grace)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(timeout=5)
        self.process = None

    def _start(self) -> None:
        self.process, self.connection = started(self.method, work, self.setup, self.log)
        self.jobs_done = self.size_at_first = 0

    def _failure(self) -> Failure:
        assert self.process is not None
        self.process.join(timeout=5)
        where = f"; its log is {self.log}" if self.log else ""
        failure = Failure("died", _cause_of_death(self.process.exitcode) + where)
        self.process = None
        return failure

    @property
    def _is_too_large(self) -> bool:
        limit = max(MEMORY_LIMIT, GROWTH * self.size_at_first)
        return self.jobs_done >= FIRST_JOBS and self._size > limit

    @property
    def _size(self) -> int:
        """Its resident size in bytes; 0 if it is unknown."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss) if self.process else 0
        except psutil.Error:
            return 0


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = " (often the system, out of memory)" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with exit status {exit_code}"
