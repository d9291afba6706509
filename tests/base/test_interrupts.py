"""Ctrl-C at moments at which Python drops exceptions."""

import signal
import time
import weakref
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from tuner.base.interrupts import lasting_interrupts


class Interrupted:
    """An object whose destructor is interrupted."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class Referred:
    """An object with a weak reference whose callback is interrupted."""

    references: ClassVar[list[object]] = []

    def __init__(self) -> None:
        self.references.append(weakref.ref(self, lambda _: signal.raise_signal(signal.SIGINT)))


@pytest.fixture
def takes_interrupts() -> Iterator[None]:
    """A shell starts what runs in the background without the handler of Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("takes_interrupts")
@pytest.mark.parametrize("make", [Interrupted, Referred])
def test_an_interrupt_that_python_drops_comes_again(make: Callable[[], object]) -> None:
    def sleeping() -> None:
        with lasting_interrupts():
            make()
            time.sleep(10.0)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sleeping()
    assert time.monotonic() - began < 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_dropped_exceptions_are_reported_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("x")

    seen: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda dropped: seen.append(dropped.exc_type))
    with lasting_interrupts():
        Broken()
    assert seen == [ValueError]
