"""The answers of a function of the user's as a part of a space: what it asks next depends on what it was answered.

The function runs in a process of its own, which sends each name and hole that it asks for. What is known of a function is kept as a
tree, so that it is not called twice with the same answers.
"""

from collections.abc import Callable, Mapping
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

MOST_CALLS = 100
"""Then the process is replaced: TensorFlow keeps some megabytes of each model."""


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

    def answer(name: str, hole: Hole) -> Scalar:
        nonlocal at
        _note(call, at, _Known(asked=(name, hole)), path)
        path[name] = answers[name] = answers[name] if name in answers else asking(name, hole)
        at = at.after.setdefault(repr(path[name]), _Known())
        return path[name]

    with _LOCK:
        info = _PROCESS.facts(call, answer)
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


_KNOWN: dict[Call, _Known] = {}
_PROCESS, _LOCK = _Process(), RLock()
