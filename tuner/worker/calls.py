"""Functions of the user's in a training process, with an object of the search's process as their argument: an Optuna objective with
its trial. Of that object they get a stand-in, whose attributes are read and whose methods are called over there."""

import io
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import cloudpickle

from tuner.base.errors import TunerError, first_line
from tuner.training.pipelines import reduced

Request = tuple[tuple[str, ...], tuple[tuple[Any, ...], dict[str, Any]] | None]
"""The names on the way from the object to what is read there, and the arguments if that is called."""
Ask = Callable[[Request], bytes]


@dataclass(frozen=True)
class Call:
    """Call this function, made by `dump` in the search's process, with a stand-in."""

    function: bytes


@dataclass(frozen=True)
class Returned:
    """What the function returned as floats; None where it raised `TrialPruned`, whose message is the `reason`."""

    values: tuple[float, ...] | None
    reason: str = ""


@dataclass(frozen=True)
class Failure:
    """Why a job failed: an exception, not enough memory, or the death of its process."""

    kind: str
    reason: str
    traceback: str = ""


def pickled(value: Any) -> bytes:
    """The value for a training process, which `pickle.loads` reads. Raises what its objects raise."""
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is not None and isinstance(obj, tensorflow.data.Dataset):
            return reduced(obj)
        return super().reducer_override(obj)


def dump(function: Callable[..., Any]) -> bytes:
    """The function for `Call`. Raises `TunerError` where something that it uses cannot be sent."""
    try:
        content = pickled(function)
    except Exception as error:  # objects raise what they like
        name = getattr(function, "__name__", type(function).__name__)
        problem = f"uses an object that cannot be sent to a training process: {first_line(error)}"
        raise TunerError(f"{name}: {problem}; make it inside the function") from error
    return content


def respond(target: Any, objects: tuple[type, ...], request: Request) -> bytes:
    """The answer to a request of a stand-in; attributes that are one of `objects` get stand-ins of their own."""
    path, call_with = request
    try:
        for name in path:
            target = getattr(target, name)
        if call_with is not None:
            answer = "value", target(*call_with[0], **call_with[1])
        else:
            kind = "object" if isinstance(target, objects) else "method" if callable(target) else "value"
            answer = kind, target if kind == "value" else None
        content: bytes = cloudpickle.dumps(answer)
    except Exception as error:  # raised again where it was asked
        content = cloudpickle.dumps(("error", error))
    return content


def call(job: Call, ask: Ask) -> Any:
    """Call the job's function: a `Returned`, or a `Failure` with the function's own traceback."""
    try:
        returned = _loaded(job.function)(_StandIn(ask))
    except (Exception, SystemExit) as error:
        if any(each.__name__ == "TrialPruned" for each in type(error).__mro__):
            return Returned(None, str(error))
        lines = traceback.format_exception(type(error), error, error.__traceback__ and error.__traceback__.tb_next)
        return failure_of(error, "".join(lines))
    try:
        return Returned(tuple(map(float, returned if isinstance(returned, Sequence) else (returned,))))
    except (TypeError, ValueError):
        return Failure("exception", f"the function returned {returned!r}, which is no number")


def failure_of(error: BaseException, lines: str) -> Failure:
    """The failure that an exception with this traceback is. TensorFlow has several for a device without memory."""
    reason = str(error) if isinstance(error, TunerError) else f"{type(error).__name__}: {first_line(error)}"
    if short := re.search(r"(?i)(\bOOM\b|out.of.memory|resource_?exhausted|MemoryError).*", f"{error}\n{reason}"):
        return Failure("memory", f"out of memory: {short[0]}; give fewer processes more each with --workers", lines)
    return Failure("exception", reason, lines)


class _StandIn:
    def __init__(self, ask: Ask, path: tuple[str, ...] = ()) -> None:
        self._ask, self._path = ask, path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        path = (*self._path, name)
        kind, value = _answer(self._ask, path, None)
        if kind == "object":
            return _StandIn(self._ask, path)
        return partial(_called, self._ask, path) if kind == "method" else value


def _called(ask: Ask, path: tuple[str, ...], /, *arguments: Any, **keywords: Any) -> Any:
    return _answer(ask, path, (arguments, keywords))[1]


def _answer(ask: Ask, *request: Any) -> tuple[str, Any]:
    kind, value = pickle.loads(ask(request))
    if kind == "error":
        raise value
    return kind, value


_loaded = lru_cache(maxsize=1)(pickle.loads)
"""The data that a function holds is unpacked once in a process."""
