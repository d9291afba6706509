"""What a short search finds beside a good recipe that it begins with: a simulation, nothing is trained.

    python benchmarks/near.py [--surfaces 80] [--out benchmarks/results/near.json]

Errors come from a smooth response surface, another one for each seed, over a space like that of `studies/fashion.toml`. The
recipe that the search begins with is good on most of them and best on none. TPE proposes anew, or takes the best trial so far
and proposes about two of its parameters anew, for a share of the trials (`search.near`). The figures are true errors (without
the noise of 0.0025 that the search sees): by how much the best trial so far is better than the first.
"""

import argparse
import math
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from common import about_this_machine, write_results
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

WAYS = ((5, 0.0), (2, 0.5), (2, 0.8), (2, 1.0))  # random trials at the beginning, share of proposals near to the best
LENGTHS = (4, 8, 12, 20, 40)
NOISE = 0.0025
FIRST: dict[str, Any] = {
    "kind": "staged",
    "stages": 2,
    "filters0": 32,
    "filters1": 64,
    "block": "plain",
    "stem": 0,
    "stage_dropout": 0.1,
    "bridge": "flatten",
    "dense": 1,
    "width": 256,
    "dropout": 0.4,
    "batch": 128,
    "optimizer": "sgd",
    "sgd.rate": 0.2,
    "sgd.decay": 5e-4,
    "schedule": "cosine",
    "averaging": 0.0,
    "flip": True,
    "shift": 1,
    "erase": 0.0,
}

Suggest = Callable[[str, BaseDistribution], Any]


def fill(suggest: Suggest) -> None:
    """Ask for all parameters of one recipe."""
    if suggest("kind", CategoricalDistribution(("staged", "dense"))) == "staged":
        for stage in range(suggest("stages", IntDistribution(2, 4))):
            suggest(f"filters{stage}", CategoricalDistribution((32, 64, 96, 128)))
        suggest("block", CategoricalDistribution(("plain", "residual")))
        suggest("stem", CategoricalDistribution((0, 32)))
        suggest("stage_dropout", FloatDistribution(0, 0.4))
        suggest("bridge", CategoricalDistribution(("flatten", "average")))
        if suggest("dense", IntDistribution(0, 1)):
            suggest("width", IntDistribution(64, 512, log=True))
        suggest("dropout", FloatDistribution(0, 0.5))
    else:
        for layer in range(suggest("layers", IntDistribution(1, 4))):
            suggest(f"width{layer}", IntDistribution(64, 1024, log=True))
        suggest("normalization", CategoricalDistribution(("none", "before")))
        suggest("dense_dropout", FloatDistribution(0, 0.5))
    suggest("batch", CategoricalDistribution((64, 128, 256)))
    optimizer = suggest("optimizer", CategoricalDistribution(("adam", "adamw", "sgd")))
    low, high = (2e-2, 0.5) if optimizer == "sgd" else (5e-4, 1e-2)
    suggest(f"{optimizer}.rate", FloatDistribution(low, high, log=True))
    if optimizer != "adam":
        suggest(f"{optimizer}.decay", FloatDistribution(1e-4, 1e-1, log=True))
    suggest("schedule", CategoricalDistribution(("cosine", "one_cycle")))
    suggest("averaging", CategoricalDistribution((0.0, 0.998)))
    suggest("flip", CategoricalDistribution((False, True)))
    suggest("shift", IntDistribution(0, 2))
    suggest("erase", FloatDistribution(0, 0.4))


def place(distribution: BaseDistribution, value: Any) -> float:
    """Where a number stands in its range, from 0 to 1."""
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return float((value - low) / (high - low))


class Surface:
    """Errors as a sum over parameters: an amount for each choice, a parabola for each number, all drawn by the seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.terms: dict[str, Callable[[BaseDistribution, Any], float]] = {}

    def error(self, params: dict[str, Any], distributions: dict[str, BaseDistribution]) -> float:
        """The true error of a recipe."""
        total = 0.06
        for name in sorted(params):
            if name not in self.terms:
                self.terms[name] = self._term(name, distributions[name])
            total += self.terms[name](distributions[name], params[name])
        return total

    def _term(self, name: str, distribution: BaseDistribution) -> Callable[[BaseDistribution, Any], float]:
        if isinstance(distribution, CategoricalDistribution):
            choices = list(distribution.choices)
            costs = np.abs(self.random.normal(0, 0.006, len(choices)))
            if name == "kind":
                costs = np.array([0.0, 0.02])
            elif name in FIRST:
                costs[choices.index(FIRST[name])] *= 0.3
            costs -= costs.min()
            return lambda _, value: float(costs[choices.index(value)])
        middle = place(distribution, FIRST[name]) if name in FIRST else self.random.random()
        best, height = np.clip(middle + self.random.normal(0, 0.25), 0, 1), abs(self.random.normal(0, 0.03))
        return lambda own, value: float(height * (place(own, value) - best) ** 2)


def gains(seed: int, startup: int, near: float) -> list[float]:
    """By how much the best trial is better than the first, after each of the lengths."""
    surface, chance = Surface(seed), np.random.default_rng(seed + 999)
    sampler = TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    best: tuple[float, dict[str, Any], float] | None = None
    true = []
    for number in range(max(LENGTHS)):
        given: dict[str, Any] = FIRST if number == 0 else {}
        if best and chance.random() < near:
            given = {name: value for name, value in best[1].items() if chance.random() >= 2 / len(best[1])}
        params, distributions = proposed(study, given)
        error = surface.error(params, distributions)
        seen = error + chance.normal(0, NOISE)
        study.add_trial(create_trial(params=params, distributions=distributions, value=seen))
        if best is None or seen < best[0]:
            best = (seen, params, error)
        true.append(best[2])
    return [true[0] - true[length - 1] for length in LENGTHS]


def proposed(study: optuna.Study, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """What the study's sampler proposes where nothing is given."""
    trial, params, distributions = study.ask(), {}, {}

    def suggest(name: str, distribution: BaseDistribution) -> Any:
        distributions[name] = distribution
        params[name] = given[name] if name in given else trial._suggest(name, distribution)
        return params[name]

    fill(suggest)
    study.tell(trial, state=TrialState.FAIL)
    return params, distributions


def main() -> None:
    """Simulate all ways on the same surfaces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surfaces", type=int, default=80)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "near.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    results = []
    for startup, near in WAYS:
        found = list(zip(*(gains(seed, startup, near) for seed in range(arguments.surfaces)), strict=True))
        means = [round(statistics.fmean(each), 5) for each in found]
        errors = [round(statistics.stdev(each) / len(each) ** 0.5, 5) for each in found]
        results.append({"startup": startup, "near": near, "trials": LENGTHS, "gain": means, "standard_error": errors})
        print(results[-1], flush=True)
    write_results(arguments.out, {**about_this_machine(), "surfaces": arguments.surfaces, "results": results})


if __name__ == "__main__":
    main()
