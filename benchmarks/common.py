"""What the benchmarks share: the machine and the versions, as they stand beside every figure."""

import json
import platform
import sys
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.base.machine import cores, processor

if TYPE_CHECKING:
    from tests.support.servers import PostgreSQL

sys.path.append(str(Path(__file__).parents[1]))  # of `tests.support`
PACKAGES = ("tensorflow", "keras", "optuna", "keras-tuner", "tuner")


def about_this_machine() -> dict[str, Any]:
    """Processor, cores, memory and versions."""
    return {
        "machine": {"processor": processor(), "cores": cores(), "system": platform.system()},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
    }


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Keep results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def has_server() -> bool:
    """Whether PostgreSQL's programs, its driver and pytest, with which tests start it, are on this machine."""
    if not all(map(find_spec, ("psycopg", "pytest"))):
        return False
    from tests.support.servers import initdb

    return initdb() is not None


def own_server() -> "AbstractContextManager[PostgreSQL]":
    """A PostgreSQL server, as the tests start it."""
    from tests.support.servers import postgresql

    return postgresql()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
