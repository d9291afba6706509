"""Ctrl-C that is not lost.

Python drops a `KeyboardInterrupt` that comes while it clears up an object, and only prints it; the program would go on. Imports and
database libraries clear up many.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_SECONDS = 0.05


@contextmanager
def lasting_interrupts() -> Iterator[None]:
    """A context in which Ctrl-C is sent again if it came within a destructor or a callback of a weak reference."""
    before = sys.unraisablehook

    def hook(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type is KeyboardInterrupt:
            threading.Timer(PAUSE_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
