"""What tests share: real data where it is, and small studies that train in a moment."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from optuna.storages import BaseStorage, InMemoryStorage

from tests.support.fakes import Clock, clock_in
from tuner.base.machine import cores
from tuner.data.sources import Places
from tuner.storage import default_url, open_storage

settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", max_examples=1000, print_blob=True, deadline=None)
settings.load_profile(
    "fixed"
)  # the same examples in every `make test`; `make test-long` says --hypothesis-profile explore


def pytest_xdist_auto_num_workers() -> int:
    """One more process than there are cores, since some tests wait; each takes up to 2 GiB."""
    return min(4, cores() + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with most slow tests come first, so that no process waits for another one's last long test."""
    slow = Counter(item.path for item in items if "slow" in item.keywords)
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: -slow[item.path] / count[item.path])


SMALL = """
objective = "validation_accuracy"
[budget]
trials = 4
minutes = 5
[search]
pruner = "none"
centre = false
[confirmation]
seeds = 2
anchors = false
[recipe.data]
name = "xor"
[recipe.training]
loss = "sparse_categorical_crossentropy"
batch_size = 50
epochs = 2
optimizer = { one_of = ["adam", { kind = "sgd", momentum = { low = 0.0, high = 0.9 } }] }
[recipe.network]
kind = "dense"
widths = { repeat = { low = 1, high = 2 }, each = { low = 2, high = 8 } }
"""


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A cache of the test session's own, without any folder of data sets."""
    return Places(None, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def real_places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The real data sets, from the folder that TUNER_DATA names."""
    if not os.environ.get("TUNER_DATA"):
        pytest.skip("TUNER_DATA names no folder with the real data sets")
    return Places(Path(os.environ["TUNER_DATA"]), tmp_path_factory.mktemp("real-cache"))


@pytest.fixture
def small_study(tmp_path: Path) -> Path:
    """A study file whose trials train in a moment."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def shared_small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for fixtures that several tests share."""
    path = tmp_path_factory.mktemp("small") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def empty_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an embedded storage, to copy: making its tables takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    open_storage(default_url(folder)).engine.dispose()  # type: ignore[attr-defined]
    return folder


@pytest.fixture
def storage(empty_runs: Path, tmp_path: Path) -> Iterator[BaseStorage]:
    """An embedded storage."""
    shutil.copytree(empty_runs, tmp_path, dirs_exist_ok=True)
    opened = open_storage(default_url(tmp_path))
    yield opened
    opened.engine.dispose()  # type: ignore[attr-defined]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of search, leases and refits."""
    return clock_in(monkeypatch)


@pytest.fixture
def memory() -> BaseStorage:
    """A storage in memory."""
    return InMemoryStorage()
