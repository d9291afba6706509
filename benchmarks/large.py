"""A large table from CSV to predictions: `init`, `optimize` and `predict`, in seconds and in memory.

    python benchmarks/large.py [--rows 1000000] [--minutes 2] [--out benchmarks/results/large.json] [--folder FOLDER]

The table is made up: 50 columns, of which 24 are numbers, 14 categories of 3 to 1,000 values, 4 booleans, 4 dates and 4 short
texts, gaps in a quarter of them, and a target of two classes that hangs on a dozen.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from common import about_this_machine, write_results

WORDS = np.array(["good", "bad", "slow", "fast", "late", "early", "broken", "new", "used", "grün", "weiß", "heavy"])
BLOCK = 100_000


def main() -> None:
    """Make each table, run the commands, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0, 10.0])
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    kept = json.loads(said.out.read_text()) if said.out and said.out.is_file() else {}
    runs: dict[str, Any] = dict(kept.get("runs", {}))
    for rows in said.rows:
        with tempfile.TemporaryDirectory() as folder:
            write_table(Path(folder) / "large.csv", rows)
            for minutes in said.minutes:
                runs[f"{rows:,} rows, {minutes:g} minutes"] = measured(Path(folder), minutes)
                print(json.dumps(runs, indent=2), flush=True)
                if said.out:
                    write_results(said.out, about_this_machine() | {"runs": runs})


def measured(folder: Path, minutes: float) -> dict[str, Any]:
    """What each command takes."""
    name, runs = f"large-{minutes:g}", f"runs-{minutes:g}"
    init = ["init", name, "--data", "large.csv", "--target", "class", "--minutes", str(minutes)]
    model = f"{runs}/{name}/best.keras"
    return {
        "megabytes": round((folder / "large.csv").stat().st_size / 1e6),
        "init": timed(folder, init),
        "optimize": timed(folder, ["optimize", "--study", name, "--runs", runs], folder / runs / "tuner.db"),
        "networks in the model": len(json.loads((folder / model).with_suffix(".json").read_text())["members"]),
        "predict": timed(folder, ["predict", "--model", model, "--data", "large.csv", "--out", "out.csv", "--force"]),
    }


def timed(folder: Path, arguments: Sequence[str], storage: Path | None = None) -> dict[str, float]:
    """What a command takes: its seconds, the gigabytes of its largest process, and when the storage had the first epoch."""
    began, largest = time.monotonic(), 0
    found: dict[str, float] = {}
    with subprocess.Popen([sys.executable, "-m", "tuner", *arguments], cwd=folder) as running:
        while running.poll() is None:
            time.sleep(0.2)
            largest = max(largest, *memory(running.pid))
            if storage and not found and has_epoch(storage):
                found["first epoch ended, seconds"] = round(time.monotonic() - began, 1)
    if running.returncode:
        raise SystemExit(f"tuner {arguments[0]} failed")
    return found | {"seconds": round(time.monotonic() - began, 1), "gigabytes": round(largest / 1e9, 2)}


def memory(pid: int) -> list[int]:
    """Bytes of a process and of all that it has started, each; at least two."""
    found = [0, 0]
    with suppress(psutil.NoSuchProcess):
        for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found.append(each.memory_info().rss)
    return found


def has_epoch(storage: Path) -> bool:
    """Whether an epoch has been told to the storage."""
    if not storage.is_file():
        return False
    with closing(sqlite3.connect(f"file:{storage}?mode=ro", uri=True)) as database:
        try:
            return database.execute("SELECT 1 FROM trial_intermediate_values LIMIT 1").fetchone() is not None
        except sqlite3.OperationalError:  # its tables are being made
            return False


def write_table(path: Path, rows: int) -> None:
    """Such rows, drawn, a block at a time."""
    chance = np.random.default_rng(0)
    effects = [chance.normal(size=size) for size in SIZES]
    with path.open("w", encoding="utf-8", newline="") as file:
        for start in range(0, rows, BLOCK):
            block = drawn(chance, min(BLOCK, rows - start), effects)
            block.to_csv(file, index=False, header=start == 0, lineterminator="\n")


SIZES = (3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1000)


def drawn(chance: np.random.Generator, rows: int, effects: Sequence[np.ndarray[Any, Any]]) -> pd.DataFrame:
    """Some rows; `effects` are those of the categories' values."""
    numbers = chance.normal(size=(rows, 24)).round(3)
    codes = [chance.integers(0, size, rows) for size in SIZES]
    flags = chance.random((rows, 4)) < 0.3
    days = chance.integers(0, 2000, (rows, 4))
    words = chance.integers(0, len(WORDS), (rows, 4, 6))
    score = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] - np.abs(numbers[:, 3]) + 0.5 * (days[:, 0] % 7 > 4)
    score += sum(effects[each][codes[each]] for each in (0, 3, 7, 13)) + flags[:, 0] * numbers[:, 4]
    score += (words[:, 0] == 1).any(axis=1) + chance.logistic(size=rows)
    frame = pd.DataFrame(numbers, columns=[f"number {each}" for each in range(24)])
    for size, values in zip(SIZES, codes, strict=True):
        frame[f"category of {size}"] = np.array([f"value {each}" for each in range(size)])[values]
    for each in range(4):
        frame[f"flag {each}"] = np.where(flags[:, each], "true", "false")
        begin = pd.Timestamp("2020-01-01") + pd.to_timedelta(days[:, each], unit="D")
        frame[f"day {each}"] = begin.strftime("%Y-%m-%d")
        frame[f"text {each}"] = [" ".join(some) for some in WORDS[words[:, each]]]
    for name in frame.columns[::4]:
        frame[name] = frame[name].mask(chance.random(rows) < 0.1)
    frame["class"] = np.where(score > 0, "yes", "no")
    return frame


if __name__ == "__main__":
    main()
