"""Four oracles: random points, Parzen estimators (where KerasTuner has a Gaussian process), a grid, and Hyperband."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from optuna.trial import TrialState

from tuner.keras_tuner.hyperparameters import HyperParameters
from tuner.keras_tuner.oracle import Oracle
from tuner.keras_tuner.parameters import HyperParameter
from tuner.keras_tuner.trial import Trial
from tuner.search.proposals import Suggestions, make_sampler, seed_of_trial
from tuner.search.view import View
from tuner.study.samplers import PlainSampler, Sampler, Tpe

ATTEMPTS, MOST = 20, 10_000
"""How often a sampler may propose known values; then the first `MOST` combinations are walked."""

COMMON = (
    "seed",
    "hyperparameters",
    "allow_new_entries",
    "tune_new_entries",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
)
"""The arguments that KerasTuner's four oracles have after their own ones, in its order."""

Values = dict[str, Any]


def _named(common: Sequence[Any]) -> Values:
    return dict(zip(COMMON, common, strict=False))


class RandomSearch(Oracle):
    """Random points."""

    def __init__(self, objective: Any = None, max_trials: int | None = 10, *common: Any, **options: Any) -> None:
        super().__init__(objective, max_trials, **_named(common), **options)

    def populate_space(self, trial_id: str) -> Values:
        return _answer(self, sampled(self, PlainSampler(kind="random")))


class BayesianOptimization(Oracle):
    """Tree-structured Parzen estimators, after so many random points. A Gaussian process's `alpha` and `beta` have no effect."""

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        *common: Any,
        **options: Any,
    ) -> None:
        super().__init__(objective, max_trials, **_named(common), **options)
        self.sampler = Tpe(startup_trials=num_initial_points or 10)

    def populate_space(self, trial_id: str) -> Values:
        return _answer(self, sampled(self, self.sampler))


class GridSearch(Oracle):
    """Every combination; ten points, both ends among them, of a range without steps."""

    def __init__(self, objective: Any = None, max_trials: int | None = None, *common: Any, **options: Any) -> None:
        super().__init__(objective, max_trials, **_named(common), **options)

    def populate_space(self, trial_id: str) -> Values:
        return _answer(self, _untried(self))


class Hyperband(Oracle):
    """Hyperband (Li et al. 2018, arXiv 1603.06560): the best 1/`factor` of each round of a bracket go on from their weights."""

    def __init__(
        self,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        *common: Any,
        **options: Any,
    ) -> None:
        super().__init__(objective, **_named(common), **options)
        if factor < 2:
            raise ValueError(f"factor needs to be a whole number above 1, got {factor}")
        self.max_epochs, self.factor, self.hyperband_iterations = max_epochs, factor, hyperband_iterations

    def populate_space(self, trial_id: str) -> Values:
        trials = list(self.trials.values())
        for iteration in range(self.hyperband_iterations):
            for bracket in reversed(range(int(math.log(self.max_epochs, self.factor) + 1e-8) + 1)):
                place = {"tuner/bracket": bracket, "tuner/iteration": iteration}
                own = [each for each in trials if place.items() <= each.hyperparameters.values.items()]
                rounds = [[x for x in own if x.hyperparameters.values["tuner/round"] == i] for i in range(bracket + 1)]
                values = self._next(bracket, rounds)
                if values is not None:
                    return _answer(self, values and {**values, **place})
        return _answer(self, None)

    def _next(self, bracket: int, rounds: Sequence[Sequence[Trial]]) -> Values | None:
        """The values of the next trial in a bracket, empty if there are none that are new; None if it has no place for one now."""
        last = math.ceil(1 + math.log(self.max_epochs, self.factor)) / (bracket + 1)
        sizes = [math.ceil(last * self.factor ** (bracket - number)) for number in range(bracket + 1)]
        epochs = [math.ceil(self.max_epochs / self.factor ** (bracket - number)) for number in range(bracket + 1)]
        if len(rounds[0]) < sizes[0]:
            values = sampled(self, PlainSampler(kind="random")) or {}
            return values and {**values, "tuner/epochs": epochs[0], "tuner/initial_epoch": 0, "tuner/round": 0}
        for number in range(1, bracket + 1):
            taken = {each.hyperparameters.values["tuner/trial_id"] for each in rounds[number]}
            ready = {x.trial_id for x in rounds[number - 1] if x.status == "COMPLETED" and x.trial_id not in taken}
            if len(ready) > sizes[number - 1] - sizes[number]:
                best = next(each for each in self.get_best_trials(len(self.stored())) if each.trial_id in ready)
                own = {"tuner/trial_id": best.trial_id, "tuner/initial_epoch": epochs[number - 1]}
                return {**best.hyperparameters.values, **own, "tuner/epochs": epochs[number], "tuner/round": number}
        return None


def sampled(oracle: Oracle, settings: Sampler) -> Values | None:
    """New values from one of Optuna's samplers; None if there are none."""
    assert oracle.study
    space, runs, known = oracle.hyperparameters.space, oracle.stored(), list(oracle.trials.values())
    for attempt in range(ATTEMPTS if space else 0):
        sampler = make_sampler(settings, seed_of_trial(oracle.seed, attempt, len(runs)))
        view = View(oracle.study, [each for each in runs if each.state is not TrialState.FAIL], sampler)
        hp = HyperParameters(_asking(Suggestions(view, view.new_trial(len(runs)), sampler, {})))
        hp.merge(space)
        if not any(each.is_like(hp.values) for each in known):
            return hp.values
    return _untried(oracle)


def _asking(suggestions: Suggestions) -> Any:
    return lambda label, hole: hole.suggest(suggestions, label)


def _untried(oracle: Oracle) -> Values | None:
    """The first combination of values that no trial has."""
    known = list(oracle.trials.values())
    candidates = islice(combinations(oracle.hyperparameters.space, {}), MOST)
    return next((each for each in candidates if not any(one.is_like(each) for one in known)), None)


def combinations(space: Sequence[HyperParameter], values: Values) -> Iterator[Values]:
    """Every combination of the values of active parameters, after the `values` of earlier ones."""
    if not space:
        yield values
        return
    first, *rest = space
    is_open = first.name not in values and all(each.is_active(values) for each in first.conditions)
    for each in [{first.name: value} for value in first.values] if is_open else [{}]:
        yield from combinations(rest, {**values, **each})


def _answer(oracle: Oracle, values: Values | None) -> Values:
    """The values of the next trial. Without any, a trial that runs now may ask for something new."""
    trials = oracle.trials.values()
    if values or (values is not None and not trials):
        return {"status": "RUNNING", "values": values}
    return {"status": "IDLE" if any(each.status == "RUNNING" for each in trials) else "STOPPED"}


RandomSearchOracle, BayesianOptimizationOracle = RandomSearch, BayesianOptimization
GridSearchOracle, HyperbandOracle = GridSearch, Hyperband
