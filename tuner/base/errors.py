"""Errors that are the user's to mend: each reaches the terminal as one message, without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class TunerError(Exception):
    """A mistake or a circumstance that the user can change. Everything else is our bug and keeps its traceback."""


class Invalid(TunerError):
    """A value that cannot be accepted, with the address where it stands.

    `place` is an address such as `training.optimizer.momentum`; it grows from the inside out while the decoder
    returns, so a check knows only the name of its own field.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem

    def inside(self, outer: str) -> "Invalid":
        """The same complaint seen from one level further out."""
        return Invalid(join(outer, self.place), self.problem)


class DataError(TunerError):
    """A data set that cannot be found, fetched, read or trusted."""


class StudyError(TunerError):
    """A study that cannot be found, continued or asked for what was wanted of it."""


class StorageError(TunerError):
    """A storage or a folder that cannot be opened or written."""


class MissingPackage(TunerError):
    """An optional package that the study asks for and that is not installed."""

    def __init__(self, wanted_by: str, *packages: str) -> None:
        super().__init__(f"{wanted_by} needs {', '.join(packages)}: pip install {' '.join(packages)}")


def join(outer: str, inner: str) -> str:
    """Two addresses as one: `a` and `b` give `a.b`, `a` and `[0]` give `a[0]`."""
    separator = "." if outer and inner and not inner.startswith("[") else ""
    return f"{outer}{separator}{inner}"


def demand(condition: bool, field: str, rule: str, value: object) -> None:
    """Raise `Invalid` for `field` unless the condition holds; `rule` completes the sentence "must …"."""
    if not condition:
        raise Invalid(field, f"must {rule}, got {value!r}")


def near_miss(name: str, allowed: Iterable[str]) -> str:
    """The end of a complaint about an unknown name: the closest allowed one, or all of them."""
    known = list(allowed)
    within = sorted((each for each in known if name and name in each), key=len)
    close = get_close_matches(name, known, n=1) or (within if len(within) == 1 or len(name) > 3 else [])
    if close:
        return f"did you mean {close[0]}?"
    return f"allowed: {', '.join(known)}" if known else "nothing is allowed here"
