"""Starting processes that use TensorFlow: on Linux forks of one that has only imported it, elsewhere new ones.

Importing takes seconds, a fork a moment, and forks share the memory. TensorFlow starts its threads at its first use, after the fork.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from types import ModuleType

from tuner.base.machine import gpus

PRELOAD = "tuner.worker.preload"
"""What the process that others are forked from imports."""

SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment variables that keep a process at one thread while it imports, so that it can be forked."""

FOLDER = "tuner-fork-"
"""The beginning of the names of folders with the socket of such a process."""


class NotStarted(KeyboardInterrupt):
    """A signal arrived before the new process was there. The signal's handler has been called."""


def start_method() -> str:
    """How processes that use TensorFlow start: "forkserver", whose process is importing then, or "spawn"."""
    return "forkserver" if can_fork() and _start_to_import() else "spawn"


def started(method: str, target: Callable[..., object], *arguments: object) -> tuple[BaseProcess, Connection]:
    """A new process that runs `target` with one end of a pipe and the arguments, and the other end. A fork begins when the process
    it is made from has imported everything; a signal that has a handler here ends the wait: raises `NotStarted`, unless the handler
    raises something else."""
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process: BaseProcess = context.Process(target=target, args=(theirs, *arguments), daemon=True)  # type: ignore[attr-defined]
    try:
        with _cut_short_by_signals() if method == "forkserver" else _blocking_interrupts(), _without_script():
            process.start()
    except BaseException:
        ours.close()  # a process that starts nevertheless ends
        raise
    finally:
        theirs.close()
    return process, ours


def can_fork() -> bool:
    """Whether a process that has imported TensorFlow can be forked: on Linux, but not where it may use a GPU."""
    return sys.platform == "linux" and not gpus()


def _start_to_import() -> bool:
    """Start the process that training processes are forked from, with this process's import path, unless it runs already. False in
    a fork of a process that has one."""
    from multiprocessing import forkserver  # not on every system

    forkserver.set_forkserver_preload([PRELOAD])
    _provide_folder()
    before = dict(os.environ)
    os.environ.update(SINGLE, PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
    try:
        with _blocking_interrupts(), _without_script():
            forkserver.ensure_running()
    except ChildProcessError:
        return False
    finally:
        os.environ.clear()
        os.environ.update(before)
    return True


def _provide_folder() -> None:
    """Give multiprocessing a folder for its sockets, unless it has one. Its own would stay for ever after `kill -9`; this one is locked
    while its process lives, and the next process removes those that are not."""
    import fcntl
    from multiprocessing.util import Finalize

    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    if config.get("tempdir"):
        return
    for left in Path(gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            _remove_unless_locked(left)
    folder = ""
    while not os.path.exists(folder):  # before it is locked, another process may take it for one that was left
        folder = mkdtemp(prefix=FOLDER)
        with contextlib.suppress(OSError):  # a network's file system may lock no folders; then none is removed there
            fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    config["tempdir"] = folder
    Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=-100)


def _remove_unless_locked(folder: Path) -> None:
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _blocking_interrupts() -> Iterator[None]:
    """A context in which started processes never get Ctrl-C, from their first instruction on. This process gets it at the end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # later it would unblock what is blocked here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _cut_short_by_signals() -> Iterator[None]:
    """A context that ends when a signal arrives that has a handler in this process: the handler is called after it."""
    arrived: list[int] = []

    def cut(number: int, _: object) -> None:
        arrived.append(number)
        raise NotStarted  # each time: Python drops what is raised while it clears up an object

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(each))]
        before = {number: signal.signal(number, cut) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for arrival in arrived:
            signal.raise_signal(arrival)


@contextlib.contextmanager
def _without_script() -> Iterator[None]:
    """A context in which started processes do not run the main script again, as Python's new processes do: without
    `if __name__ == "__main__":` it would start another search there, and a script from a pipe has no file. Jobs contain nothing
    that is defined in the script."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
