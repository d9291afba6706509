"""A storage of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tuner.storage import default_url, open_storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[BaseStorage]:
    """An embedded storage."""
    opened = open_storage(default_url(tmp_path))
    yield opened
    opened.engine.dispose()  # type: ignore[attr-defined]
