"""Errors that the user can correct, shown as one message without a traceback, and the checks that raise them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import accumulate


class TunerError(Exception):
    """A mistake or a circumstance that the user can change. Every other exception is a bug and keeps its traceback."""


class Invalid(TunerError):
    """A value that is not accepted. `place` is its address, such as `training.optimizer.momentum`; a check raises it with the
    name of its field, and the decoder adds the outer names."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem

    def inside(self, outer: str) -> "Invalid":
        """The same error with an outer name added to the address."""
        return Invalid(join(outer, self.place), self.problem)


class DataError(TunerError):
    """A data set that cannot be found, fetched, read or trusted."""


class StudyError(TunerError):
    """A study that cannot be found or continued, or that lacks what the call needs."""


class StorageError(TunerError):
    """A storage or a folder that cannot be opened or written."""


class MissingPackage(TunerError):
    """An optional package that is needed and not installed."""

    def __init__(self, wanted_by: str, *packages: str) -> None:
        super().__init__(f"{wanted_by} needs {', '.join(packages)}: pip install {' '.join(packages)}")


def join(outer: str, inner: str) -> str:
    """Two addresses as one: `a` and `b` give `a.b`, `a` and `[0]` give `a[0]`."""
    separator = "." if outer and inner and not inner.startswith("[") else ""
    return f"{outer}{separator}{inner}"


def require(condition: bool, field: str, rule: str, value: object) -> None:
    """Raise `Invalid` for `field` unless the condition holds; `rule` completes the sentence "must …"."""
    if not condition:
        raise Invalid(field, f"must {rule}, got {value!r}")


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its type if it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def data_errors(where: object, problem: str, cure: str = "") -> Iterator[None]:
    """Within it, what a library raises for a damaged file becomes a `DataError` of one line. For a library's calls alone: libraries
    raise exceptions of all types there, and in our own code those are bugs."""
    try:
        yield
    except (TunerError, ImportError):
        raise
    except Exception as error:
        raise DataError(f"{where}: {problem}: {first_line(error)}{cure}") from error


@contextmanager
def record_errors(what: str) -> Iterator[None]:
    """Within it, what our decoders raise for a damaged record of a storage becomes a `StorageError` of one line."""
    try:
        yield
    except TunerError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        problem = f"{what} in the storage is damaged: {first_line(error)} ({type(error).__name__})"
        raise StorageError(f"{problem}; restore a copy of the storage") from error


def require_packages(wanted_by: str, *packages: str) -> None:
    """Raise `MissingPackage` unless all packages are installed."""
    if not all(map(find_spec, packages)):
        raise MissingPackage(wanted_by, *packages)


MOST_NAMES, MOST_LETTERS = 40, 300
"""Names in one message, and letters in them: a table may have thousands of columns."""

LONGEST_LINE = 600
"""Characters in a line of a message: names and values come from files, and may have any length."""


def shown(error: BaseException) -> str:
    """An error's message; of a line that is too long the beginning, which says where, and the end, which says what to do."""
    half = LONGEST_LINE // 2 - 2
    lines = str(error).split("\n")
    return "\n".join(each if len(each) <= LONGEST_LINE else f"{each[:half]} … {each[-half:]}" for each in lines)


def near_miss(name: str, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown name: a close allowed name, or one that contains at least four of its letters, or else
    the allowed names."""
    known = list(allowed)
    within = sorted((each for each in known if len(name) > 3 and name in each), key=len)
    same = [each for each in known if each.lower() == name.lower()]
    close = same or get_close_matches(name, known, n=1, cutoff=0.65) or within
    if close:
        return f"did you mean {close[0]}?"
    ends = accumulate(len(each) + 2 for each in known[:MOST_NAMES])
    count = max(1, sum(end <= MOST_LETTERS for end in ends))
    more = f" and {len(known) - count:,} more" if len(known) > count else ""
    return f"allowed: {', '.join(known[:count])}{more}" if known else "nothing is allowed here"
