"""Which trials are refitted, on how many seeds and for how many epochs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from tuner.base.curve_learning import learned_by_kind
from tuner.base.extrapolation import Belief, Curves, until_best
from tuner.data.splits import sizes
from tuner.recipe import Recipe, fold_count
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    FEWEST_FOLDS,
    LONG_ENOUGH,
    MARGIN,
    MOST_ROUNDS,
    FixedEpochs,
    Minutes,
    TimeBudget,
    refit_length,
    refit_networks,
    with_folds,
    with_length,
)
from tuner.result import Result
from tuner.storage import StudyRecord, TrialRecord
from tuner.study import StudyFile

EPOCHS = "training.epochs"
"""Address of a searched number of epochs."""

BEST_START_WITHIN = 1.5
"""So many standard deviations above the lowest expected error the best start may be and still be refitted."""

NEARLY = 0.75
"""Least length of a refit, relative to its trial's look, and to one with a whole share of the time."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to refit, with the number of the trial that it comes from."""

    trial: int
    recipe: Recipe


@dataclass(frozen=True)
class RankedTrial:
    """A trial that could win, where the minutes decide: the recipe of its best look, the epochs of its whole training (those it was
    proposed with, if the study searches for them; fewer if it overfits), and the seconds of one of them in one fold."""

    trial: TrialRecord
    recipe: Recipe
    epochs: float
    epoch_seconds: float

    @property
    def length(self) -> float:
        """The length of its best look in epochs."""
        return _length(self.recipe)

    @property
    def refit_seconds(self) -> float:
        """The seconds of a refit of full length in all folds."""
        return self.seconds(self.all_folds)

    def seconds(self, folds: int) -> float:
        """The seconds of a refit of full length in so many folds."""
        return self.epochs * self.epoch_seconds * refit_networks(folds, self.all_folds)

    def refit_length(self, seconds: float, folds: int = 0) -> float:
        """The length in epochs of a refit that takes `seconds`, in so many folds (0: as there is time for)."""
        return refit_length(seconds, self.epochs, self.epoch_seconds, self.all_folds, folds)

    def relative_length(self, seconds: float) -> float:
        """The same in the unit of its looks' lengths."""
        return self.refit_length(seconds) / self.trial.looks[-1].pace

    def fitted(self, seconds: float, folds: int) -> Recipe:
        """Its recipe with the length of a refit in so many folds that takes `seconds`."""
        return with_folds(with_length(self.recipe, self.refit_length(seconds, folds)), folds)

    def has_time(self, seconds: float) -> bool:
        """Whether a refit of `seconds` is not much shorter than its best look."""
        return self.refit_length(seconds) >= NEARLY * self.length

    @property
    def all_folds(self) -> int:
        """The folds of its cross-validation."""
        return fold_count(with_folds(self.recipe).protocol)


def ranked_trials(session: Session, trials: Sequence[TrialRecord]) -> list[RankedTrial]:
    """Trials of a ranking with the lengths of their whole trainings, by the epoch times of their curves."""
    curves = curves_of(trials)
    ranked = []
    for each in trials:
        assert each.recipe is not None
        assert each.result is not None
        epochs: float = whole_epochs(session.file, each.params)
        if each.looks:
            pace = each.looks[-1].pace
            epochs = curves[kind_of(each)].useful_length(each.looks, epochs / pace) * pace
        ranked.append(RankedTrial(each, each.recipe, epochs, epoch_seconds(session, each.recipe, each.result)))
    return ranked


def whole_epochs(file: StudyFile, params: Mapping[str, Any]) -> int:
    """The epochs of a whole training of a trial with these parameters."""
    return int(params.get(EPOCHS, file.epochs))


def candidates(
    budget: Minutes, trials: Sequence[RankedTrial], seconds: float, earlier: Sequence[Recipe] = ()
) -> tuple[Candidate, ...]:
    """The refits that fit into `seconds`: the contenders of the trials (best first) in turn, the longest first, until no process
    has three quarters of the time for the next. All have the same folds: those of the `earlier` calls' refits if there are any, else as
    many as all have time for at full length. Their seeds differ from the earlier ones', and none is much shorter."""
    alone = MARGIN * max(0.5 * seconds, seconds - budget.build_seconds)
    certain = contenders(trials, 2, alone)
    rounds = min(budget.rounds(seconds, each.refit_seconds) for each in certain)
    share, left = alone / rounds, [alone] * budget.workers
    rivals = contenders(trials, rounds * budget.workers, share)
    chosen = [each for each in rivals if each in certain or each.has_time(share)]
    chosen.sort(key=lambda each: (each not in certain, -each.refit_seconds))
    planned = [chosen[place % len(chosen)] for place in range(rounds * budget.workers)]
    fitting = _most_folds(planned, left)
    folds = fold_count(earlier[0].protocol) if earlier else fitting or min(FEWEST_FOLDS, planned[0].all_folds)
    limit = alone if folds <= fitting else share
    refits = []
    for place in range(MOST_ROUNDS * budget.workers):
        each = chosen[place % len(chosen)]
        most, needed = max(left), min(limit, each.seconds(folds))
        if most < NEARLY * needed:
            continue
        left[left.index(most)] -= min(most, needed)
        (seed,) = fresh_seeds(each.recipe.seed + len(earlier) + place // len(chosen), 1)
        refits.append(Candidate(each.trial.number, replace(each.fitted(min(limit, most), folds), seed=seed)))
    longest = max((_length(recipe) for recipe in earlier), default=0.0)
    return tuple(each for each in refits if _length(each.recipe) >= LONG_ENOUGH * longest)


def _most_folds(refits: Sequence[RankedTrial], seconds: Sequence[float]) -> int:
    """The most folds in which all of these refits have full length, if each process has so many `seconds`; 0 if even the fewest are too many."""
    most = refits[0].all_folds
    for folds in range(most, min(FEWEST_FOLDS, most) - 1, -1):
        left = list(seconds)
        for each in refits:
            left[left.index(max(left))] -= each.seconds(folds)
        if min(left) >= 0:
            return folds
    return 0


def contenders(trials: Sequence[RankedTrial], places: int, seconds: float) -> Sequence[RankedTrial]:
    """The trials that may win with refits of `seconds`: the one with the lowest expected error by its last look, and those
    whose expected error differs from it by at most one standard deviation of the difference, at most as many as there are
    `places`: refits show more than looks do, and different networks make a better average. The best start precedes them if it is
    within `BEST_START_WITHIN`, since starts are known to be good in the long run. Where looks are so short that they say little, so
    does the first start, whatever they showed."""
    looked = [each for each in trials if each.trial.looks]
    if not looked:
        return trials[:1]
    kinds = curves_of([each.trial for each in looked])
    beliefs = {
        each.trial.first: kinds[kind_of(each.trial)].refitted(each.trial.looks, each.relative_length(seconds))
        for each in looked
    }
    leader = min(looked, key=lambda each: _expected(kinds[kind_of(each.trial)], each, seconds))
    best = beliefs[leader.trial.first]

    def is_within(trial: RankedTrial, deviations: float) -> bool:
        belief = beliefs[trial.trial.first]
        return belief.mean - best.mean <= deviations * math.sqrt(belief.variance + best.variance)

    others = sorted((each for each in looked if each != leader), key=lambda each: beliefs[each.trial.first].mean)
    says_little = leader.length < LONG_ENOUGH * leader.refit_length(seconds)
    first = [each for each in others if says_little and each.trial.start == 0]
    starts = [each for each in (leader, *others) if each.trial.start is not None]
    known = [each for each in starts[:1] if each not in (leader, *first) and is_within(each, BEST_START_WITHIN)]
    close = [each for each in others if each not in first + known and is_within(each, 1)]
    return [leader, *first, *known, *close][:places]


def curves_of(trials: Sequence[TrialRecord]) -> Mapping[str, Curves]:
    """The curves of each kind (`kind_of`) of the trials."""
    return learned_by_kind([(kind_of(each), each.looks) for each in trials])


def kind_of(trial: TrialRecord) -> str:
    """The kind of a trial's network, and whether it trains on moved images; empty without a recipe. Both decide how fast errors fall: on
    rotated digits those of networks that see moved images fell by a third from 16 to 64 epochs, those of others not at all."""
    if trial.recipe is None:
        return ""
    augmentation = trial.recipe.training.augmentation
    return trial.recipe.network.kind + (" on moved images" if augmentation.shift or augmentation.bends else "")


def _expected(curves: Curves, trial: RankedTrial, seconds: float) -> float:
    """The expected logarithm of the error of a refit of `seconds`, from the best look alone, taken pessimistically: earlier looks have
    the same validation examples, so that their luck is the same."""
    last = until_best(trial.trial.looks)[-1]
    return curves.toward(Belief(last.pessimistic, 0.0, last.length), trial.relative_length(seconds)).mean


def reserved_seconds(session: Session, budget: TimeBudget, record: StudyRecord) -> float:
    """The seconds at the end of a call that the search leaves for refits and what follows them. With fixed epochs none for
    refits as long as the best trial is one that an earlier call has refitted."""
    trials = record.ranking
    if isinstance(budget, FixedEpochs):
        leader = next(iter(trials), None)
        refitted = session.study.user_attrs.get("confirmed", {}).get("winner")
        if leader is None or leader.recipe is None or leader.result is None or leader.recipe.key == refitted:
            return budget.reserved_for_refits(0.0)
        return budget.reserved_for_refits(refit_factor(leader.recipe) * leader.result.seconds)
    if not trials:
        return budget.reserved_for_refits()
    ranked = ranked_trials(session, trials)
    rivals = contenders(ranked, MOST_ROUNDS * budget.workers, budget.usable / 2)
    return max(budget.reserved_for_refits(each.refit_seconds) for each in rivals)


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


def refit_factor(recipe: Recipe) -> float:
    """Refit cost divided by trial cost: k/(k-1) after k-fold cross-validation, since one more network is trained on
    everything."""
    folds = fold_count(recipe.protocol)
    return folds / (folds - 1) if folds > 1 else 1.0


def epoch_seconds(session: Session, recipe: Recipe, result: Result) -> float:
    """The seconds of an epoch of full length, from the curves of a recipe's result."""
    epochs = [epoch for fold in result.folds for epoch in fold.epochs]
    return median(session.preflight.full_epoch(recipe, each.seconds, each.number) for each in epochs)


def _length(recipe: Recipe) -> float:
    return recipe.training.length(recipe.training.epochs)


def validated_examples(session: Session, recipe: Recipe) -> int:
    """How many examples a recipe's validation metric is computed on."""
    folds, _, each = sizes(recipe.protocol, len(session.preflight.data[recipe.data.name].examples))
    return folds * each
