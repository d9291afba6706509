"""What the benchmarks share: the machine and the versions, as they stand beside every figure."""

import json
import platform
import sys
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.base.machine import cores, processor

if TYPE_CHECKING:
    from tests.support.servers import PostgreSQL

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


def own_server() -> "AbstractContextManager[PostgreSQL]":
    """A PostgreSQL server, as the tests start it."""
    sys.path.append(str(Path(__file__).parents[1]))
    from tests.support.servers import postgresql

    return postgresql()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
