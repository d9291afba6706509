"""Who is trained again on fresh seeds once the search is over, for how long, and which of them become the model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import optuna

from tuner.data.splits import sizes
from tuner.recipe import Recipe, fold_count
from tuner.result import OBJECTIVES, Result
from tuner.search.context import Context
from tuner.search.plan import LONG_ENOUGH, MARGIN, MOST_ROUNDS, Plan, contenders, fitted
from tuner.storage import StudyRecord, TrialRecord

EPOCHS = "training.epochs"
"""The address of a hole that only the length of a whole training can fill."""

NEARLY = 0.75
"""Of the epochs that a trial had, that its recipe must have time for in the finals."""


@dataclass(frozen=True)
class RefitCandidate:
    """A recipe that is trained again, with the number of the trial that it comes from."""

    trial: int
    recipe: Recipe


@dataclass(frozen=True)
class Final:
    """What came of training a finalist."""

    finalist: RefitCandidate
    result: Result

    @property
    def recipe(self) -> Recipe:
        return self.finalist.recipe

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the storage."""
        trial, recipe = self.finalist.trial, self.recipe
        return {"trial": trial, "recipe": recipe.to_dict(), "result": self.result.to_dict()}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Final":
        """What `to_dict` wrote."""
        return Final(
            RefitCandidate(plain["trial"], Recipe.from_dict(plain["recipe"])), Result.from_dict(plain["result"])
        )


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


def standing(record: StudyRecord) -> tuple[TrialRecord, ...]:
    """The trials that could win, best first: the finished ones; where the time decides, those that pause beside them, by the
    figure that they have reached."""
    if not record.fits_epochs:
        return record.ranking
    begun = [
        trial
        for trial in record.trials
        if trial.recipe and trial.result and trial.result.validation and trial.result.ended != "diverged"
    ]
    sign = record.direction.sign
    figure = OBJECTIVES[record.objectives[0]].of_result
    known = [trial for trial in begun if trial.recipe and trial.recipe.key not in record.unconfirmed]
    return tuple(sorted(known, key=lambda trial: (-sign * figure(trial.result), trial.first)))  # type: ignore[arg-type]


def seconds_of_whole(trial: TrialRecord, epochs: int) -> float:
    """What training its recipe again takes: as long as it took; for so many `epochs`, where they were fitted to the time."""
    assert trial.recipe is not None
    if trial.result is None:
        return 0.0
    if not epochs:
        return trial.result.seconds
    return fold_count(trial.recipe.protocol) * epochs * epoch_seconds_of(trial)


def epoch_seconds_of(trial: TrialRecord) -> float:
    """The seconds of an epoch of full length, from its curve."""
    assert trial.recipe is not None
    assert trial.result is not None
    training = trial.recipe.training
    return median(epoch.seconds / training.share(epoch.number) for fold in trial.result.folds for epoch in fold.epochs)


def at_pace(trial: TrialRecord, epoch_seconds: float) -> TrialRecord:
    """The trial as if each of its epochs had taken so long."""
    assert trial.result is not None
    factor = epoch_seconds / max(epoch_seconds_of(trial), 1e-9)
    folds = (
        replace(fold, epochs=tuple(replace(epoch, seconds=factor * epoch.seconds) for epoch in fold.epochs))
        for fold in trial.result.folds
    )
    return replace(trial, result=replace(trial.result, folds=tuple(folds)))


def reserved(context: Context, plan: Plan, record: StudyRecord) -> float:
    """The seconds at the end of a call that the search leaves to what comes after it; where the time does not decide, nothing
    to speak of as long as the best trial is one that an earlier call has confirmed."""
    leader = next(iter(standing(record)), None)
    after = plan.seconds - plan.usable
    if context.file.fits_epochs:
        trials = [trial for trial in standing(record) if trial.result and trial.result.epochs]
        if not trials:
            return plan.share_of_finals * plan.usable + after
        rivals = contending(context, plan, trials, MOST_ROUNDS * plan.workers)
        return max(plan.reserve(_whole(context, trial)) for trial in rivals)
    if leader is None or (leader.recipe is not None and leader.recipe.key == winner_before(context.study)):
        return after
    rounds = -(-context.file.confirmation.seeds // plan.workers)
    return min(plan.seconds / 2, after + rounds * beside_folds(leader) * seconds_of_whole(leader, 0))


def winner_before(study: optuna.Study) -> str | None:
    """The key of the recipe that an earlier call has confirmed."""
    key: str | None = study.user_attrs.get("confirmed", {}).get("winner")
    return key


def finalists(
    context: Context, plan: Plan, trials: Sequence[TrialRecord], seconds: float, before: Sequence[Final] = ()
) -> tuple[RefitCandidate, ...]:
    """Who is trained again within so many seconds: the winner on the study's number of fresh seeds; or, where the time
    decides, as many contenders on as many seeds as it has room for, each for as long. Those trained `before`, in earlier
    calls, had other seeds, and nobody is trained who would be no match for them."""
    if not context.file.fits_epochs:
        winner = trials[0]
        assert winner.recipe is not None
        seeds = fresh_seeds(winner.recipe.seed, context.file.confirmation.seeds)
        return tuple(RefitCandidate(winner.number, replace(winner.recipe, seed=seed)) for seed in seeds)
    longest = max((each.recipe.training.epochs for each in before), default=0)
    fitted = _fitted_finalists(context, plan, trials, seconds, len(before))
    return tuple(each for each in fitted if each.recipe.training.epochs >= LONG_ENOUGH * longest)


def _fitted_finalists(
    context: Context, plan: Plan, trials: Sequence[TrialRecord], seconds: float, before: int
) -> Iterator[RefitCandidate]:
    """The contenders in turn, as long as one of the processes has time for the next."""
    alone = MARGIN * max(0.5 * seconds, seconds - plan.before_each)
    trials = [trial for trial in trials if _has_time(context, trial, alone)] or trials[:1]
    certain = contending(context, plan, trials, 2)
    rounds = min(plan.rounds(seconds, _whole(context, trial)) for trial in certain)
    each, left = alone / rounds, [alone] * plan.workers
    rivals = contending(context, plan, trials, rounds * plan.workers)
    chosen = [trial for trial in rivals if trial in certain or _has_time(context, trial, each)]
    chosen.sort(key=lambda trial: -_whole(context, trial))  # the longest first: others fit beside it
    for place in range(MOST_ROUNDS * plan.workers):
        trial = chosen[place % len(chosen)]
        assert trial.recipe is not None
        taken = min(each, _whole(context, trial))
        if max(left) + 0.001 < taken:
            continue
        left[left.index(max(left))] -= taken
        (seed,) = fresh_seeds(trial.recipe.seed + before + place // len(chosen), 1)
        yield RefitCandidate(trial.number, _fitted(context, replace(trial.recipe, seed=seed), trial, each))


def contending(context: Context, plan: Plan, trials: Sequence[TrialRecord], places: int) -> Sequence[TrialRecord]:
    """The best trial and the contenders beside it; and the recipe that the study began with, where trials were short."""
    leader = trials[0]
    assert leader.recipe is not None
    figures, count = [context.figure_of(trial.result) for trial in trials], validated(context, leader.recipe)
    close = list(trials[: contenders(context.measure, figures, count, places)])
    first = next((trial for trial in trials if trial.start == 0), leader)
    if plan.is_short and first not in close and places > 1:
        close = [*close[: max(1, places - 1)], first]
    return close


def _whole(context: Context, trial: TrialRecord) -> float:
    """What training a trial's recipe as a final for its full length takes, in seconds."""
    return beside_folds(trial) * seconds_of_whole(trial, whole_epochs(context, trial))


def beside_folds(trial: TrialRecord) -> float:
    """What a final takes beside a trial's training, as a factor: after cross-validation, whose networks see all but one of
    the folds, one more is trained on everything."""
    assert trial.recipe is not None
    folds = fold_count(trial.recipe.protocol)
    return folds / (folds - 1) if folds > 1 else 1.0


def beating(context: Context, plan: Plan, trial: TrialRecord) -> Plan:
    """The plan where this trial's recipe is the one that is to be beaten."""
    epochs = whole_epochs(context, trial) if context.file.fits_epochs else 0
    return replace(plan, whole=seconds_of_whole(trial, epochs), epochs=epochs)


def whole_epochs(context: Context, trial: TrialRecord) -> int:
    """How many epochs a trial's recipe has at full length: what it was proposed with, where the study searches for that."""
    return int(trial.params.get(EPOCHS, context.file.epochs))


def _has_time(context: Context, trial: TrialRecord, seconds: float) -> bool:
    """Whether a trial's recipe can be trained in so many seconds, not much shorter than it was."""
    assert trial.recipe is not None
    return _fitted(context, trial.recipe, trial, seconds).training.epochs >= NEARLY * trial.recipe.training.epochs


def _fitted(context: Context, recipe: Recipe, trial: TrialRecord, seconds: float) -> Recipe:
    """The recipe of a trial with as many epochs as so many seconds have room for, over all its folds."""
    slot = seconds / (beside_folds(trial) * fold_count(recipe.protocol))
    return lengthened(recipe, slot, epoch_seconds_of(trial), whole_epochs(context, trial))


def lengthened(recipe: Recipe, slot: float, epoch_seconds: float, bound: int) -> Recipe:
    """The recipe with as many epochs as the slot has room for; with a part of one, where it has not even that."""
    epochs, share = fitted(slot, epoch_seconds, bound)
    lean = {"lean_epochs": 1, "lean_share": share} if share < 1 else {"lean_epochs": 0}
    return replace(recipe, training=replace(recipe.training, epochs=epochs, **lean))


def validated(context: Context, recipe: Recipe) -> int:
    """How many examples a recipe's validation accuracy is measured on."""
    folds, _, each = sizes(recipe.protocol, len(context.preflight.data[recipe.data.name].examples))
    return folds * each
