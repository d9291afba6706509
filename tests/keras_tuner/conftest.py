"""What tests of KerasTuner's interface share."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def runs(empty_runs: Path, tmp_path: Path) -> Path:
    """A folder with an embedded storage."""
    return Path(shutil.copytree(empty_runs, tmp_path / "runs"))
