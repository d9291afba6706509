"""A training process: receives jobs, reports every epoch, answers. It does not know Optuna."""

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from tuner.networks.sources import PICKLED, take_copies
from tuner.result import Event, Watch
from tuner.worker.calls import failure_of
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Job


def work(connection: Connection, setup: Setup, log: Path | None) -> None:
    """The main function of a training process. It ends when its connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the search receives Ctrl-C and ends this process
    _redirect_output(log)
    if setup.gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = setup.gpu  # CUDA reads it at its first use
    from tuner.training import start

    start(setup.threads)
    os.chdir(setup.here)
    PICKLED.update(setup.functions)
    take_copies(setup.copies)

    def watch(event: Event) -> bool:
        connection.send(("event", event))
        answer: bool = connection.recv()
        return answer

    try:
        while True:
            connection.send(("answer", perform(connection.recv(), setup, watch)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def perform(job: Job, setup: Setup, watch: Watch) -> Answer:
    """The answer to one job; an exception becomes a `Failure`."""
    from tuner.worker.tasks import TASKS  # imports TensorFlow

    try:
        return TASKS[type(job)](job, setup, watch)
    except Exception as error:  # stored with the trial; the study continues
        return failure_of(error, traceback.format_exc())


def _redirect_output(log: Path | None) -> None:
    """Everything that libraries print goes to the worker's log file: descriptors, since C++ writes there too."""
    target = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    os.close(target)
