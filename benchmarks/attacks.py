"""How the calls of a search are disturbed, for `chaos.py`."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attacked import Study

END_SECONDS = 5.0
LATEST = 3.0
"""Seconds after a start until which a disturbance comes; a search takes two on an idle core."""


def by_signal(number: signal.Signals) -> Callable[[Study, random.Random], None]:
    """A signal at a random moment. A search that can take it ends within five seconds."""

    def disturb(study: Study, chance: random.Random) -> None:
        process = study.start()
        time.sleep(chance.uniform(0, LATEST))
        if number == signal.SIGKILL:
            study.kill(process)
        if process.poll() is None:
            study.disturbed.add(process.pid)
        process.send_signal(number)
        sent = time.monotonic()
        said = study.wait_for(process, number.name, (0, 130, -number))
        if (took := time.monotonic() - sent) > END_SECONDS:
            study.broken.append(f"{number.name}: it ended after {took:.1f} s: {said[-2000:]}")

    return disturb


def freeze(study: Study, chance: random.Random) -> None:
    """A process that stands still for longer than its leases."""
    process = study.start()
    time.sleep(chance.uniform(0, LATEST))
    process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(1, 5))
    study.disturbed.add(process.pid)
    process.send_signal(signal.SIGCONT)
    study.wait_for(process, "freeze")


def lock(study: Study, chance: random.Random) -> None:
    """A program that locks the database for longer than SQLite waits, and than leases last."""
    process = study.start()
    study.disturbed.add(process.pid)
    time.sleep(chance.uniform(0, LATEST))
    if study.database.is_file():
        with sqlite3.connect(study.database, timeout=10, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(chance.uniform(3, 10))
            other.execute("ROLLBACK")
        other.close()
    study.wait_for(process, "lock")


def cut(study: Study, chance: random.Random) -> None:
    """A database that is cut at its end: one message; and all is well with a copy of it."""
    if not study.database.is_file():
        return
    with sqlite3.connect(study.database) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    content = study.database.read_bytes()
    study.database.write_bytes(content[: chance.randrange(len(content) // 4, len(content))])
    process = study.start()
    study.disturbed.add(process.pid)
    study.wait_for(process, "cut", (0, 2))
    for each in study.database.parent.glob("tuner.db*"):
        each.unlink()
    study.database.write_bytes(content)


def half_line(study: Study, chance: random.Random) -> None:
    """What a killed process leaves of a line, and its lock."""
    if study.journal.is_file():
        with study.journal.open("ab") as file:
            file.write(b'{"op_code":4,"worker_id":"' + b"x" * chance.randrange(100))
        lock = Path(f"{study.journal}.lock")
        if chance.random() < 0.5 and not lock.is_symlink():
            lock.symlink_to("runs/journal.log")
    study.finish()


def garbage(study: Study, chance: random.Random) -> None:
    """A line of somebody else's in a journal: its number, and all is well without it."""
    if not study.journal.is_file():
        return
    content = study.journal.read_bytes()
    lines = content.splitlines(keepends=True)
    number = chance.randrange(len(lines))
    study.journal.write_bytes(b"".join([*lines[:number], b"garbage\n", *lines[number:]]))
    said = study.wait_for(study.start(), "garbage", (2,))
    if f"line {number + 1}:" not in said:
        study.broken.append(f"garbage: {said[-300:]}")
    study.journal.write_bytes(content)


def damaged_files(study: Study, chance: random.Random) -> None:
    """Checkpoints, refitted models, the final model and data in the cache that are cut, changed or gone. What was tested may be
    tested again."""
    models = study.folder / "runs" / study.name
    files = [
        *models.glob("checkpoints/*"),
        *models.glob("members/*"),
        *models.glob("best.keras"),
        *study.cache.rglob("*"),
    ]
    files = sorted(each for each in files if each.is_file())
    for each in chance.sample(files, min(3, len(files))):
        content = each.read_bytes()
        place = chance.randrange(max(1, len(content)))
        match chance.choice(("cut", "changed", "gone")):
            case "cut":
                each.write_bytes(content[:place])
            case "changed":
                each.write_bytes(
                    content[:place] + bytes(byte ^ 64 for byte in content[place : place + 1]) + content[place + 1 :]
                )
            case _:
                each.unlink()
    process = study.start()
    study.disturbed.add(process.pid)
    study.wait_for(process, "files")


def restart(study: Study, chance: random.Random) -> None:
    """A server that restarts."""
    process = study.start()
    study.disturbed.add(process.pid)
    time.sleep(chance.uniform(0, LATEST))
    restart_server(study, chance)
    study.wait_for(process, "restart")


def restart_server(study: Study, chance: random.Random) -> None:
    """Stop the server, and start it up to ten seconds later. Leases last for two."""
    assert study.server is not None
    study.server.stop()
    time.sleep(chance.uniform(0, 10))
    study.server.start()


def end_connections(study: Study, chance: random.Random) -> None:
    """A server that ends all connections, several times."""
    import psycopg

    process = study.start()
    for _ in range(5):
        time.sleep(chance.uniform(0, LATEST / 4))
        with psycopg.connect(study.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    study.wait_for(process, "connections")


@dataclass(frozen=True)
class Disturbance:
    """How one call is disturbed, and the only kind of storage for which that is. With `damages` every search meets a damaged file.
    `weight`: how often it is chosen."""

    disturb: Callable[[Study, random.Random], None]
    storage: str = ""
    damages: bool = False
    weight: int = 1


DISTURBANCES = {
    "kill": Disturbance(by_signal(signal.SIGKILL)),
    "interrupt": Disturbance(by_signal(signal.SIGINT)),
    "terminate": Disturbance(by_signal(signal.SIGTERM)),
    "freeze": Disturbance(freeze),
    "lock": Disturbance(lock, "sqlite"),
    "cut": Disturbance(cut, "sqlite", damages=True),
    "half line": Disturbance(half_line, "journal"),
    "files": Disturbance(damaged_files, damages=True),
    "restart": Disturbance(restart, "postgresql"),
    "connections": Disturbance(end_connections, "postgresql"),
    "garbage": Disturbance(garbage, "journal", damages=True),
}
