"""How long a report takes: the whole command, on studies of random trials with the space of `fashion`.

    python benchmarks/report.py [--trials 100 1000] [--out benchmarks/results/report.json]

Every trial has a recipe, a curve of twelve epochs and, three in four, was finished; the other ones were pruned. The
documents about Fashion-MNIST come from the kept results. Medians of three calls.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from common import about_this_machine, write_results

from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.studies import open_study
from tuner.storage import default_url, open_storage
from tuner.storage.records import recipe_attributes, store_result
from tuner.study import StudyFile, load
from tuner.study.places import find_study

EPOCHS = 12
CALLS = 3


def main() -> None:
    """Fill, report, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    _, path = find_study("fashion")
    seconds = {}
    for count in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            fill(load(path, "fashion", []), Path(folder), count)
            seconds[count] = statistics.median(reported(Path(folder)) for _ in range(CALLS))
            print(f"{count} trials: {seconds[count]:.1f} s", flush=True)
    if arguments.out:
        write_results(arguments.out, {**about_this_machine(), "seconds": seconds})


def fill(file: StudyFile, folder: Path, count: int) -> None:
    """Random trials in a SQLite storage, written through memory."""
    memory = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
    generator = np.random.default_rng(0)
    for number in range(count):
        trial = memory.ask()
        for name, value in recipe_attributes(file.fill(trial), {"python": "3"}).items():
            trial.set_user_attr(name, value)
        accuracy = float(generator.uniform(0.8, 0.92))
        store_result(trial, curve(accuracy))
        state = optuna.trial.TrialState.PRUNED if number % 4 == 3 else optuna.trial.TrialState.COMPLETE
        trial.report(accuracy, EPOCHS)
        memory.tell(trial, accuracy if number % 4 != 3 else None, state=state)
    study, *_ = open_study(open_storage(default_url(folder)), file)
    study.add_trials(memory.get_trials(deepcopy=False))


def curve(accuracy: float, length: int = EPOCHS) -> Result:
    """A result with a rising curve of so many epochs."""
    epochs = tuple(
        Epoch(
            fold=0,
            number=number,
            training=Scores(loss=1 / number, figures={"accuracy": accuracy}),
            validation=Scores(loss=1 / number, figures={"accuracy": accuracy * number / EPOCHS}),
            learning_rate=0.001,
            seconds=1.0,
        )
        for number in range(1, length + 1)
    )
    folds = (FoldResult(epochs=epochs, kept=length),)
    return Result(
        folds=folds, ended="finished", reason="", parameters=round(1e6 * (1 - accuracy)), seconds=float(length)
    )


def reported(folder: Path) -> float:
    """Seconds of one call of the command."""
    call = [
        sys.executable,
        "-m",
        "tuner",
        "report",
        "--study",
        "fashion",
        "--runs",
        str(folder),
        "--out",
        str(folder / "out"),
    ]
    started = time.perf_counter()
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
