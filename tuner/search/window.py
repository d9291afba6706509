"""A long study as its sampler sees it: the best trials, the running ones, and a fair sample of the others.

TPE compares its at most 25 best trials with all others, and each parameter of each trial costs time in proportion to
them: 58 ms a trial at 1,000 trials and 560 ms at 10,000 for the space of `fashion`, measured in memory. The density of
the others is as well known from some hundred of them.
"""

import heapq
import math
import zlib
from collections.abc import Container
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

SIZE = 250
BEST = 40
"""TPE takes a tenth of the trials as good ones, 25 at the most."""


class Windowed(BaseSampler):
    """A sampler for one trial that looks at a study of one objective through a window of `SIZE` ended trials."""

    def __init__(self, sampler: BaseSampler) -> None:
        self.sampler = sampler
        self.window: Window | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler does it."""
        return self.sampler.infer_relative_search_space(self._window(study), trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler does it."""
        return self.sampler.sample_relative(self._window(study), trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler does it."""
        return self.sampler.sample_independent(self._window(study), trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the sampler does it."""
        self.sampler.before_trial(study, trial)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """As the sampler does it."""
        self.sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """As the sampler does it."""
        self.sampler.reseed_rng()

    def _window(self, study: optuna.Study) -> optuna.Study:
        self.window = self.window or Window(study)
        return self.window


class Window(optuna.Study):
    """A study with the trials in the window only, as they were when it was opened."""

    def __init__(self, study: optuna.Study) -> None:
        super().__init__(study.study_name, study._storage)
        everything = study._get_trials(deepcopy=False)  # `get_trials` would be one bracket of Hyperband's
        self.seen = in_window(everything, study.direction == StudyDirection.MAXIMIZE)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        return [trial for trial in self.seen if states is None or trial.state in states]


def in_window(trials: list[FrozenTrial], maximize: bool, size: int = SIZE, best: int = BEST) -> list[FrozenTrial]:
    """All trials if at most `size` have ended; else the `best` ended ones, the running ones, and others of the ended by a
    hash of their numbers, which is as good as chance and always the same. In the order of their numbers."""
    ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    if len(ended) <= size:
        return trials
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    good = heapq.nsmallest(best, ended, key=lambda trial: _rank(trial, maximize))
    taken = {trial.number for trial in good}
    rest = (trial for trial in ended if trial.number not in taken)
    others = heapq.nsmallest(size - best, rest, key=lambda trial: zlib.crc32(b"%d" % trial.number))
    return sorted([*running, *good, *others], key=lambda trial: trial.number)


def _rank(trial: FrozenTrial, maximize: bool) -> tuple[float, float]:
    """TPE's order: finished trials by their value, then pruned ones by how far they came and their last figure."""
    sign = -1.0 if maximize else 1.0
    if trial.state == TrialState.COMPLETE:
        assert trial.value is not None
        return -math.inf, sign * trial.value
    if not trial.intermediate_values:
        return 1.0, 0.0
    step, value = max(trial.intermediate_values.items())
    return -step, math.inf if math.isnan(value) else sign * value
