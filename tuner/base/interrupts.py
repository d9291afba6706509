"""Ctrl-C that is not lost."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_SECONDS = 0.05


@contextmanager
def lasting_interrupts() -> Iterator[None]:
    """A context in which Ctrl-C is sent again where Python drops the `KeyboardInterrupt`: it does so in a destructor and in a callback of
    a weak reference."""
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
