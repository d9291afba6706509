"""The ends of a search and its trials: time and signals."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean

from tuner.recipe import Recipe, fold_count
from tuner.refit.candidates import epoch_seconds, ranked_trial, reserved_seconds
from tuner.refit.forecast import expected_improvement
from tuner.refit.session import Session
from tuner.refit.time_budget import (
    FEWEST_EPOCHS,
    MODEL_SHARE,
    OVERRUN,
    FixedEpochs,
    Minutes,
    Reference,
    TimeBudget,
    with_fitted_epochs,
)
from tuner.storage import StudyRecord, ranked, trial_record
from tuner.storage.trainings import StoredTraining


class Clock:
    """The seconds of a search. Its deadline leaves time for refits, which depends on the best trial: it is recomputed as trials end.
    `is_enough` once the trials that there is time for are expected to improve the objective by less than `enough`."""

    def __init__(self, session: Session, budget: TimeBudget, seconds: float, enough: float = 0.0) -> None:
        self.session, self.budget, self.enough = session, budget, enough
        self.end = time.monotonic() + seconds
        self.is_enough = False
        self.first_trial_began: float | None = None
        record = session.record
        if isinstance(budget, Minutes) and (leaders := ranked(record)):
            self.budget = replace(budget, reference=ranked_trial(session, leaders[0]).reference)
        self.update(record)

    @property
    def knows_length(self) -> bool:
        """Whether the length of a whole training is known, so that several trials can be planned at once."""
        return isinstance(self.budget, FixedEpochs) or self.budget.reference.seconds > 0

    @property
    def is_over(self) -> bool:
        """Whether running trials must stop."""
        return time.monotonic() >= self.last_moment

    def has_time_for(self, seconds: float) -> bool:
        """Whether trials have that many seconds left."""
        return time.monotonic() + seconds < self.deadline

    def update(self, record: StudyRecord) -> None:
        """Recompute the deadline. Where the minutes decide, trials may overrun it by a share of a slot, and one trial must end."""
        self.deadline = self.end - reserved_seconds(self.session, self.budget, record)
        self.last_moment = self.deadline
        if isinstance(self.budget, Minutes):
            self.last_moment += OVERRUN * self.budget.slot
            if not record.ranking:
                self.last_moment = max(self.last_moment, self._end_of_first_trial(self.budget, record))
        lengths = [trial.result.seconds for trial in record.finished if trial.result]
        if self.enough and lengths:
            trials = self.budget.workers * (self.deadline - time.monotonic()) / max(fmean(lengths), 0.1)
            improvement = expected_improvement(record.finished, record.direction, trials)
            self.is_enough = improvement < self.enough

    def _end_of_first_trial(self, budget: Minutes, record: StudyRecord) -> float:
        """The moment until which the first trial may run. On a loaded machine it begins late, and without it there would be no
        model."""
        spare = MODEL_SHARE * budget.seconds
        if not record.trials:
            return self.end + spare
        self.first_trial_began = self.first_trial_began or time.monotonic()
        return max(self.end - spare, self.first_trial_began + (1 + OVERRUN) * budget.slot)

    def can_train(self, recipe: Recipe) -> bool:
        """Whether a recipe's training fits, as far as its cost is known."""
        return self.has_time_for(self.session.preflight.seconds(recipe) or 0.0)

    def can_finish(self, training: StoredTraining) -> bool:
        """Whether a paused training can be trained to its end at its epoch time."""
        trial, done = trial_record(training), max(training.last.intermediate_values)
        assert trial.recipe is not None
        assert trial.result is not None
        return self.has_time_for((trial.recipe.training.epochs - done) * epoch_seconds(trial.recipe, trial.result))

    # Where the minutes decide

    def slot(self, recipe: Recipe) -> float:
        """Seconds of a trial of this recipe: a slot, or less if its whole training is known to be shorter."""
        return min(self._minutes.slot, self.session.preflight.seconds(recipe) or math.inf)

    def fitted(self, recipe: Recipe, measured: float) -> Recipe:
        """The recipe with as many epochs as fit into its slot, at `measured` seconds an epoch. The first recipe becomes the
        reference."""
        folds, epochs = fold_count(recipe.protocol), recipe.training.epochs
        if not self._minutes.reference.seconds:
            self.budget = replace(self._minutes, reference=Reference(folds * epochs * measured, epochs))
            self.update(self.session.record)
        return with_fitted_epochs(recipe, self._minutes.slot / folds, measured, epochs)

    def complaint(self, fitted: Recipe, proposed: Recipe) -> str:
        """Why a recipe with fitted epochs is not worth its slot; empty if it is, or if it has all proposed epochs."""
        has_all = fitted.training.epochs >= proposed.training.epochs
        if has_all and fitted.training.lean_epochs == proposed.training.lean_epochs:
            return ""
        slot, reference = self._minutes.slot, self._minutes.reference
        usual = reference.epochs * min(1.0, slot / reference.seconds) if reference.seconds else 0.0
        epochs = fitted.training.epochs * fitted.training.share(1)
        if epochs >= FEWEST_EPOCHS * usual:
            return ""
        return f"the {slot:.0f} s of a trial have room for {epochs:.2g} epochs; the reference recipe has {usual:.0f}"

    @property
    def _minutes(self) -> Minutes:
        assert not isinstance(self.budget, FixedEpochs)
        return self.budget


@contextmanager
def stopping_on_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C (or termination signal) stops in order, the second at once. Signals reach a main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop_in_order(number: int, _: object) -> None:
        stop("interrupt")
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, stop_in_order) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
