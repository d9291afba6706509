"""The number of training processes."""

import pytest

from tuner.base.errors import TunerError
from tuner.base.machine import cores, worker_count


def test_more_processes_than_cores_are_fewer_and_reported() -> None:
    logged: list[str] = []
    most = max(2, cores())
    assert worker_count("1", logged.append) == 1
    assert worker_count(most, logged.append) == most
    assert logged == []
    assert worker_count(16 * most, logged.append) == most
    assert logged == [f"{16 * most} training processes are slower than {most} on {cores()} cores: {most} are used"]


@pytest.mark.parametrize("workers", ["none", 0, "-1", "2.5"])
def test_what_is_no_number_of_processes_is_refused(workers: int | str) -> None:
    with pytest.raises(TunerError, match="workers: must be a number of processes, or auto, got"):
        worker_count(workers, print)
