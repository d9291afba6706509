"""Which trials are refitted, on how many seeds and for how many epochs."""

import math
from collections.abc import Iterator, Sequence
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
    fitted_epochs,
)
from tuner.result import OBJECTIVES
from tuner.storage import StudyRecord, TrialRecord

EPOCHS = "training.epochs"
"""Address of a searched number of epochs."""

NEARLY = 0.75
"""Fewest epochs of a refit, relative to its trial's."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to refit, with the number of the trial that it comes from."""

    trial: int
    recipe: Recipe


def ranked(record: StudyRecord) -> tuple[TrialRecord, ...]:
    """The trials that could win, best first: the finished ones; where the minutes decide, all that have a validation metric,
    by the last one they reached."""
    if not record.fits_epochs:
        return record.ranking
    objective = OBJECTIVES[record.objectives[0]]
    values = {
        trial.number: objective.of_result(trial.result)
        for trial in record.trials
        if trial.result and trial.result.validation and trial.result.ended != "diverged"
    }
    usable = [
        trial
        for trial in record.trials
        if trial.number in values and trial.recipe and trial.recipe.key not in record.unconfirmed
    ]
    return tuple(sorted(usable, key=lambda trial: (-objective.direction.sign * values[trial.number], trial.first)))


def candidates(
    session: Session,
    budget: TimeBudget,
    reference: Reference,
    trials: Sequence[TrialRecord],
    seconds: float,
    earlier: Sequence[Recipe] = (),
) -> tuple[Candidate, ...]:
    """The refits for so many seconds, of trials best first: the winner on the study's number of fresh seeds; or, where the
    minutes decide, as many contenders on as many seeds as there is time for. Those refitted in `earlier` calls had other
    seeds; nobody is refitted for much shorter than they were."""
    if isinstance(budget, FixedEpochs):
        winner = trials[0]
        assert winner.recipe is not None
        seeds = fresh_seeds(winner.recipe.seed, session.file.confirmation.seeds)
        return tuple(Candidate(winner.number, replace(winner.recipe, seed=seed)) for seed in seeds)
    longest = max((recipe.training.epochs for recipe in earlier), default=0)
    fitting = _fitting(session, budget, reference, trials, seconds, len(earlier))
    return tuple(each for each in fitting if each.recipe.training.epochs >= LONG_ENOUGH * longest)


def reserved_seconds(session: Session, budget: TimeBudget, reference: Reference, record: StudyRecord) -> float:
    """The seconds at the end of a call that the search leaves for refits and what follows them. With fixed epochs none for
    refits as long as the best trial is one that an earlier call has refitted."""
    trials = ranked(record)
    if isinstance(budget, FixedEpochs):
        leader = next(iter(trials), None)
        if leader is None or (leader.recipe and leader.recipe.key == confirmed_winner(session)):
            return budget.reserved_for_refits(0.0)
        return budget.reserved_for_refits(refit_factor(leader) * (leader.result.seconds if leader.result else 0.0))
    trials = tuple(trial for trial in trials if trial.result and trial.result.epochs)
    if not trials:
        return budget.reserved_for_refits(reference)
    rivals = contenders(session, budget, reference, trials, MOST_ROUNDS * budget.workers)
    return max(budget.reserved_for_refits(reference, _refit_seconds(session, trial)) for trial in rivals)


def confirmed_winner(session: Session) -> str | None:
    """The key of the recipe that an earlier call has refitted and tested."""
    key: str | None = session.study.user_attrs.get("confirmed", {}).get("winner")
    return key


def reference_of(session: Session, trial: TrialRecord) -> Reference:
    """A trial's recipe as the one to beat."""
    assert trial.recipe is not None
    epochs = whole_epochs(session, trial)
    return Reference(fold_count(trial.recipe.protocol) * epochs * epoch_seconds(trial) if trial.result else 0.0, epochs)


def first_start(trials: Sequence[TrialRecord]) -> TrialRecord:
    """The first start's trial among trials best first; the best one where it is not among them."""
    return next((trial for trial in trials if trial.start == 0), trials[0])


def contenders(
    session: Session, budget: Minutes, reference: Reference, trials: Sequence[TrialRecord], places: int
) -> Sequence[TrialRecord]:
    """The best trial, its contenders, and the first start where trials are short."""
    assert trials[0].recipe is not None
    metrics = [session.validation_metric(trial.result) for trial in trials]
    count = close_to_best(session.metric, metrics, validated_examples(session, trials[0].recipe), places)
    close, first = list(trials[:count]), first_start(trials)
    if budget.is_short(reference) and first not in close and places > 1:
        return [*close[: max(1, places - 1)], first]
    return close


def close_to_best(metric: str, values: Sequence[float], examples: int, places: int) -> int:
    """How many values of a metric, best first, are within one standard error of their difference from the best, so that
    another seed may turn the order. Each gets two of the `places` at least, the best all of them if there is one only."""
    if not values:
        return 0
    error = math.sqrt(2) * standard_error(metric, values[0], examples)
    close = sum(abs(value - values[0]) <= error for value in values)
    return max(1, min(close, places // 2))


def _fitting(
    session: Session,
    budget: Minutes,
    reference: Reference,
    trials: Sequence[TrialRecord],
    seconds: float,
    earlier: int,
) -> Iterator[Candidate]:
    """The contenders in turn, the longest first, as long as one of the processes has time for the next."""
    alone = MARGIN * max(0.5 * seconds, seconds - budget.build_seconds)
    trials = [trial for trial in trials if _has_time(session, trial, alone)] or trials[:1]
    certain = contenders(session, budget, reference, trials, 2)
    rounds = min(budget.rounds(seconds, _refit_seconds(session, trial)) for trial in certain)
    each, left = alone / rounds, [alone] * budget.workers
    rivals = contenders(session, budget, reference, trials, rounds * budget.workers)
    chosen = [trial for trial in rivals if trial in certain or _has_time(session, trial, each)]
    chosen.sort(key=lambda trial: -_refit_seconds(session, trial))
    for place in range(MOST_ROUNDS * budget.workers):
        trial = chosen[place % len(chosen)]
        assert trial.recipe is not None
        needed = min(each, _refit_seconds(session, trial))
        if max(left) + 0.001 < needed:
            continue
        left[left.index(max(left))] -= needed
        (seed,) = fresh_seeds(trial.recipe.seed + earlier + place // len(chosen), 1)
        yield Candidate(trial.number, _fitted(session, replace(trial.recipe, seed=seed), trial, each))


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


def _has_time(session: Session, trial: TrialRecord, seconds: float) -> bool:
    """Whether a trial's recipe can be trained in so many seconds, not much shorter than it was."""
    assert trial.recipe is not None
    return _fitted(session, trial.recipe, trial, seconds).training.epochs >= NEARLY * trial.recipe.training.epochs


def _fitted(session: Session, recipe: Recipe, trial: TrialRecord, seconds: float) -> Recipe:
    """A trial's recipe with as many epochs as fit into so many seconds, over all its folds."""
    slot = seconds / (refit_factor(trial) * fold_count(recipe.protocol))
    return with_fitted_epochs(recipe, slot, epoch_seconds(trial), whole_epochs(session, trial))


def with_fitted_epochs(recipe: Recipe, slot: float, epoch_seconds: float, bound: int) -> Recipe:
    """The recipe with as many epochs as fit into the slot; with a part of one if not even one does."""
    epochs, share = fitted_epochs(slot, epoch_seconds, bound)
    lean = {"lean_epochs": 1, "lean_share": share} if share < 1 else {"lean_epochs": 0}
    return replace(recipe, training=replace(recipe.training, epochs=epochs, **lean))


def _refit_seconds(session: Session, trial: TrialRecord) -> float:
    """The seconds of a refit of full length."""
    return refit_factor(trial) * reference_of(session, trial).seconds


def refit_factor(trial: TrialRecord) -> float:
    """Refit cost divided by trial cost: k/(k-1) after k-fold cross-validation, since one more network is trained on
    everything."""
    assert trial.recipe is not None
    folds = fold_count(trial.recipe.protocol)
    return folds / (folds - 1) if folds > 1 else 1.0


def whole_epochs(session: Session, trial: TrialRecord) -> int:
    """The epochs of a trial's recipe at full length: those it was proposed with, if the study searches for them."""
    return int(trial.params.get(EPOCHS, session.file.epochs))


def epoch_seconds(trial: TrialRecord) -> float:
    """The seconds of an epoch of full length, from its curve."""
    assert trial.recipe is not None
    assert trial.result is not None
    training = trial.recipe.training
    return median(epoch.seconds / training.share(epoch.number) for fold in trial.result.folds for epoch in fold.epochs)


def with_epoch_seconds(trial: TrialRecord, seconds: float) -> TrialRecord:
    """The trial with epochs of so many seconds."""
    assert trial.result is not None
    factor = seconds / max(epoch_seconds(trial), 1e-9)
    folds = (
        replace(fold, epochs=tuple(replace(epoch, seconds=factor * epoch.seconds) for epoch in fold.epochs))
        for fold in trial.result.folds
    )
    return replace(trial, result=replace(trial.result, folds=tuple(folds)))


def validated_examples(session: Session, recipe: Recipe) -> int:
    """How many examples a recipe's validation metric is computed on."""
    folds, _, each = sizes(recipe.protocol, len(session.preflight.data[recipe.data.name].examples))
    return folds * each
