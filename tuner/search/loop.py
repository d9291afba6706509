"""The search: which training continues, what begins, until the budget is spent.

Any number of these loops, in as many processes on as many machines, may work on one study. They share nothing but its
storage: what continues next follows from the trials there (`Session.trainings`, `Rungs`, `Proposer`), a trial is taken by one
atomic write (`begin`, `continue_training`), and its process holds a lease (`Leases`). A loop only remembers the trials that run in
it now. It trains nothing itself; its executor does.
"""

import math
import time
from collections.abc import Sequence, Set
from contextlib import suppress
from functools import partial

from tuner.base.forking import NotStarted
from tuner.refit.session import Session
from tuner.refit.time_budget import UNLIMITED, Minutes, TimeBudget
from tuner.result import Event, never_stop
from tuner.search.beginning import begin, clear_queue, continue_training, refuse
from tuner.search.clock import Clock, stopping_on_signals
from tuner.search.looks import store_ladder
from tuner.search.proposals import Proposal, Proposer
from tuner.search.rungs import forget_checkpoints, rungs_of
from tuner.search.steps import steps_of
from tuner.search.trial import RunningTrial
from tuner.storage import trial_record
from tuner.storage.notes import write_notes
from tuner.storage.trainings import StoredTraining
from tuner.worker.executor import Executor
from tuner.worker.jobs import Answer, EpochTime, Failure

FAILURES_IN_A_ROW = 10
REFUSALS_IN_A_ROW = 30
TOO_LONG_IN_A_ROW = 3
GRACE_SECONDS = 3.0
PAUSE_SECONDS = 0.1
MEASUREMENT = -1
"""The number of the job that measures an epoch time; those of trials are their own."""
IDLE_SECONDS = 1.0
"""Pause of a loop with nothing to begin, before it reads the storage again."""


class Loop:
    """Runs trials on one executor, and leaves the time for refits that its budget says. Where the minutes decide, the epoch time of
    the first proposal is measured before any trial begins: it decides how long looks are. In a deterministic study trials end in
    the order in which they began, and after each the next begins: every proposal and promotion depends on the same results in
    every run."""

    def __init__(
        self, session: Session, executor: Executor, budget: TimeBudget = UNLIMITED, enough: float = 0.0
    ) -> None:
        self.session, self.executor, self.budget, self.enough = session, executor, budget, enough
        self.proposer = Proposer(session)
        self._set_clock(Clock(session, budget, math.inf))
        self.measured: Proposal | None = None  # while its epoch time is measured
        self.running: dict[int, RunningTrial] = {}  # in the order in which they began
        self.answered: dict[int, Answer] = {}
        self.stopping = self.ending = ""  # `ending`: how it ends, once nothing is left to begin
        self.is_exhausted = self.is_decided = False
        self.total, self.idle_until = 0, 0.0
        self.failures = self.refusals = self.too_long = 0

    def run(self, total: int, seconds: float) -> str:
        """Search until the study has `total` trainings that finished or were pruned, or until the search's share of the `seconds` is
        over. How it ended: `budget`, `timeout`, `interrupt`, `exhausted` (nothing left to try), `enough` (more would bring
        too little), `refits` (longer refits promise more than further looks) or `failures`."""
        self.total = total
        self._set_clock(Clock(self.session, self.budget, seconds, self.enough))
        try:
            with self.session.patience.ending(), stopping_on_signals(self.stop):
                self._search()
        finally:
            self._abandon()
        return self.stopping or self.ending

    def _set_clock(self, clock: Clock) -> None:
        self.clock, self.steps = clock, steps_of(self.session, self.budget, clock)

    def stop(self, reason: str) -> None:
        """End the search in order: running trials stop within their epoch and continue in the next call."""
        self.stopping = self.stopping or reason
        if reason == "interrupt":
            self.session.patience.hurry()
        for running in self.running.values():
            running.stop = running.stop or "interrupted"

    def _search(self) -> None:
        hard_end = math.inf
        while self.running or not (self.stopping or self.ending):
            self._check_clock()
            if self.stopping:
                hard_end = min(hard_end, time.monotonic() + GRACE_SECONDS)
            if time.monotonic() > hard_end:
                return
            self._begin_trials()
            if not self.running:
                time.sleep(PAUSE_SECONDS)
            self.answered.update(self.executor.answers(PAUSE_SECONDS))
            self._end_answered()
            self.session.leases.renew()

    def _check_clock(self) -> None:
        if self.clock.is_over:
            self.stop("timeout")

    def _begin_trials(self) -> None:
        while self._has_room and time.monotonic() >= self.idle_until:
            self._check_clock()
            if self.stopping or self.ending:
                return
            self._begin_one()

    @property
    def _has_room(self) -> bool:
        accepts = self.executor.free or self.session.deterministic  # whatever nodes a cluster has at the moment
        return bool(accepts) and self.measured is None and len(self.running) < self.executor.size

    def _begin_one(self) -> None:
        """Continue a training, or begin or refuse a new one, if there is any now."""
        trainings = self.session.swept_trainings()
        if self.session.leases.unclear:
            self.idle_until = time.monotonic() + IDLE_SECONDS
            return
        counting = sum(each.counts for each in trainings)
        new_ones = counting < self.total and not (self.is_exhausted or self._time_is_short or self.clock.is_enough)
        step = self.steps.step(trainings, new_ones, self._time_is_short)
        self.is_decided = step.is_decided
        if step.training is not None:
            running = continue_training(self.session, step.training, step.longer)
            self._run(running, continues=step.training.last.number)
        elif step.new:
            self._begin_new(trainings)
        elif any(each.state == "running" for each in trainings):
            self.idle_until = time.monotonic() + IDLE_SECONDS
        else:
            self.ending = self._reason_to_end

    @property
    def _reason_to_end(self) -> str:
        if self.is_decided and not (self.is_exhausted or self.clock.is_enough):
            return "refits"
        if self.clock.is_enough:
            return "enough"
        return "timeout" if self._time_is_short else "exhausted" if self.is_exhausted else "budget"

    def _begin_new(self, trainings: Sequence[StoredTraining]) -> None:
        """Begin the first proposal that is new and fits into the time, or one of its kind that is worth its price."""
        tried = {training.asked for training in trainings}
        for proposal in self.proposer.proposals(trainings):
            recipe = proposal.recipe
            if recipe is not None and recipe.key in tried:
                clear_queue(self.session, proposal)
                continue
            refusal = self.session.preflight.refusal(recipe) if recipe is not None else proposal.complaint
            if recipe is None or refusal:
                self._refuse(proposal, refusal or "")
                return
            if not self.steps.has_time_for(recipe):
                self.too_long += 1
                if self._time_is_short:
                    return
                continue
            self.too_long = 0
            worthy = self._worthy(proposal, trainings, tried)
            if self.steps.needs_measurement:
                return self._measure(worthy)
            return self._run(begin(self.session, self.steps.first(worthy), self.total))
        self.is_exhausted = not self.too_long

    def _worthy(self, proposal: Proposal, trainings: Sequence[StoredTraining], tried: Set[str | None]) -> Proposal:
        """The proposal, or one of its kind that is worth its price."""
        refusal, alike = self.session.preflight.refusal, self.proposer.alike(proposal, trainings)
        new = (each for each in alike if each.recipe and each.recipe.key not in tried and not refusal(each.recipe))
        return self.steps.worth_its_price(proposal, new)

    def _measure(self, proposal: Proposal) -> None:
        """Measure the epoch time of the study's first recipe, from which the length of looks follows."""
        assert proposal.recipe is not None
        self.measured = proposal
        self.executor.submit(MEASUREMENT, EpochTime(proposal.recipe), never_stop)

    def _end_measurement(self, answer: Answer) -> None:
        """Store the length of first looks. If the measurement failed, the trial will fail."""
        assert self.measured is not None
        assert isinstance(self.budget, Minutes)
        store_ladder(self.session, self.budget, self.measured, answer if isinstance(answer, float) else 0.0)
        self.measured = None

    def _refuse(self, proposal: Proposal, reason: str) -> None:
        refuse(self.session, proposal, reason)
        self.refusals += 1
        if self.refusals >= REFUSALS_IN_A_ROW:
            self.stop("failures")

    def _run(self, running: RunningTrial | None, continues: int | None = None) -> None:
        """Submit a trial, unless another process was faster to begin it."""
        if running is None:
            return
        self.refusals = 0
        self.running[running.number] = running
        self.session.listener.began(running.number, running.recipe, continues)
        with suppress(NotStarted):
            if not self.stopping:  # a signal may come while the trial begins, and while its process does
                self.executor.submit(running.number, running.job, partial(self._watch, running))
                return
        self.answered[running.number] = running.partial_result()

    def _watch(self, running: RunningTrial, event: Event) -> bool:
        self._check_clock()
        return running.watch(event)

    @property
    def _time_is_short(self) -> bool:
        return self.too_long >= TOO_LONG_IN_A_ROW

    def _end_answered(self) -> None:
        """End the trials that were answered; in a deterministic study only as long as the trial that began first is among them. A new
        trial may begin after each of them."""
        while self.answered:
            if MEASUREMENT in self.answered:
                self._end_measurement(self.answered.pop(MEASUREMENT))
                continue
            number = next(iter(self.running if self.session.deterministic else self.answered))
            if number not in self.answered:
                return
            self._end(number, self.answered.pop(number))
            self.idle_until = 0.0
            self._begin_trials()

    def _end(self, number: int, answer: Answer) -> None:
        self.failures = self.failures + 1 if isinstance(answer, Failure) else 0
        if self.failures >= FAILURES_IN_A_ROW:
            self.stop("failures")
        self.running.pop(number).end(answer, f"the search was ended ({self.stopping or 'error'})")
        trainings = self.session.swept_trainings()
        forget_checkpoints(self.session, rungs_of(self.session.file), trainings, self.total)
        self.clock.read(trainings)
        training = next((each for each in reversed(trainings) if each.last.number == number), None)
        if training is not None:
            write_notes(self.session.study, [training])
            self.session.listener.ended(trial_record(training))

    def _abandon(self) -> None:
        if self.measured is not None:
            self.executor.cancel(MEASUREMENT)
        for number, running in list(self.running.items()):
            if number not in self.answered:
                self.executor.cancel(number)
                self.answered[number] = running.partial_result()
            self._end(number, self.answered.pop(number))
