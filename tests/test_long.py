"""Whole studies on real data, as a user runs them. Minutes each: `make test-long`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner.data.sources import Places

pytestmark = pytest.mark.long


def optimized(study: str, folder: Path) -> Any:
    """The JSON that a search with the shipped study file ends with."""
    command = [sys.executable, "-m", "tuner", "optimize", "--study", study, "--runs", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_digits_end_with_a_good_model(tmp_path: Path) -> None:
    """0.96 leaves three standard errors to the 0.99 that such networks reach on 360 test images."""
    assert optimized("digits", tmp_path)["test_accuracy"] >= 0.96


def test_fashion_reaches_what_its_minutes_can_buy(tmp_path: Path, real_places: Places) -> None:
    """0.93 leaves five standard errors of the test set to the 0.944 of a quiet machine."""
    assert optimized("fashion", tmp_path)["test_accuracy"] >= 0.93


def test_the_spiral_has_a_front(tmp_path: Path) -> None:
    assert optimized("playground", tmp_path)["best"]["value"][0] >= 0.8
