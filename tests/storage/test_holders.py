"""One holder of a lock, such as that of the refits, among real processes whose storage is slow."""

import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, RDBStorage

from tests.support.servers import postgresql
from tuner.storage import Patience, default_url, load_study, open_storage
from tuner.storage.leases import Leases, Lock

TRIES, AT_ONCE = 50, 10
SLOW_SECONDS = 3.0
HELD_SECONDS = 1.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, empty_runs: Path, tmp_path: Path) -> Iterator[str]:
    """A storage for several processes."""
    if request.param == "sqlite":
        shutil.copytree(empty_runs, tmp_path, dirs_exist_ok=True)
        yield default_url(tmp_path)
    else:
        with postgresql() as server:
            yield server.url


def slow(storage: BaseStorage) -> BaseStorage:
    """The storage, which is up to three seconds late with a write, and as late with its answer."""
    write = storage.set_study_user_attr

    def late(*arguments: Any, **keywords: Any) -> None:
        time.sleep(random.uniform(0, SLOW_SECONDS))
        write(*arguments, **keywords)
        time.sleep(random.uniform(0, SLOW_SECONDS))

    storage.set_study_user_attr = late  # type: ignore[method-assign]
    return storage


def hold(url: str, together: Any, results: Any) -> None:
    """Take the lock of each study, ten at once, and tell from when to when it was held: by a clock that processes have in common."""
    storage = slow(open_storage(url, Patience()))

    def held(number: int) -> tuple[int, float, float]:
        study = load_study(storage, f"try {number}")
        with Lock(study, "confirmation", Leases(study)).held():
            began = time.monotonic()
            time.sleep(HELD_SECONDS)
            return number, began, time.monotonic()

    found: list[tuple[int, float, float]] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for first in range(0, TRIES, AT_ONCE):
            together.wait()
            found += pool.map(held, range(first, first + AT_ONCE))
    results.put(found)


@pytest.mark.long
def test_a_lock_has_one_holder_though_writes_take_three_seconds(url: str) -> None:
    storage = open_storage(url)
    assert isinstance(storage, RDBStorage)
    for number in range(TRIES):
        optuna.create_study(study_name=f"try {number}", storage=storage)
    storage.remove_session()
    storage.engine.dispose()
    context = multiprocessing.get_context("spawn")
    results, together = context.Queue(), context.Barrier(2)
    processes = [context.Process(target=hold, args=(url, together, results)) for _ in range(2)]
    for each in processes:
        each.start()
    first, second = (results.get(timeout=600) for _ in processes)
    for each in processes:
        each.join()
    holders = [2 if one[1] < other[2] and other[1] < one[2] else 1 for one, other in zip(first, second, strict=True)]
    assert holders == [1] * TRIES
