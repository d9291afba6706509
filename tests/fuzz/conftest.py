"""How many damaged files each test reads."""

from collections.abc import Iterator

import pytest

from tests.support.memory import most_memory


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """No file makes this process larger than 2 GiB."""
    with most_memory(2 * 2**30):
        yield
