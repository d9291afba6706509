"""The inside of a training process: takes jobs, reports every epoch, answers. It does not know Optuna."""

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from tuner.result import Event, Watch
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Combine, EpochTime, Failure, Job, Latency, ReferenceModels, Test, Train
from tuner.worker.replication import Replicate, replicate


def work(connection: Connection, setup: Setup, log: Path | None) -> None:
    """The main function of a training process. It ends when its connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the search hears Ctrl-C and ends us in order
    _redirect_output(log)
    from tuner.training import start

    start(setup.threads)

    def watch(event: Event) -> bool:
        connection.send(("event", event))
        return bool(connection.recv())

    try:
        while True:
            connection.send(("answer", perform(connection.recv(), setup, watch)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def perform(job: Job, setup: Setup, watch: Watch) -> Answer:
    """The answer to one job; an exception becomes a `Failure`."""
    import tuner.worker.tasks as tasks  # imports TensorFlow

    try:
        match job:
            case Train():
                return tasks.train(job, setup, watch)
            case Replicate():
                return replicate(job, setup.places, watch)
            case Test():
                return tasks.test(job, setup)
            case Latency():
                return tasks.measure_latency(job)
            case Combine():
                return tasks.combine(job, setup)
            case ReferenceModels():
                return tasks.fit_references(job, setup)
            case EpochTime():
                return tasks.measure_epoch(job, setup.places)
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
