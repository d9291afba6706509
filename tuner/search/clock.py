"""The ends of a search and its trials: time and signals."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any

from tuner.refit.candidates import reserved_seconds
from tuner.refit.forecast import expected_improvement
from tuner.refit.ranking import epoch_seconds, leading
from tuner.refit.session import Session
from tuner.refit.time_budget import MODEL_SHARE, OVERRUN_SECONDS, Minutes, TimeBudget, usable_seconds
from tuner.storage import StudyRecord, TrialRecord, private, study_record, trial_record
from tuner.storage.trainings import StoredTraining

FIRST_TRIAL_SHARE = 0.15
"""Share of the time that the first trial gets in any case, from its beginning."""


class Clock:
    """The seconds of a search. Its deadline leaves time for refits, which depends on the best trial: it is recomputed as trials end.
    `is_enough` once the trials that there is time for are expected to improve the objective by less than `enough`."""

    def __init__(self, session: Session, budget: TimeBudget, seconds: float, enough: float = 0.0) -> None:
        self.session, self.budget, self.enough = session, budget, enough
        self.end = time.monotonic() + seconds
        self.is_enough = False
        self.first_trial_began: float | None = None
        self.read(session.trainings())

    @property
    def seconds_left(self) -> float:
        """Seconds until the end of what trains in this call."""
        after = self.budget.seconds - usable_seconds(self.budget.seconds) if math.isfinite(self.budget.seconds) else 0.0
        return max(0.0, self.end - after - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether running trials must stop."""
        return time.monotonic() >= self.last_moment

    @property
    def seconds_for_looks(self) -> float:
        """Seconds until the search must end."""
        return self.deadline - time.monotonic()

    def has_time_for(self, seconds: float) -> bool:
        """Whether trials have that many seconds left."""
        return time.monotonic() + seconds < self.deadline

    def read(self, trainings: Sequence[StoredTraining]) -> None:
        """Recompute the deadline from the stored trainings. Where the epochs are fixed it depends on the best one alone: the records of
        10,000 others are not read."""
        if self.enough or isinstance(self.budget, Minutes):
            self.update(study_record(self.session.study, trainings))
            return
        attributes = private.user_attributes(self.session.study)
        best = leading(trainings, self.session.direction, attributes.get("unconfirmed", {}))
        self.deadline = self.last_moment = self._deadline(best, attributes)

    def update(self, record: StudyRecord) -> None:
        """Recompute the deadline. Where the minutes decide, looks may overrun it a little, and one must end."""
        attributes = private.user_attributes(self.session.study)
        self.deadline = self.last_moment = self._deadline(record.ranking, attributes)
        if isinstance(self.budget, Minutes):
            self.last_moment += min(OVERRUN_SECONDS, 0.02 * self.budget.seconds)
            if not record.ranking:
                self.last_moment = max(self.last_moment, self._end_of_first_trial(self.budget, record))
        compared = record.compared if self.enough else ()
        lengths = [each.looks[0].seconds if each.looks else each.result.seconds for each in compared if each.result]
        if lengths:
            trials = self.budget.workers * (self.deadline - time.monotonic()) / max(fmean(lengths), 0.1)
            improvement = expected_improvement(compared, record.direction, trials)
            self.is_enough = improvement < self.enough

    def _deadline(self, ranking: Sequence[TrialRecord], attributes: Mapping[str, Any]) -> float:
        refitted = attributes.get("confirmed", {}).get("winner")
        return self.end - reserved_seconds(self.session, self.budget, ranking, refitted)

    def _end_of_first_trial(self, budget: Minutes, record: StudyRecord) -> float:
        """The moment until which the first trial may run. On a loaded machine it begins late, and without it there would be no
        model."""
        spare = MODEL_SHARE * budget.seconds
        if not record.trials:
            return self.end + spare
        self.first_trial_began = self.first_trial_began or time.monotonic()
        return max(self.end - spare, self.first_trial_began + FIRST_TRIAL_SHARE * budget.seconds)

    def can_finish(self, training: StoredTraining) -> bool:
        """Whether a paused training can be trained to its end at its epoch time."""
        trial, done = trial_record(training), max(training.last.intermediate_values)
        assert trial.recipe is not None
        return self.has_time_for((trial.recipe.training.epochs - done) * epoch_seconds(self.session, trial))


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
