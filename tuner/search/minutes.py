"""The time of one search: until when trials may begin, until when they may run, and how long they are."""

import math
import time
from dataclasses import replace
from statistics import fmean

from tuner.recipe import Recipe, fold_count
from tuner.refit.candidates import beating, lengthened, reserved, standing
from tuner.refit.forecast import of_more_trials
from tuner.search.context import Context
from tuner.search.plan import Plan
from tuner.storage import StudyRecord, study_record

LATE = 0.15
"""Of a trial's time, that it may have longer than planned where all trials have the same time: what is nearly done ends."""

TOO_FEW = 0.25
"""Of the epochs that the recipe to beat has in its slot, that another one must have room for: a large network that is seen so
briefly would be no match for it, and take a slot to say so."""

FOR_A_MODEL = 0.25
"""Of the time, that stays for training a model even where no trial has ended."""


class Minutes:
    """So many seconds for a search and, with a `plan`, for what comes after it. What is left to that depends on what the best
    trial so far would take again, so it is looked up in the storage as trials end. Nothing new is worth beginning once all
    that there is time for may be expected to bring less than `enough`, in the objective."""

    def __init__(self, context: Context, seconds: float, plan: Plan | None = None, enough: float = 0.0) -> None:
        self.context, self.plan, self.enough = context, plan, enough
        self.end = time.monotonic() + seconds
        self.is_enough = False
        self.seen = 0.0  # the moment when the study first had a trial
        record = study_record(context.study)
        leader = next(iter(standing(record)), None)
        if plan and leader and self.fits:
            self.plan = beating(context, plan, leader)
        self.look(record)

    @property
    def fits(self) -> bool:
        """Whether the minutes decide how long trials are."""
        return self.plan is not None and self.context.file.fits_epochs

    @property
    def knows_length(self) -> bool:
        """Whether it is known what a whole training takes, so that more than one trial can be planned."""
        return self.plan is None or not self.fits or self.plan.whole > 0

    @property
    def is_over(self) -> bool:
        """Whether what runs must stop."""
        return time.monotonic() >= self.last_moment

    def has_time_for(self, seconds: float) -> bool:
        """Whether so many seconds are left for trials."""
        return time.monotonic() + seconds < self.deadline

    def look(self, record: StudyRecord) -> None:
        """Set the deadline anew. Where the minutes decide, what is nearly done may end, and one trial must."""
        self.deadline = self.last_moment = self.end - (reserved(self.context, self.plan, record) if self.plan else 0.0)
        if self.plan and self.fits:
            self.last_moment += LATE * self.plan.slot
            if not record.ranking:
                self.last_moment = max(self.last_moment, self._until_there_is_a_trial(record))
        lengths = [trial.result.seconds for trial in record.finished if trial.result]
        if self.enough and lengths and self.plan:
            left = self.deadline - time.monotonic()
            trials = self.plan.workers * left / max(fmean(lengths), 0.1)
            self.is_enough = of_more_trials(record.finished, record.direction, trials) < self.enough

    def _until_there_is_a_trial(self, record: StudyRecord) -> float:
        """The moment until which the first trial may run: on a machine that others load it begins late, and without it there
        would be no model."""
        assert self.plan is not None
        spare = FOR_A_MODEL * self.plan.seconds
        if not record.trials:
            return self.end + spare
        self.seen = self.seen or time.monotonic()
        return max(self.end - spare, self.seen + (1 + LATE) * self.plan.slot)

    def slot(self, recipe: Recipe) -> float:
        """Seconds that a trial of this recipe will take: its whole length, where that is known to be shorter than a slot."""
        assert self.plan is not None
        return min(self.plan.slot, self.context.preflight.seconds(recipe) or math.inf)

    def complaint(self, fitted: Recipe, asked: Recipe) -> str:
        """Why a recipe whose epochs were fitted is not worth its slot; empty where it is, or has all that were asked for."""
        assert self.plan is not None
        if (
            fitted.training.epochs >= asked.training.epochs
            and fitted.training.lean_epochs == asked.training.lean_epochs
        ):
            return ""
        usual = self.plan.epochs * min(1.0, self.plan.slot / self.plan.whole) if self.plan.whole else 0.0
        epochs = fitted.training.epochs * fitted.training.share(1)
        if epochs >= TOO_FEW * usual:
            return ""
        slot = f"{self.plan.slot:.0f} s of a trial"
        return f"in the {slot} it has time for {epochs:.2g} epochs, and the recipe to beat has {usual:.0f}"

    def fitted(self, recipe: Recipe, pace: float) -> Recipe:
        """The recipe with as many epochs as its slot has room for, at this pace in seconds an epoch. The first pace tells what
        a whole training takes."""
        assert self.plan is not None
        folds = fold_count(recipe.protocol)
        if not self.plan.whole:
            epochs = recipe.training.epochs
            self.plan = replace(self.plan, whole=folds * epochs * pace, epochs=epochs)
            self.look(study_record(self.context.study))
        return lengthened(recipe, self.plan.slot / folds, pace, recipe.training.epochs)
