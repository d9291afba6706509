"""Fixtures of the tests of the search."""

import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from tests.storage.test_leases import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of search, leases and confirmation."""
    clock = Clock(1000.0)
    for module in ("tuner.search.loop", "tuner.search.minutes", "tuner.storage.leases", "tuner.refit.confirmation"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


@pytest.fixture
def memory() -> BaseStorage:
    """A storage that is only here."""
    return InMemoryStorage()
