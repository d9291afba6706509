"""What the search itself costs a trial: asking, filling, five reports with pruning, keeping, telling.

    python benchmarks/sampling.py [--trials 100 1000] [--out benchmarks/results/sampling.json]

A study with the space of `fashion` is filled with random finished trials in the default storage; then ten trials go
through the search's own steps without any training. Printed are the medians for one trial, in milliseconds.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import optuna

from tuner.places import find_study
from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.studies import open_study
from tuner.search.trials import Running, Trials
from tuner.storage import StudyRecord, TrialRecord, default_url, open_storage
from tuner.study import StudyFile, load

EPOCHS = 5
PROBES = 10


class Silence:
    """A listener that shows nothing."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe) -> None: ...

    def advanced(self, number: int, epoch: Epoch) -> None: ...

    def paused(self, number: int, epoch: Epoch) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def said(self, message: str) -> None: ...


def random_trials(file: StudyFile, count: int) -> list[optuna.trial.FrozenTrial]:
    """Finished trials with random parameters and values, as a search would have left them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
    for number in range(count):
        trial = study.ask()
        recipe = file.fill(trial)
        trial.set_user_attr("key", recipe.key)
        for epoch in range(1, EPOCHS + 1):
            trial.report(0.5 + number % 97 / 200 + epoch / 1000, epoch)
        study.tell(trial, 0.5 + number % 97 / 200)
    return study.get_trials(deepcopy=False)


def one_trial(trials: Trials) -> float:
    """Milliseconds that the search spends on one trial."""
    started = time.perf_counter()
    running: Running = trials.ask()
    watch = trials.watch(running)
    scores = Scores(loss=0.4, accuracy=0.9)
    epochs = [
        Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.001, seconds=0.1)
        for number in range(1, EPOCHS + 1)
    ]
    for epoch in epochs:
        watch(epoch)
    fold = FoldResult(epochs=tuple(epochs), kept=EPOCHS)
    trials.end(running, Result(folds=(fold,), ended="finished", reason="", parameters=1, seconds=0.5))
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure at each number of trials and print the curve."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    name, path = find_study("fashion")
    file, results = load(path, name), {}
    for count in said.trials:
        with tempfile.TemporaryDirectory() as folder:
            storage = open_storage(default_url(Path(folder)))
            study, _ = open_study(storage, file)
            study.add_trials(random_trials(file, count))
            trials = Trials(study, file, Silence(), {}, None, worker=0, deterministic=False)
            results[count] = statistics.median(one_trial(trials) for _ in range(PROBES))
        print(f"{count} trials: {results[count]:.1f} ms a trial", flush=True)
    if said.out:
        said.out.parent.mkdir(parents=True, exist_ok=True)
        said.out.write_text(json.dumps({"milliseconds a trial": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
