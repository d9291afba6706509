"""What minutes buy: whole searches as a user gives them, and the test accuracy of the model that each ends with.

    python benchmarks/minutes.py [--only fashion-10] [--seeds 3] [--runs FOLDER] [--out benchmarks/results/minutes.json]

Each run has the machine to itself and begins from nothing; the seed is the search's and the trainings'. What the file has is
not run again, so this can be stopped and goes on. Three seeds of all take about five hours. With `--runs` the studies and models stay,
each in a folder of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results

from tuner.storage import open_storage
from tuner.storage.records import read_study


@dataclass(frozen=True)
class Budget:
    """Minutes for a study, what is said beside them, and the test accuracy that the mean of the runs is to reach; where it is
    `of_validation`, that of the model's recipe in cross-validation."""

    name: str
    study: str
    minutes: int
    target: float
    seeds: int = 3
    more: tuple[str, ...] = ()
    of_validation: bool = False

    def figure(self, run: dict[str, Any]) -> float:
        """The figure of a run that is to reach the target."""
        return float(max(run["validation_accuracy"]) if self.of_validation else run["test_accuracy"])

    def command(self, seed: int) -> list[str]:
        """The command, without where its storage lies."""
        said = ["optimize", "--study", self.study, "--timeout", f"{self.minutes}m", "--seed", str(seed)]
        return [*said, "--set", f"seed={seed}", *self.more]


COLD = ("--cold",)
BUDGETS = (
    Budget("digits-1-cold", "digits", 1, 0.993, more=COLD, of_validation=True),
    Budget("mnist-10-cold", "mnist", 10, 0.9960, more=COLD),
    Budget("fashion-30", "fashion", 30, 0.953),
    Budget("fashion-10", "fashion", 10, 0.945),
    Budget("mnist-10", "mnist", 10, 0.9966),
    Budget("usps-10", "usps", 10, 0.9815),
    Budget("fashion-10-cold", "fashion", 10, 0.936, more=COLD),
    Budget("usps-10-cold", "usps", 10, 0.9805, more=COLD),
)


def run(budget: Budget, seed: int, folder: Path) -> dict[str, Any]:
    """One search."""
    started = time.time()
    command = [sys.executable, "-m", "tuner", *budget.command(seed), "--runs", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.time() - started
    found = json.loads(done.stdout.splitlines()[-1])
    kept = ("test_accuracy", "test_interval", "validation_accuracy", "trials", "epochs", "ended")
    return {
        "name": budget.name,
        "seed": seed,
        "command": "python -m tuner " + " ".join(budget.command(seed)),
        "wall": round(wall, 1),
        "lines": [
            line for line in done.stdout.splitlines()[:-1] if not line.startswith(("model:", "continue:", "browse:"))
        ],
        **{name: found[name] for name in kept},
        "reached": reached(found["storage"], budget.study, started),
    }


def reached(storage: str, study: str, started: float) -> list[tuple[float, float, float]]:
    """Each time that a trial's validation accuracy (in cross-validation: that of a fold) was higher than all before: seconds
    since the command was given, seconds of training until then in all processes together, and the figure."""
    events = []
    for trial in read_study(open_storage(storage), study).trials:
        moment = (trial.started or started) - started
        for fold in trial.result.folds if trial.result else ():
            for epoch in fold.epochs:
                moment += epoch.seconds
                if epoch.validation:
                    events.append((moment, epoch.seconds, epoch.validation.accuracy))
    best, trained, higher = 0.0, 0.0, []
    for moment, seconds, figure in sorted(events):
        trained += seconds
        if figure > best:
            best = figure
            higher.append((round(moment, 1), round(trained, 1), figure))
    return higher


def table(runs: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each budget that has been run."""
    yield "| minutes | target | mean | each | seconds |"
    yield "|---|---|---|---|---|"
    for budget in BUDGETS:
        own = [each for each in runs if each["name"] == budget.name]
        if own:
            figures = [budget.figure(each) for each in own]
            spread = f" ± {statistics.stdev(figures):.4f}" if len(own) > 1 else ""
            each = ", ".join(f"{figure:.4f}" for figure in figures)
            wall = max(each["wall"] for each in own)
            yield f"| {budget.name} | {budget.target} | {statistics.fmean(figures):.4f}{spread} | {each} | {wall:.0f} |"


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "minutes.json")
    arguments = parser.parse_args()
    runs = json.loads(arguments.out.read_text())["runs"] if arguments.out.is_file() else []
    for budget in BUDGETS:
        for seed in range(min(budget.seeds, arguments.seeds)):
            is_done = any((each["name"], each["seed"]) == (budget.name, seed) for each in runs)
            if is_done or not budget.name.startswith(arguments.only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                runs.append(
                    run(budget, seed, arguments.runs / f"{budget.name}-{seed}" if arguments.runs else Path(folder))
                )
            write_results(arguments.out, {**about_this_machine(), "runs": runs})
            print(f"{budget.name}, seed {seed}: {budget.figure(runs[-1]):.4f} in {runs[-1]['wall']:.0f} s", flush=True)
    print("\n".join(table(runs)))


if __name__ == "__main__":
    main()
