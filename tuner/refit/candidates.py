"""Which trials are refitted, on how many seeds and for how many epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from tuner.base.metrics import standard_error
from tuner.data.splits import sizes
from tuner.recipe import Recipe, fold_count
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    LONG_ENOUGH,
    MARGIN,
    MOST_ROUNDS,
    FixedEpochs,
    Minutes,
    Reference,
    TimeBudget,
    with_fitted_epochs,
)
from tuner.result import Result
from tuner.storage import StudyRecord, TrialRecord, ranked

EPOCHS = "training.epochs"
"""Address of a searched number of epochs."""

NEARLY = 0.75
"""Fewest epochs of a refit, relative to its trial's."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to refit, with the number of the trial that it comes from."""

    trial: int
    recipe: Recipe


@dataclass(frozen=True)
class RankedTrial:
    """A trial that could win, where the minutes decide: its recipe, the epochs of its whole training (those it was proposed with,
    if the study searches for them), and the seconds of one of them."""

    trial: TrialRecord
    recipe: Recipe
    epochs: int
    epoch_seconds: float

    @property
    def reference(self) -> Reference:
        """Its whole training as the one to beat."""
        return Reference(fold_count(self.recipe.protocol) * self.epochs * self.epoch_seconds, self.epochs)

    @property
    def refit_seconds(self) -> float:
        """The seconds of a refit of full length."""
        return refit_factor(self.recipe) * self.reference.seconds

    def fitted(self, seconds: float) -> Recipe:
        """Its recipe with the epochs of a refit that takes `seconds`, over all folds."""
        slot = seconds / (refit_factor(self.recipe) * fold_count(self.recipe.protocol))
        return with_fitted_epochs(self.recipe, slot, self.epoch_seconds, self.epochs)

    def has_time(self, seconds: float) -> bool:
        """Whether a refit of `seconds` is not much shorter than the trial was."""
        return self.fitted(seconds).training.epochs >= NEARLY * self.recipe.training.epochs


def ranked_trial(session: Session, trial: TrialRecord) -> RankedTrial:
    """One of the `ranked` trials with its length, by the epoch time of its curve."""
    assert trial.recipe is not None
    assert trial.result is not None
    epochs = int(trial.params.get(EPOCHS, session.file.epochs))
    return RankedTrial(trial, trial.recipe, epochs, epoch_seconds(trial.recipe, trial.result))


def candidates(
    session: Session, budget: Minutes, trials: Sequence[RankedTrial], seconds: float, earlier: Sequence[Recipe] = ()
) -> tuple[Candidate, ...]:
    """The refits that fit into `seconds`: the contenders of the trials (best first) in turn, the longest first, until no process
    has time for the next. Their seeds differ from those of the `earlier` calls' refits, and none is much shorter than those."""
    alone = MARGIN * max(0.5 * seconds, seconds - budget.build_seconds)
    trials = [each for each in trials if each.has_time(alone)] or trials[:1]
    certain = contenders(session, budget, trials, 2)
    rounds = min(budget.rounds(seconds, each.refit_seconds) for each in certain)
    share, left = alone / rounds, [alone] * budget.workers
    rivals = contenders(session, budget, trials, rounds * budget.workers)
    chosen = [each for each in rivals if each in certain or each.has_time(share)]
    chosen.sort(key=lambda each: -each.refit_seconds)
    refits = []
    for place in range(MOST_ROUNDS * budget.workers):
        each = chosen[place % len(chosen)]
        needed = min(share, each.refit_seconds)
        if max(left) + 0.001 < needed:
            continue
        left[left.index(max(left))] -= needed
        (seed,) = fresh_seeds(each.recipe.seed + len(earlier) + place // len(chosen), 1)
        refits.append(Candidate(each.trial.number, replace(each.fitted(share), seed=seed)))
    longest = max((recipe.training.epochs for recipe in earlier), default=0)
    return tuple(each for each in refits if each.recipe.training.epochs >= LONG_ENOUGH * longest)


def contenders(session: Session, budget: Minutes, trials: Sequence[RankedTrial], places: int) -> Sequence[RankedTrial]:
    """The best of the trials (best first), those close to it, and the first start where trials are short."""
    metrics = [session.validation_metric(each.trial.result) for each in trials]
    count = close_to_best(session.metric, metrics, validated_examples(session, trials[0].recipe), places)
    close, first = list(trials[:count]), first_start(trials)
    if budget.is_short and first not in close and places > 1:
        return [*close, first]
    return close


def first_start(trials: Sequence[RankedTrial]) -> RankedTrial:
    """The first start among trials, best first; the best one where it is not among them."""
    return next((each for each in trials if each.trial.start == 0), trials[0])


def close_to_best(metric: str, values: Sequence[float], examples: int, places: int) -> int:
    """How many values of a metric, best first, are within one standard error of their difference from the best, so that
    another seed may turn the order. Each gets two of the `places` at least, the best all of them if there is one only."""
    if not values:
        return 0
    error = math.sqrt(2) * standard_error(metric, values[0], examples)
    close = sum(abs(value - values[0]) <= error for value in values)
    return max(1, min(close, places // 2))


def reserved_seconds(session: Session, budget: TimeBudget, record: StudyRecord) -> float:
    """The seconds at the end of a call that the search leaves for refits and what follows them. With fixed epochs none for
    refits as long as the best trial is one that an earlier call has refitted."""
    trials = ranked(record)
    if isinstance(budget, FixedEpochs):
        leader = next(iter(trials), None)
        refitted = session.study.user_attrs.get("confirmed", {}).get("winner")
        if leader is None or leader.recipe is None or leader.result is None or leader.recipe.key == refitted:
            return budget.reserved_for_refits(0.0)
        return budget.reserved_for_refits(refit_factor(leader.recipe) * leader.result.seconds)
    if not trials:
        return budget.reserved_for_refits()
    rivals = [ranked_trial(session, trial) for trial in trials]
    rivals = list(contenders(session, budget, rivals, MOST_ROUNDS * budget.workers))
    return max(budget.reserved_for_refits(each.refit_seconds) for each in rivals)


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


def refit_factor(recipe: Recipe) -> float:
    """Refit cost divided by trial cost: k/(k-1) after k-fold cross-validation, since one more network is trained on
    everything."""
    folds = fold_count(recipe.protocol)
    return folds / (folds - 1) if folds > 1 else 1.0


def epoch_seconds(recipe: Recipe, result: Result) -> float:
    """The seconds of an epoch of full length, from the curves of a recipe's result."""
    share = recipe.training.share
    return median(epoch.seconds / share(epoch.number) for fold in result.folds for epoch in fold.epochs)


def validated_examples(session: Session, recipe: Recipe) -> int:
    """How many examples a recipe's validation metric is computed on."""
    folds, _, each = sizes(recipe.protocol, len(session.preflight.data[recipe.data.name].examples))
    return folds * each
