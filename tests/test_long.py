"""Whole studies on real data, as a user runs them. Minutes each: `make test-long`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner.data.load import Places

pytestmark = pytest.mark.long


def optimized(study: str, folder: Path) -> Any:
    """The JSON that a search with the shipped study file ends with."""
    command = [sys.executable, "-m", "tuner", "optimize", "--study", study, "--runs", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_digits_end_with_a_good_model(tmp_path: Path) -> None:
    """0.95 leaves three standard errors to the 0.98 that such networks reach on 360 test images."""
    assert optimized("digits", tmp_path)["test_accuracy"] >= 0.95


def test_fashion_reaches_what_the_best_documented_dense_network_reached(tmp_path: Path, real_places: Places) -> None:
    assert optimized("fashion", tmp_path)["test_accuracy"] >= 0.905


def test_the_spiral_has_a_front(tmp_path: Path) -> None:
    assert optimized("playground", tmp_path)["best"]["value"][0] >= 0.8
