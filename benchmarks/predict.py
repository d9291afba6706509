"""How long a million rows of a table take: `tuner predict` from CSV to CSV, in seconds of the processor and in memory.

    python benchmarks/predict.py [--rows 1000000] [--out csv]

The table has five numbers, a date, a boolean, three categories and a text of up to eight words; the network is dense, 64-64.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

WORDS = np.array(["good", "bad", "slow", "fast", "late", "early", "broken", "new", "used", "grün", "weiß", "heavy"])
CITIES = np.array([f"city {number}" for number in range(300)])


def main() -> None:
    """Make a model and a table, predict, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", choices=("csv", "parquet"), default="csv")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        frame = table(said.rows)
        frame.to_csv(path / "rows.csv", index=False)
        model(frame, path)
        print(measured(path, said.rows, said.out))


def table(rows: int) -> pd.DataFrame:
    """Such rows, drawn."""
    chance = np.random.default_rng(0)
    numbers = {f"number {each}": chance.normal(size=rows).round(4) for each in range(5)}
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(chance.integers(0, 2000, rows), unit="D")
    texts = [" ".join(words) for words in chance.choice(WORDS, (rows, 8))]
    return pd.DataFrame(
        numbers
        | {
            "when": days.strftime("%Y-%m-%d"),
            "is new": chance.choice(["true", "false"], rows),
            "city": chance.choice(CITIES, rows),
            "size": chance.choice(["S", "M", "L"], rows),
            "code": chance.integers(0, 50, rows),
            "text": texts,
            "class": chance.choice(["a", "b", "c"], rows),
        }
    )


KINDS = {
    "when": "date",
    "is new": "boolean",
    "city": "category",
    "size": "category",
    "code": "category",
    "text": "text",
}


def model(frame: pd.DataFrame, folder: Path) -> None:
    """An untrained network on such rows, saved with its papers."""
    from tuner.data.own.coding import coded
    from tuner.networks import Dense, Rows
    from tuner.networks.build import build
    from tuner.networks.columns import Column
    from tuner.recipe import Data, Recipe
    from tuner.training.saving import UNSCALED, save_average, save_model

    some = frame.head(5000).astype({"code": str})
    columns = tuple(
        Column(name=name, kind=KINDS.get(name, "number"))  # type: ignore[arg-type]
        for name in frame.columns
        if name != "class"
    )
    coding, _ = coded(columns, some, np.arange(len(some)), "rows")
    recipe, inputs = Recipe(data=Data(name="digits"), network=Dense(widths=(64, 64))), Rows(coding.facts)
    save_model(build(recipe.network, inputs, 3, 0), recipe, UNSCALED, inputs, 3, folder / "one.keras")
    save_average([folder / "one.keras"], folder / "model.keras", coding=coding)


def measured(folder: Path, rows: int, suffix: str) -> str:
    """What the command needs."""
    command = [sys.executable, "-m", "tuner", "predict", "--model", str(folder / "model.keras")]
    command += ["--data", str(folder / "rows.csv"), "--out", str(folder / f"out.{suffix}")]
    began = time.monotonic()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    seconds, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        f"{rows:,} rows to {suffix}: {used.ru_utime:.1f} s user, {used.ru_stime:.1f} s system, {seconds:.1f} s on the clock, "
        f"{used.ru_maxrss / 2**20:.2f} GiB"
    )


if __name__ == "__main__":
    main()
