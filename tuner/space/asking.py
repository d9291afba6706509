"""The answers of a function of the user's as a part of a space: what it asks next depends on what it was answered.

The function runs in a process of its own, which sends each name and hole that it asks for. What is known of a function is kept as a
tree, so that it is not called twice with the same answers.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from multiprocessing import current_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import RLock

from tuner.base.errors import Invalid
from tuner.base.forking import start_method, started
from tuner.networks.asker import facts, serve
from tuner.networks.function import Call, NetworkInfo
from tuner.networks.sources import PICKLED
from tuner.space.holes import Hole, Scalar

Asking = Callable[[str, Hole], Scalar]
"""The answer to a name and its hole: a number, or an option's name. A front-end (`tuner.networks.calling.FRONT_ENDS`) is made with one,
and calls it for each parameter that a function asks for."""

CALL_SECONDS = 120.0
"""A function that asks nothing and returns nothing for so long has failed."""

MOST_BUILDS, MOST_SECONDS, SECONDS_BETWEEN_LINES = 200, 60.0, 15.0
"""Between the first and the last answers exploring a function makes at most so many models, and begins none after so many seconds. The
seconds of the first call in its process, which imports Keras, do not count."""

MOST_CALLS = 100
"""Then the process is replaced: TensorFlow keeps some megabytes of each model."""


class Unexplored(Exception):
    """Exploring has reached its limit before it knew what a function does with some answers."""


@dataclass
class Explored:
    """How many models exploring a function has made, in how many seconds, and whether its limit kept it from others."""

    builds: int = 0
    seconds: float = 0.0
    is_cut: bool = False

    def begin(self) -> None:
        """Before a model. Raises `Unexplored` at the limit."""
        if self.builds >= MOST_BUILDS or self.seconds > MOST_SECONDS:
            self.is_cut = True
            raise Unexplored

    def end(self, name: str, seconds: float) -> None:
        """After a model that took so long."""
        lines = self.seconds // SECONDS_BETWEEN_LINES
        self.builds, self.seconds = self.builds + 1, self.seconds + seconds
        if self.seconds // SECONDS_BETWEEN_LINES > lines:
            done = f"{self.builds} of at most {MOST_BUILDS} models in {self.seconds:.0f} of {MOST_SECONDS:g} s"
            logging.getLogger("tuner").warning(f"exploring what {name} asks: {done}")


@contextmanager
def exploring(*, has_limit: bool) -> Iterator[None]:
    """A context in which calls of functions count and raise `Unexplored` at the limit, or do not."""
    token = _EXPLORES.set(has_limit)
    try:
        yield
    finally:
        _EXPLORES.reset(token)


@dataclass(frozen=True)
class Made:
    """What came of a call: the answers by name, in the order of the questions, and the facts of the model."""

    answers: Mapping[str, Scalar]
    info: NetworkInfo


@dataclass
class _Known:
    """What a function did after some answers: it asked for a name, and went on by the answer; or it made a model."""

    asked: tuple[str, Hole] | None = None
    info: NetworkInfo | None = None
    after: "dict[str, _Known]" = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What it did, for a message."""
        return f"asked for {self.asked[0]!r} ({self.asked[1].text})" if self.asked else "asked for nothing more"


def call_function(call: Call, asking: Asking) -> Made:
    """Call the function with these answers, unless it is known what it asks and makes with them. Raises `Invalid` where it asks
    differently for the same answers."""
    at, answers = _KNOWN.setdefault(call, _Known()), dict[str, Scalar]()
    while at.asked:
        name, hole = at.asked
        answers[name] = asking(name, hole)
        at = at.after.setdefault(repr(answers[name]), _Known())
    return Made(answers, at.info or _called(call, asking, answers))


def _called(call: Call, asking: Asking, answers: dict[str, Scalar]) -> NetworkInfo:
    """Call the function in its process. Names that have an answer already get it, others what `asking` says."""
    at, path = _KNOWN[call], dict[str, Scalar]()
    explored = EXPLORED.setdefault(call, Explored()) if _EXPLORES.get() else None
    if explored:
        explored.begin()

    def answer(name: str, hole: Hole) -> Scalar:
        nonlocal at
        _note(call, at, _Known(asked=(name, hole)), path)
        path[name] = answers[name] = answers[name] if name in answers else asking(name, hole)
        at = at.after.setdefault(repr(path[name]), _Known())
        return path[name]

    with _LOCK:
        began = time.monotonic() if _PROCESS.running else float("inf")
        info = _PROCESS.facts(call, answer)
        if explored:
            explored.end(call.name, max(0.0, time.monotonic() - began))
        _note(call, at, _Known(info=info), path)
    return info


def _note(call: Call, before: _Known, now: _Known, path: Mapping[str, Scalar]) -> None:
    """Keep what the function did, or compare it with what it did before."""
    if not (before.asked or before.info):
        before.asked, before.info = now.asked, now.info
    if before.asked != now.asked and not (now.info and now.info.problem):
        answers = ", ".join(f"{name} = {value!r}" for name, value in path.items()) or "nothing"
        problem = (
            f"{call.name} asks differently for the same answers ({answers}): it first {before.text}, then {now.text}"
        )
        cure = "its questions may depend on its answers only"
        raise Invalid("network.source", f"{problem}; {cure}")


class _Process:
    """The process that calls functions. It starts at the first call; the end of this process ends it."""

    def __init__(self) -> None:
        self.running: tuple[BaseProcess, Connection] | None = None
        self.calls = 0

    def facts(self, call: Call, answer: Asking) -> NetworkInfo:
        """The facts of the model that a function makes with these answers."""
        if current_process().daemon:  # which cannot start others
            return facts(call, answer)
        process, connection = self.running = self.running or started(start_method(), serve)
        info = None
        try:
            info = _exchanged(connection, call, answer)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            process.join(timeout=5)
            info = NetworkInfo(problem=f"{call.name} ended its process (exit status {process.exitcode})")
        finally:
            self.calls += 1
            if info is None or info.problem or self.calls % MOST_CALLS == 0:
                process.kill()
                self.running = None
        return info


def _exchanged(connection: Connection, call: Call, answer: Asking) -> NetworkInfo:
    """Send the call, answer the questions of the function, receive the facts."""
    connection.send((str(Path.cwd()), PICKLED.get(call.sha256), call))
    while connection.poll(CALL_SECONDS):
        message = connection.recv()
        if isinstance(message, NetworkInfo):
            return message
        connection.send(answer(*message))
    return NetworkInfo(problem=f"{call.name} did not return within {CALL_SECONDS:g} s")


EXPLORED: dict[Call, Explored] = {}
_EXPLORES = ContextVar("_EXPLORES", default=False)
_KNOWN: dict[Call, _Known] = {}
_PROCESS, _LOCK = _Process(), RLock()
