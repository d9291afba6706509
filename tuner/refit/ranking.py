"""The trials that could win, each with the length and the cost of its whole training."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tuner.base.curve_learning import learned_by_kind
from tuner.base.extrapolation import Curves
from tuner.base.metrics import Direction
from tuner.data.splits import sizes
from tuner.recipe import Recipe, fold_count
from tuner.refit.session import Session
from tuner.refit.time_budget import refit_length, refit_networks, with_folds, with_length
from tuner.storage import TrialRecord, trial_record
from tuner.storage.trainings import StoredTraining
from tuner.study import StudyFile

EPOCHS = "training.epochs"
"""Address of a searched number of epochs."""

NEARLY = 0.75
"""Least length of a refit, relative to its trial's look, and to one with a whole share of the time."""


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
        return length_of(self.recipe)

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
        epochs: float = whole_epochs(session.file, each.params)
        if each.looks:
            pace = each.looks[-1].pace
            epochs = curves[kind_of(each)].useful_length(each.looks, epochs / pace) * pace
        ranked.append(RankedTrial(each, each.recipe, epochs, epoch_seconds(session, each)))
    return ranked


def leading(
    trainings: Sequence[StoredTraining], direction: Direction, unconfirmed: Collection[str]
) -> Sequence[TrialRecord]:
    """The first of the study's ranking where the epochs are fixed, if there is one: the others' records are not read."""
    sign = -direction.sign
    ended = (each for each in trainings if each.state == "complete" and each.key and each.key not in unconfirmed)
    best = min(ended, key=lambda each: (sign * each.last.values[0], each.first), default=None)
    return (trial_record(best),) if best else ()


def whole_epochs(file: StudyFile, params: Mapping[str, Any]) -> int:
    """The epochs of a whole training of a trial with these parameters."""
    return int(params.get(EPOCHS, file.epochs))


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


def epoch_seconds(session: Session, trial: TrialRecord) -> float:
    """The seconds of an epoch of full length, from the curves of a trial with a result. Of one that another device trained they are
    the estimate for this one, as soon as epochs were observed here."""
    assert trial.recipe is not None
    assert trial.result is not None
    preflight, device = session.preflight, session.environment.get("device", "cpu")
    if trial.environment.get("device", "cpu") != device and any(preflight.costs.observed.values()):
        return preflight.epoch_seconds(trial.recipe)
    if (known := session.epoch_times.get(trial.number)) is not None:
        return known
    epochs = [epoch for fold in trial.result.folds for epoch in fold.epochs]
    seconds = median(preflight.full_epoch(trial.recipe, each.seconds, each.number) for each in epochs)
    if trial.state != "running":  # its result is that of its trial before
        session.epoch_times[trial.number] = seconds
    return seconds


def validated_examples(session: Session, recipe: Recipe) -> int:
    """How many examples a recipe's validation metric is computed on."""
    folds, _, each = sizes(recipe.protocol, len(session.preflight.data[recipe.data.name].examples))
    return folds * each


def length_of(recipe: Recipe) -> float:
    """The length of a recipe's training in epochs; the last one may be part of one."""
    return recipe.training.length(recipe.training.epochs)
