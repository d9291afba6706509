"""A process that others are forked from: signals that arrive while it starts and imports, and the folder of its socket."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.base.forking import can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are not forked here")

SLOW = """
import os, signal, time
parent = os.getppid()
while os.getppid() == parent:
    os.kill(parent, signal.{name})
    again = time.monotonic() + 10
    while os.getppid() == parent and time.monotonic() < again:
        time.sleep(0.02)
"""
STARTING = """
import signal, sys
from multiprocessing import forkserver
from tuner.base.forking import NotStarted, started
if {handles}:
    signal.signal(signal.{name}, lambda *_: print("stopping", flush=True))
else:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start what runs in the background without it
forkserver.set_forkserver_preload(["slow"])
try:
    started("forkserver", id)
except NotStarted:
    print("not started")
except KeyboardInterrupt:
    print("interrupted")
"""


FORKING = """
import sys
from multiprocessing import forkserver
from tuner.base import forking
forking.PRELOAD = "slow"
print(forking.start_method(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """The path of a socket has at most 107 letters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_the_folder_of_a_killed_process_is_removed_by_the_next_one_and_no_other_is(short_path: Path) -> None:
    (short_path / "slow.py").touch()
    (short_path / "pymp-another").mkdir()
    own = {**os.environ, "TMPDIR": str(short_path)}

    def process() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '')\n{FORKING}"]
        started = subprocess.Popen(
            command, cwd=short_path, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert started.stdout is not None
        assert started.stdout.readline() == "forkserver\n"
        return started

    def folders() -> set[Path]:
        return {*short_path.glob("*-*")} - {short_path / "pymp-another"}

    with process() as killed:
        (left,) = folders()
        with process() as alive:
            (beside,) = folders() - {left}
            killed.kill()
            killed.wait()
            with process() as last:
                assert beside in folders()
                assert left not in folders()
                assert len(folders()) == 2
                last.communicate("")
            alive.communicate("")
    assert folders() == set()
    assert (short_path / "pymp-another").is_dir()


@pytest.mark.parametrize(
    ("name", "handles", "expected"),
    [
        ("SIGINT", True, "stopping\nnot started\n"),
        ("SIGTERM", True, "stopping\nnot started\n"),
        ("SIGINT", False, "interrupted\n"),
    ],
)
def test_a_signal_while_the_first_process_imports_is_not_lost(
    name: str, handles: bool, expected: str, tmp_path: Path
) -> None:
    """The import does not end before the process that waits for it. Another signal follows where the first one was dropped by Python."""
    (tmp_path / "slow.py").write_text(SLOW.format(name=name))
    code = "import sys; sys.path.insert(0, '')\n" + STARTING.format(name=name, handles=handles)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith(expected)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
