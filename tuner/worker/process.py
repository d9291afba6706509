"""The inside of a training process: takes jobs, trains, tells of every epoch, answers. Knows nothing of Optuna."""

import os
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tuner.data.load import Places
from tuner.result import Epoch, FoldResult, Watch
from tuner.worker.jobs import Answer, Failure, Job, Replicate, Test, Time, Train


@dataclass(frozen=True)
class WorkerSettings:
    """What a training process needs to know once."""

    places: Places
    threads: int
    log: Path | None


def work(connection: Connection, settings: WorkerSettings) -> None:
    """The main function of a training process. It ends when its connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the conductor hears Ctrl-C and ends us in order
    _redirect_output(settings.log)
    from tuner.training.runtime import start

    start(settings.threads)

    def watch(event: Epoch | FoldResult) -> bool:
        connection.send(("event", event))
        return bool(connection.recv())

    try:
        while True:
            connection.send(("answer", perform(connection.recv(), settings.places, watch)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def perform(job: Job, places: Places, watch: Watch) -> Answer:
    """The answer to one job; whatever goes wrong in it is an answer too."""
    from tuner.worker import tasks

    try:
        match job:
            case Train():
                return tasks.train(job, places, watch)
            case Replicate():
                return tasks.replicate(job, places, watch)
            case Test():
                return tasks.test(job, places)
            case Time():
                return tasks.time(job)
    except MemoryError as error:
        return Failure("memory", f"out of memory: {error}", traceback.format_exc())
    except Exception as error:  # a trial's failure is kept with the trial; the study goes on
        kind = "memory" if type(error).__name__ == "ResourceExhaustedError" else "exception"
        return Failure(kind, _one_line(error), traceback.format_exc())


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _redirect_output(log: Path | None) -> None:
    """Everything that libraries print goes to the worker's log file: descriptors, since C++ writes there too."""
    target = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    os.close(target)
