"""Servers of the tests' own: PostgreSQL and MariaDB, where their programs are on this machine."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

PASSWORD = "S3CRET"
INSTALLER = ("mariadb-install-db", "my_print_defaults")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now, below those that the system gives to connections and to whoever asks for any."""
    while True:
        port = SystemRandom().randrange(10_000, 30_000)
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            return port


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
        command = [str(self.programs / program), f"--pgdata={self.folder / 'data'}", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **_unprivileged())


class MariaDB:
    """A server whose data are in a folder, with one user, a password and an empty database."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        # a server that starts removes the temporary tables in its folder for them, also another server's
        self.settings = ("--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its empty database."""
        return f"mysql+pymysql://tuner:{PASSWORD}@127.0.0.1:{self.port}/tuner"

    def initialize(self) -> None:
        """Write its files."""
        command = ["mariadb-install-db", *self.settings, "--skip-test-db"]
        made = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **_unprivileged())
        assert made.returncode == 0, made.stdout + made.stderr
        statements = (  # it takes one a line
            "CREATE DATABASE IF NOT EXISTS tuner CHARACTER SET utf8mb4;",
            f"CREATE USER IF NOT EXISTS tuner@localhost IDENTIFIED BY '{PASSWORD}';",
            "GRANT ALL ON tuner.* TO tuner@localhost;",
        )
        (self.folder / "first.sql").write_text("\n".join(statements))

    def start(self) -> None:
        """Start it and wait until its user may connect, which is later than the port is open."""
        import pymysql

        files = [f"--{kind}={self.folder / kind}" for kind in ("socket", "pid-file", "log-error")]
        where = [f"--port={self.port}", "--bind-address=127.0.0.1", f"--init-file={self.folder / 'first.sql'}"]
        command = [_mariadbd(), *self.settings, *files, *where]
        self.process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL, **_unprivileged())
        for _ in range(300):
            with suppress(pymysql.OperationalError):
                pymysql.connect(port=self.port, user="tuner", password=PASSWORD, database="tuner").close()
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log-error.err").read_text())

    def stop(self) -> None:
        """End it and its connections."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """A server that runs. Skips the test where there are no programs for one."""
    if not (_mariadbd() and all(map(shutil.which, INSTALLER))):
        pytest.skip(f"MariaDB (mariadbd, {', '.join(INSTALLER)}) is not on this machine")
    pytest.importorskip("pymysql", reason="pymysql is not installed")
    with _server_folder("tuner-mariadb-") as folder:
        server = MariaDB(folder, free_port())
        with _running(server):
            yield server


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A server that runs. Skips the test where there are no programs for one."""
    found = initdb()
    if found is None:
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not on this machine")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with _server_folder("tuner-postgresql-") as folder:
        server = PostgreSQL(folder, free_port(), Path(found).resolve().parent)
        with _running(server):
            yield server


def initdb() -> str | None:
    """PostgreSQL's program that makes a server's files; None where there is no PostgreSQL."""
    return shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)


def _mariadbd() -> str:
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


@contextmanager
def _running(server: PostgreSQL | MariaDB) -> Iterator[None]:
    server.initialize()
    server.start()
    try:
        yield
    finally:
        server.stop()


@contextmanager
def _server_folder(prefix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            os.chown(name, _plain_user(), -1)
        yield Path(name)


def _unprivileged() -> dict[str, Any]:
    """How to start a server, which refuses to be root's."""
    return {"user": _plain_user(), "extra_groups": []} if os.geteuid() == 0 else {}


def _plain_user() -> int:
    """A user who is not root: PostgreSQL's own, or nobody."""
    users = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    return users.get("postgres", users.get("nobody", 65534))
