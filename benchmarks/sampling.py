"""What the search itself costs a trial: asking, filling, five reports with pruning, keeping, telling, the learning curve.

    python benchmarks/sampling.py [--trials 100 1000 10000] [--storage postgresql://…] [--out benchmarks/results/sampling.json]

A study with the space of `fashion` is filled with random finished trials; then twenty trials go through the search's own
steps without any training. Two figures in milliseconds, medians: what a trial waits for the search, and what the search
and its storage do in all, the writing in the background included. A trial of 3 s may wait 60 ms: 2 %. A storage is
given as a URL of an empty database; without one a SQLite file is made, as the search does.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import optuna
from common import about_this_machine, write_results

from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.running import Running
from tuner.search.studies import open_study
from tuner.search.trials import Trials
from tuner.storage import StudyRecord, TrialRecord, default_url, open_storage
from tuner.study import StudyFile, load
from tuner.study.places import find_study

EPOCHS = 5
PROBES = 20
T = TypeVar("T")


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


class Watch:
    """Adds up what a trial waits for, and lets the background catch up in between, as real trainings do."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.waited = self.total = 0.0

    def time(self, act: Callable[[], T]) -> T:
        """Do something that a trial waits for."""
        started = time.perf_counter()
        answer = act()
        self.waited += 1000 * (time.perf_counter() - started)
        self.trials.mirror.flush()
        self.total += 1000 * (time.perf_counter() - started)
        return answer


def one_trial(trials: Trials) -> Watch:
    """The milliseconds that the search spends on one trial."""
    watch = Watch(trials)
    running: Running = watch.time(trials.ask)
    tell = trials.watch(running)
    scores = Scores(loss=0.4, accuracy=0.9)
    epochs = [
        Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.001, seconds=0.1)
        for number in range(1, EPOCHS + 1)
    ]
    for epoch in epochs:
        watch.time(partial(tell, epoch))
    fold = FoldResult(epochs=tuple(epochs), kept=EPOCHS)
    result = Result(folds=(fold,), ended="finished", reason="", parameters=1, seconds=0.5)
    watch.time(partial(trials.end, running, result))
    return watch


def measure(url: str | None, file: StudyFile, count: int) -> dict[str, float]:
    """Both figures in a study with `count` trials."""
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(url or default_url(Path(folder)))
        file = replace(file, name=f"{count} trials, {time.time():.0f}")
        study, _ = open_study(storage, file)
        study.add_trials(random_trials(file, count))
        trials = Trials(study, file, Silence(), {}, Path(folder), worker=0, deterministic=False)
        found = [one_trial(trials) for _ in range(PROBES)]
        optuna.delete_study(study_name=file.name, storage=storage)
    return {
        "a trial waits (ms)": round(statistics.median(each.waited for each in found), 1),
        "in all (ms)": round(statistics.median(each.total for each in found), 1),
    }


def main() -> None:
    """Measure at each number of trials and print the curve."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10000])
    arguments.add_argument("--storage")
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    name, path = find_study("fashion")
    file, results = load(path, name), {}
    for count in said.trials:
        results[str(count)] = measure(said.storage, file, count)
        print(f"{count} trials: {results[str(count)]}", flush=True)
    if said.out:
        storage = said.storage.partition(":")[0] if said.storage else "sqlite"
        write_results(said.out, {**about_this_machine(), "storage": storage, "results": results})


if __name__ == "__main__":
    main()
