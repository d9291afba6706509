"""Servers of the tests' own: PostgreSQL, where its programs are on this machine."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "S3CRET"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@dataclass(frozen=True)
class PostgreSQL:
    """A server whose data are in a folder, with one user and a password."""

    folder: Path
    port: int
    programs: Path

    @property
    def url(self) -> str:
        """The URL of its empty database."""
        return f"postgresql+psycopg://tuner:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def initialize(self) -> None:
        """Write its files."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        settings = ["--username=tuner", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", *settings)

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-F -c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", f"--options={options}", "start")

    def stop(self) -> None:
        """End its connections, then it."""
        self._run("pg_ctl", "--wait", "--mode=fast", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, which refuses to be root's."""
        own: dict[str, Any] = {"user": _plain_user(), "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(self.programs / program), f"--pgdata={self.folder / 'data'}", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **own)


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A server that runs. Skips the test where there are no programs for one."""
    found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    if found is None:
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not on this machine")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="tuner-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, _plain_user(), -1)
        server = PostgreSQL(folder, free_port(), Path(found).resolve().parent)
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _plain_user() -> int:
    """A user who is not root: PostgreSQL's own, or nobody."""
    users = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    return users.get("postgres", users.get("nobody", 65534))
