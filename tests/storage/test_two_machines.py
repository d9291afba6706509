"""What docs/more-machines.md promises, on two machines: two network namespaces with host names, folders and caches of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SMALL
from tuner.storage import default_url, open_storage
from tuner.storage.records import read_study

ADDRESS, TOTAL = "10.77.0.1", 40


def ip(*arguments: str) -> None:
    """Change the network."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def machines() -> Iterator[tuple[str, str]]:
    """The names of two machines with a cable between them; ADDRESS is the first one's."""
    first, second = names = (f"tuner1-{os.getpid()}", f"tuner2-{os.getpid()}")
    try:
        for each in names:
            ip("netns", "add", each)
        ip("link", "add", "cable", "netns", first, "type", "veth", "peer", "name", "cable", "netns", second)
        for name, address in ((first, ADDRESS), (second, "10.77.0.2")):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("network namespaces cannot be made here")
    finally:
        for each in names:
            subprocess.run(["ip", "netns", "delete", each], capture_output=True)


def on(machine: str, folder: Path, *command: str) -> subprocess.Popen[str]:
    """A command on a machine, in a folder of its own with a cache of its own."""
    folder.mkdir(exist_ok=True)
    named = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', machine]
    own = {
        **os.environ,
        "TUNER_CACHE": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join(each or os.getcwd() for each in sys.path),
    }
    whole = ["ip", "netns", "exec", machine, *named, sys.executable, "-m", "tuner", *command]
    return subprocess.Popen(whole, cwd=folder, env=own, stderr=subprocess.PIPE, text=True)


@pytest.mark.long
def test_machines_share_a_study_with_nothing_in_common_but_a_network(machines: tuple[str, str], tmp_path: Path) -> None:
    first, second = machines
    one, two = tmp_path / "one", tmp_path / "two"
    url = f"grpc://{ADDRESS}:13000"
    one.mkdir()
    (one / "small.toml").write_text(SMALL)
    database = default_url(one / "served")
    server = on(first, one, "storage", "serve", "--storage", database, "--host", ADDRESS)
    assert server.stderr is not None
    assert url in server.stderr.readline()
    worker = on(second, two, "worker", "--study", "small", "--storage", url, "--wait", "2m")
    leader = on(first, one, "optimize", "--study", "small.toml", "--trials", str(TOTAL), "--storage", url)
    for each in (leader, worker):
        _, said = each.communicate(timeout=600)
        assert each.returncode == 0, said
    server.terminate()
    server.communicate()
    trials = read_study(open_storage(database), "small").trials
    assert {each.environment["host"] for each in trials} == {first, second}
    assert sum(each.state == "complete" for each in trials) == TOTAL
    assert (one / "runs" / "small" / "best.keras").is_file()
