"""Disturbances of a search by a leader with two workers, for `chaos.py --machines`: processes are killed, the network is cut, the disk
becomes full, the clock is set back. The network and the disk are the script's own, for which it needs Linux and root."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attacked import Call, Study
from attacks import Disturbance, restart_server

WORKERS = 2
KILLS = 8
LATEST = 2.0
"""Seconds between the start of processes and what disturbs them, at most."""

OUTAGE_SECONDS = 20.0
DISK_MIB = 64
ISOLATED = "CHAOS_ISOLATED"


def team(study: Study) -> list[Call]:
    """A leader and its workers."""
    study.shared = True
    return [study.start(), *(study.start("worker") for _ in range(WORKERS))]


def kill_members(study: Study, chance: random.Random) -> None:
    """A worker, the leader or all are killed, and started again."""
    members = team(study)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, LATEST))
        killed = chance.choice([[0], [1], [2], [0, 1, 2]])
        for each in killed:
            study.kill(members[each])
        for each in killed:
            members[each] = study.start("worker" if each else "optimize")
    wait_for(study, members, "members")


def during(name: str, disturb: Callable[[Study, random.Random], None], statuses: tuple[int, ...] = (0,)) -> Disturbance:
    """What disturbs all of a team at a random moment. They go on by themselves, or end with one of these statuses."""

    def disturbed(study: Study, chance: random.Random) -> None:
        members = team(study)
        study.disturbed |= {each.pid for each in members}
        time.sleep(chance.uniform(0, LATEST))
        disturb(study, chance)
        wait_for(study, members, name, statuses)

    return Disturbance(disturbed, "postgresql" if name in ("restart", "network") else "")


def wait_for(study: Study, members: list[Call], what: str, statuses: tuple[int, ...] = (0,)) -> None:
    """Wait for the end of a team."""
    for each in members:
        study.wait_for(each, what, statuses)


def cut_network(study: Study, chance: random.Random) -> None:
    """Nothing reaches the server, and nobody is told."""
    subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
    time.sleep(chance.uniform(0, OUTAGE_SECONDS))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def fill_disk(study: Study, chance: random.Random) -> None:
    """Another program takes all space, and gives it back."""
    filler = study.folder.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    time.sleep(chance.uniform(0, OUTAGE_SECONDS / 2))
    filler.unlink()


def set_clock_back(study: Study, chance: random.Random) -> None:
    """By up to a day, and right again."""
    set_clock(f"-{chance.randrange(10, 86_400)}")
    time.sleep(chance.uniform(0, 5))
    set_clock("0")


def set_clock(offset: str) -> None:
    """Set the clock of all calls, in seconds from the machine's (`invented.Shifted`)."""
    path = Path(os.environ["CHAOS_CLOCK"])
    new = path.with_suffix(".new")
    new.write_text(offset)
    new.replace(path)


CRASHES = {
    "members": Disturbance(kill_members, weight=3),
    "restart": during("restart", restart_server),
    "network": during("network", cut_network),
    "disk": during("disk", fill_disk, (0, 2)),
    "clock": during("clock", set_clock_back),
}


def possible() -> dict[str, Disturbance]:
    """What this machine allows."""
    excluded = () if ISOLATED in os.environ else ("network", "disk")
    return {name: each for name, each in CRASHES.items() if name not in excluded}


def isolate() -> None:
    """Be started again in a network and among mounts of the script's own, if that is allowed; nothing if this is so."""
    spaces = ["unshare", "--net", "--mount"]
    with suppress(FileNotFoundError):
        if ISOLATED in os.environ:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        elif subprocess.run([*spaces, "ip", "link"], capture_output=True).returncode == 0:
            sys.stdout.flush()
            os.environ[ISOLATED] = "1"
            os.execvp("unshare", [*spaces, sys.executable, *sys.argv])


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of DISK_MIB for what calls write, where that is allowed."""
    if ISOLATED not in os.environ:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
