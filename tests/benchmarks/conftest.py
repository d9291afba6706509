"""Benchmarks are scripts beside one another, and import one another as such."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
