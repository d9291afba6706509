"""Which trials are refitted, on how many seeds and for how many epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.base.extrapolation import Belief, Curves, until_best
from tuner.recipe import Recipe, fold_count
from tuner.refit.ranking import NEARLY, RankedTrial, curves_of, kind_of, length_of, ranked_trials
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    FEWEST_FOLDS,
    LONG_ENOUGH,
    MARGIN,
    MOST_ROUNDS,
    FixedEpochs,
    Minutes,
    TimeBudget,
)
from tuner.storage import TrialRecord

PICTURES = ("convolutional", "staged")
"""Kinds of networks for pictures."""

BEST_START_WITHIN = 1.5
"""So many standard deviations above the lowest expected error the best start may be and still be refitted."""

START_AHEAD = 0.35
"""So much lower than looks promise is the logarithm of the error of a refit of the first start of pictures, against those of other trials:
by 0.35 ± 0.07, the mean over 16 searches on eight sets. The others are chosen for looks that were lucky, and short ones do not show what
augmentation and decay are worth. On tables there is no such difference (-0.05 to 0.4 in six searches)."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to refit, with the number of the trial that it comes from."""

    trial: int
    recipe: Recipe


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
    longest = max((length_of(recipe) for recipe in earlier), default=0.0)
    return tuple(each for each in refits if length_of(each.recipe) >= LONG_ENOUGH * longest)


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
    within `BEST_START_WITHIN`, since starts are known to be good in the long run (see `START_AHEAD`)."""
    looked = [each for each in trials if each.trial.looks]
    if not looked:
        return trials[:1]
    kinds = curves_of([each.trial for each in looked])
    beliefs = {each.trial.first: _refitted(kinds[kind_of(each.trial)], each, seconds) for each in looked}
    leader = min(looked, key=lambda each: _expected(kinds[kind_of(each.trial)], each, seconds))
    best = beliefs[leader.trial.first]

    def is_within(trial: RankedTrial, deviations: float) -> bool:
        belief = beliefs[trial.trial.first]
        return belief.mean - best.mean <= deviations * math.sqrt(belief.variance + best.variance)

    others = sorted((each for each in looked if each != leader), key=lambda each: beliefs[each.trial.first].mean)
    starts = [each for each in (leader, *others) if each.trial.start is not None]
    known = [each for each in starts[:1] if each != leader and is_within(each, BEST_START_WITHIN)]
    close = [each for each in others if each not in known and is_within(each, 1)]
    return [leader, *known, *close][:places]


def _refitted(curves: Curves, trial: RankedTrial, seconds: float) -> Belief:
    """The belief about the logarithm of the error of a refit of `seconds`."""
    belief = curves.refitted(trial.trial.looks, trial.relative_length(seconds))
    return replace(belief, mean=belief.mean - _ahead(trial.trial))


def _ahead(trial: TrialRecord) -> float:
    is_of_pictures = trial.recipe is not None and trial.recipe.network.kind in PICTURES
    return START_AHEAD if trial.start == 0 and is_of_pictures else 0.0


def _expected(curves: Curves, trial: RankedTrial, seconds: float) -> float:
    """The expected logarithm of the error of a refit of `seconds`, from the best look alone, taken pessimistically: earlier looks have
    the same validation examples, so that their luck is the same."""
    last = until_best(trial.trial.looks)[-1]
    belief = curves.toward(Belief(last.pessimistic, 0.0, last.length), trial.relative_length(seconds))
    return belief.mean - _ahead(trial.trial)


def reserved_seconds(
    session: Session, budget: TimeBudget, trials: Sequence[TrialRecord], refitted: str | None = None
) -> float:
    """The seconds at the end of a call that the search leaves for refits and what follows them. With fixed epochs none for
    refits as long as the best of the ranked `trials` is the one that an earlier call has `refitted`, by its key."""
    if isinstance(budget, FixedEpochs):
        leader = next(iter(trials), None)
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
