"""The errors that a script raises on purpose, and those that end a search; each has the base class that KerasTuner gives it."""


class FailedTrialError(Exception):
    """Raised in a trial: it has failed and is not tried again."""


class FatalError(Exception):
    """Raised in a trial: the search ends with it."""


class FatalValueError(FatalError, ValueError):
    """A value that no trial can work with."""


class FatalTypeError(FatalError, TypeError):
    """A value of a type that no trial can work with."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A circumstance in which no trial can work."""


FATAL = (FatalValueError, FatalTypeError, FatalRuntimeError, FatalError)
"""Fatal errors, the more special ones first: an error of a training process reaches the script as the first that it is."""


def fatal(error: Exception) -> str:
    """The name of the fatal error that this is; empty for any other."""
    return next((each.__name__ for each in FATAL if isinstance(error, each)), "")
