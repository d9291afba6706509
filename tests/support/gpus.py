"""An `nvidia-smi` that is a script."""

import os
from pathlib import Path

import pytest


def install_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, *rows: str, script: str = "") -> None:
    """Put an `nvidia-smi` that prints these rows (UUID, MiB, model) at the beginning of PATH."""
    path = folder / "bin" / "nvidia-smi"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n" + (script or "\n".join(f"echo '{row}'" for row in rows)), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
