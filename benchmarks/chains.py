"""What TPE proposes when successive halving keeps each promotion as a trial of its own: a simulation, nothing is trained.

    python benchmarks/chains.py [--seeds 40] [--trials 60 200] [--workers 1 2] [--out benchmarks/results/chains.json]

A training that pauses at a rung and goes on later can be one trial that waits (A), or a chain of trials, each of which
continues the one before it. The sampler may see all links of a chain (B) or only the last, with its own number (C1) or
with the first one's (C2: as A, to the digit). Random proposals (R) show what there is to lose. Learning curves come from
a smooth response surface, another one for each seed, over a space and with figures like those of `reports/fashion`.
"""

import argparse
import copy
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from common import about_this_machine, write_results
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from scipy import stats

from tuner.search.rungs import levels
from tuner.study.pruners import Asha

_, VISIBLE, HIDDEN, FIRST, RANDOM = WAYS = ("A", "B", "C1", "C2", "R")
METRICS = ("best", "best evenly", "regret", "proposed", "share")
STARTS = [{"network": each, "optimizer": "adam", "adam.learning_rate": 2e-3} for each in ("dense", "convolutional")]
NOISE = 0.002  # between seeds, and again between epochs


def ask(study: optuna.Study) -> optuna.Trial:
    """A trial with its 12 to 16 parameters."""
    trial = study.ask()
    trial.suggest_categorical("loss", ["plain", "smoothed"])
    trial.suggest_categorical("batch_size", [64, 128, 256])
    trial.suggest_categorical("schedule", ["constant", "cosine"])
    optimizer = trial.suggest_categorical("optimizer", ["adam", "rmsprop", "sgd"])
    low, high = {"adam": (3e-4, 1e-2), "rmsprop": (3e-4, 5e-3), "sgd": (1e-2, 0.5)}[optimizer]
    trial.suggest_float(f"{optimizer}.learning_rate", low, high, log=True)
    if optimizer == "sgd":
        trial.suggest_float("sgd.momentum", 0.0, 0.95)
    network = trial.suggest_categorical("network", ["dense", "convolutional"])
    narrow, wide, deep = (32, 512, 4) if network == "dense" else (8, 128, 3)
    for index in range(trial.suggest_int(f"{network}.count", 1, deep)):
        trial.suggest_int(f"{network}.widths[{index}]", narrow, wide, log=True)
    trial.suggest_categorical(f"{network}.activation", ["relu", "tanh", "leaky_relu", "elu"])
    trial.suggest_categorical(f"{network}.normalization", ["none", "before"])
    trial.suggest_float(f"{network}.dropout", 0.0, 0.5)
    trial.suggest_float(f"{network}.l2", 1e-7, 1e-3, log=True)
    return trial


def taste(seed: int, name: str) -> float:
    """What a seed's landscape has for a name: a standard normal number."""
    return float(np.random.default_rng([seed, *name.encode()]).normal())


def ceiling_and_pace(seed: int, params: dict[str, Any]) -> tuple[float, float]:
    """What a network comes to and in how many epochs: `ceiling - 0.2 * exp(-epoch / pace)`. High learning rates are fast
    and end low, large networks start slowly, and what is best for one parameter depends on others."""
    network, optimizer = params["network"], params["optimizer"]
    own = {name.removeprefix(f"{network}.").removeprefix(f"{optimizer}."): each for name, each in params.items()}
    dense, normalized, batch = network == "dense", own["normalization"] == "before", np.log2(own["batch_size"] / 64)
    size = float(np.mean([np.log2(own[name]) for name in own if name.startswith("widths")]) - (5 if dense else 3)) / 4
    usual = {"adam": -2.9, "rmsprop": -3.1, "sgd": -1.0}[optimizer] + 0.2 * taste(seed, optimizer)
    usual += 0.2 * (own["schedule"] == "cosine") + 0.3 * normalized + 0.1 * batch - 0.3 * (size - 0.5)
    rate = np.log10(own["learning_rate"] / (1 - own.get("momentum", 0.0))) - usual
    dropout = own["dropout"] - (0.05 + 0.25 * size + 0.05 * taste(seed, "dropout"))
    decay = np.log10(own["l2"]) + 5.5 - 0.5 * taste(seed, "l2") + 2 * own["dropout"]
    ceiling = (0.900 if dense else 0.920) + 0.003 * taste(seed, network)
    ceiling -= (0.030 if rate > 0 else 0.006) * rate**2 + 0.08 * dropout**2 + 0.0020 * decay**2
    ceiling -= 0.02 * (size - 0.75 - 0.1 * taste(seed, f"{network} size")) ** 2
    ceiling -= 0.002 * (own["count"] - 2.5 - 0.5 * taste(seed, f"{network} depth")) ** 2
    choices = ("loss", "schedule", "batch_size", "activation", "normalization")
    ceiling += sum(0.003 * taste(seed, f"{name}={own[name]}") for name in choices)
    pace = 1.5 * 1.6**size * 10 ** (-0.25 * rate) * (0.8 if normalized else 1.1) * (0.85 + own["dropout"])
    return ceiling, min(4.5, max(0.8, pace * 1.1**batch * (0.9 if dense else 1.1)))


class Book(optuna.Study):
    """A study in memory whose sampler sees it in one of the `WAYS`."""

    def __init__(self, way: str) -> None:
        storage = optuna.storages.InMemoryStorage()
        optuna.create_study(study_name=way, storage=storage, direction="maximize")
        super().__init__(way, storage)
        self.waiting: set[int] = set()  # running trials that pause
        self.continues: dict[int, int] = {}  # the link before each later one

    def _get_trials(self, deepcopy: bool = True, states: Any = None, use_cache: bool = False) -> list[FrozenTrial]:
        hidden = set(self.continues.values()) if self.study_name in (HIDDEN, FIRST) else set()
        seen = [self._seen(trial) for trial in super()._get_trials(deepcopy=False) if trial.number not in hidden]
        return [trial for trial in seen if states is None or trial.state in states]

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        if trial.number not in self.waiting and trial.number not in self.continues:
            return trial
        seen = copy.copy(trial)
        if trial.number in self.waiting:
            seen.state = TrialState.PRUNED
        while self.study_name == FIRST and seen.number in self.continues:
            seen.number = self.continues[seen.number]
        return seen


@dataclass
class Training:
    """One network: what each epoch shows or would show, and the last one without noise."""

    number: int
    trial: optuna.Trial
    curve: list[float]
    true: float
    seconds: float
    until: int  # the epoch to pause or end at
    epochs: int = 0


class Search:
    """Asynchronous successive halving as `tuner.search` does it, with simulated workers. `completed` has, for each
    training that came to its end, the epochs that all trainings had had by then, its figure and its true value."""

    def __init__(self, way: str, seed: int, trials: int, epochs: int) -> None:
        self.way, self.seed, self.trials, self.epochs, self.spent = way, seed, trials, epochs, 0
        self.in_chains = way in (VISIBLE, HIDDEN, FIRST)
        self.book = Book(way)
        self.rungs = levels(Asha(), epochs, trials)
        self.trainings: list[Training] = []
        self.completed: list[tuple[int, float, float]] = []

    def run(self, workers: int) -> "Search":
        """Search until nothing can begin or go on."""
        clock, busy = 0.0, list[tuple[float, int, Training]]()
        while True:
            while len(busy) < workers and (training := self._promoted() or self._started()):
                seconds = training.seconds * (training.until - training.epochs)
                heappush(busy, (clock + seconds, training.number, training))
            if not busy:
                return self
            clock, _, training = heappop(busy)
            self._settle(training)

    def _started(self) -> Training | None:
        number = len(self.trainings)
        if number == self.trials:
            return None
        if number < len(STARTS):
            self.book.enqueue_trial(STARTS[number])
        seed = int(np.random.SeedSequence([self.seed, 0, number]).generate_state(1)[0])  # as in `seed_of_trial`
        tpe = TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=10)
        self.book.sampler = RandomSampler(seed=seed) if self.way == RANDOM else tpe
        trial = ask(self.book)
        ceiling, pace = ceiling_and_pace(self.seed, trial.params)
        true = ceiling - 0.2 * np.exp(-np.arange(1, self.epochs + 1) / pace)
        noise = np.random.default_rng([self.seed, number])
        curve = true + noise.normal(0, NOISE) + noise.normal(0, NOISE, self.epochs)
        seconds = 1 + 64 / trial.params["batch_size"] * (1 if trial.params["network"] == "dense" else 3)
        until = self.epochs if number < len(STARTS) else self.rungs[0]
        self.trainings.append(Training(number, trial, curve.tolist(), float(true[-1]), seconds, until))
        return self.trainings[-1]

    def _promoted(self) -> Training | None:
        at_least = len(self.trainings) // self.trials  # one, when all have begun
        for rung in reversed(self.rungs):
            there = [training for training in self.trainings if training.epochs >= rung]
            there.sort(key=lambda training: training.curve[rung - 1], reverse=True)
            for training in there[: max(at_least, len(there) // Asha().factor)]:
                if training.epochs == training.until == rung:
                    return self._gone_on(training)
        return None

    def _gone_on(self, training: Training) -> Training:
        earlier = training.trial
        self.book.waiting.discard(earlier.number)
        if self.in_chains:
            self.book.enqueue_trial(earlier.params)
            self.book.sampler = RandomSampler()  # has nothing left to draw
            training.trial = ask(self.book)
            self.book.continues[training.trial.number] = earlier.number
        training.until = next((rung for rung in self.rungs if rung > training.epochs), self.epochs)
        return training

    def _settle(self, training: Training) -> None:
        for epoch in range(0 if self.in_chains else training.epochs, training.until):
            training.trial.report(training.curve[epoch], epoch + 1)
        self.spent += training.until - training.epochs
        training.epochs = training.until
        if training.until == self.epochs:
            self.book.tell(training.trial, training.curve[-1])
            self.completed.append((self.spent, training.curve[-1], training.true))
        elif self.in_chains:
            self.book.tell(training.trial, state=TrialState.PRUNED)
        else:
            self.book.waiting.add(training.trial.number)

    def best(self, spent: int) -> float:
        """The true value behind the best completed figure after so many epochs."""
        return max((figure, true) for epochs, figure, true in self.completed if epochs <= spent)[1]


def measured(searches: list[Search]) -> list[list[float]]:
    """For each way's search with one seed: the true value behind the best completed figure, at the end and after as many
    epochs in each way; its mean distance, over these epochs, from the best proposal; the mean true value of the second
    half of the proposals; and the share of all possible epochs that was spent."""
    begin, end = len(STARTS) * searches[0].epochs, min(search.spent for search in searches if search.way != RANDOM)
    reference = max(training.true for search in searches for training in search.trainings)
    rows = []
    for search in searches:
        regret = reference - float(np.mean([search.best(spent) for spent in range(begin, end + 1)]))
        proposed = float(np.mean([training.true for training in search.trainings[search.trials // 2 :]]))
        share = search.spent / (search.trials * search.epochs)
        rows.append([search.best(search.spent), search.best(end), regret, proposed, share])
    return rows


def compared(figures: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, dict[str, Any]]:
    """Each way's mean of each measure, its mean paired difference to A, and the standard error of that; and for how many
    seeds nothing differs. `figures` has an axis each for seeds, ways and measures."""
    differences = figures - figures[:, :1]
    numbers = np.stack([figures.mean(axis=0), differences.mean(axis=0), stats.sem(differences)], axis=-1).round(5)
    rows = zip(WAYS, (differences == 0).all(axis=2).sum(axis=0).tolist(), numbers.tolist(), strict=True)
    return {way: {"seeds as in A": seeds, **dict(zip(METRICS, row, strict=True))} for way, seeds, row in rows}


def main() -> None:
    """Simulate each setting and print the differences to one trial a training."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, default=40)
    arguments.add_argument("--trials", type=int, nargs="+", default=[60, 200])
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--epochs", type=int, default=12)
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    results: dict[str, Any] = {}
    for trials, workers in product(said.trials, said.workers):
        searches = ([Search(way, seed, trials, said.epochs).run(workers) for way in WAYS] for seed in range(said.seeds))
        setting = f"{trials} trials of {said.epochs} epochs, {workers} at a time"
        results[setting] = compared(np.array([measured(each) for each in searches]))
        print(setting, *results[setting].items(), sep="\n  ", flush=True)
        if said.out:
            write_results(said.out, {**about_this_machine(), "seeds": said.seeds, "results": results})


if __name__ == "__main__":
    main()
