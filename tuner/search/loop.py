"""The whole search: who goes on next, who begins, until the budget is spent. Read this file and you know it.

Any number of these loops, in as many processes on as many machines, may work on one study. They share nothing but its
storage: what goes on next follows from the trials there (`chains`, `Rungs`, `Proposer`), a trial is taken by one atomic
write (`begin`, `go_on`), and who works on it has a lease (`Leases`). Whatever a loop remembers beside that is about the
trials that run in it now. It trains nothing itself; its executor does.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from tuner.recipe import Recipe
from tuner.refit.candidates import epoch_seconds_of
from tuner.result import Event, never_stop
from tuner.search.beginning import begin, clear_queue, go_on, recipe_of, refuse
from tuner.search.context import Context
from tuner.search.minutes import Minutes
from tuner.search.plan import Plan
from tuner.search.proposals import Proposal, Proposer, known
from tuner.search.signals import stopping_on_signals
from tuner.search.trial import RunningTrial
from tuner.storage import study_record, trial_record
from tuner.storage.trainings import StoredTraining
from tuner.worker.executor import Executor
from tuner.worker.jobs import Answer, Failure, Pace

FAILURES_IN_A_ROW = 10
REFUSALS_IN_A_ROW = 30
TOO_LONG_IN_A_ROW = 3
GRACE_SECONDS = 3.0
PAUSE_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""So often a loop with nothing to do looks whether another one has left something to do."""


@dataclass(frozen=True)
class Outcome:
    """How a search ended: `budget`, `timeout`, `interrupt`, `exhausted` (nothing left to try), `enough` (more would bring too
    little) or `failures`."""

    ended: str


class Loop:
    """Runs trials on one executor. In a deterministic study results are told in the order in which their trials began, and
    after each the next is begun: so every proposal and promotion sees the same results on every run.

    With a `plan` the search leaves time for what comes after it, and where the minutes decide how long trials are, a
    proposal's pace is measured before it begins as a trial. Nothing new begins once what the time that is left may be
    expected to bring is less than `enough`, in the objective."""

    def __init__(self, context: Context, executor: Executor, plan: Plan | None = None, enough: float = 0.0) -> None:
        self.context, self.executor, self.plan, self.enough = context, executor, plan, enough
        self.minutes = Minutes(context, math.inf)
        self.proposer = Proposer(context)
        self.measured: dict[int, Proposal] = {}  # under negative numbers, until its pace is known
        self.running: dict[int, RunningTrial] = {}  # in the order in which they began
        self.answered: dict[int, Answer] = {}
        self.stopping = ""
        self.ending = ""  # how it ends, once nothing is left to begin
        self.is_exhausted = False
        self.total, self.look_again = 0, 0.0
        self.failures = self.refusals = self.too_long = 0

    def run(self, total: int, seconds: float) -> Outcome:
        """Search until the study has `total` trainings that finished or were pruned, at most for so many seconds; with a plan
        for what it leaves of them."""
        self.total, self.minutes = total, Minutes(self.context, seconds, self.plan, self.enough)
        self.context.listener.planned(study_record(self.context.study), total, seconds)
        try:
            with stopping_on_signals(self.stop):
                self._search()
        finally:
            self._abandon()
        return Outcome(self.stopping or self.ending)

    def stop(self, reason: str) -> None:
        """End the search in order: running trials stop within their epoch and go on in the next call."""
        self.stopping = self.stopping or reason
        for running in self.running.values():
            running.stop = running.stop or "interrupted"

    def _search(self) -> None:
        hard_end = math.inf
        while self.running or self.measured or not (self.stopping or self.ending):
            self._look_at_the_clock()
            if self.stopping:
                hard_end = min(hard_end, time.monotonic() + GRACE_SECONDS)
            if time.monotonic() > hard_end:
                return
            self._begin_trials()
            if not self.running:
                time.sleep(PAUSE_SECONDS)
            self.answered.update(self.executor.answers(PAUSE_SECONDS))
            self._tell()
            self.context.leases.renew()

    def _look_at_the_clock(self) -> None:
        if self.minutes.is_over:
            self.stop("timeout")

    # Beginning

    def _begin_trials(self) -> None:
        while self._has_room and self.executor.free and time.monotonic() >= self.look_again:
            self._look_at_the_clock()
            if self.stopping or self.ending:
                return
            self._begin_one()

    @property
    def _has_room(self) -> bool:
        """Whether one more can begin. The first of all is measured alone: what it takes decides how long the others are."""
        if self.measured and not self.minutes.knows_length:
            return False
        return len(self.running) + len(self.measured) < self.executor.size

    def _begin_one(self) -> None:
        """Have one training go on, begin or refuse one, or see that there is nothing to begin now."""
        trainings = self.context.read()
        if self.context.leases.unclear:
            self.look_again = time.monotonic() + LOOK_SECONDS
            return
        counting = sum(each.counts for each in trainings)
        new_ones = counting < self.total and not (self.is_exhausted or self._time_is_short or self.minutes.is_enough)
        chain = self._who_goes_on(trainings, new_ones)
        if chain is not None:
            self._run(go_on(self.context, chain), continues=chain.last.number)
        elif new_ones:
            self._begin_new(trainings)
        elif self.measured or any(each.state == "running" for each in trainings):
            self.look_again = time.monotonic() + LOOK_SECONDS
        else:
            self.ending = self._why_it_ends

    @property
    def _why_it_ends(self) -> str:
        if self.minutes.is_enough:
            return "enough"
        return "timeout" if self._time_is_short else "exhausted" if self.is_exhausted else "budget"

    def _who_goes_on(self, trainings: Sequence[StoredTraining], new_ones: bool) -> StoredTraining | None:
        """What was interrupted, in its order; then whom its rung promotes. Once nothing new begins the best of each rung
        goes on, and where it is the time that ends, whoever can be trained to its end in what is left of it."""
        interrupted = next((each for each in trainings if each.state == "interrupted"), None)
        at_least = 0 if new_ones else len(trainings) if self._time_is_short else 1
        return interrupted or self.context.ladder.promotable(trainings, at_least, self._ends_in_time)

    def _begin_new(self, trainings: Sequence[StoredTraining]) -> None:
        tried = known(trainings) | {each.asked for each in self.measured.values()}
        starting = {each.start for each in self.measured.values()} - {None}
        for proposal in self.proposer.proposals(trainings):
            recipe = proposal.recipe
            if proposal.start in starting:
                continue
            if recipe is not None and recipe.key in tried:
                clear_queue(self.context, proposal)
                continue
            refusal = proposal.complaint if recipe is None else self.context.preflight.refusal(recipe)
            if recipe is None or refusal:
                self._refuse(proposal, refusal or "")
                return
            if self.minutes.fits:
                self._measure(proposal)
                return
            if not self._has_time_for(recipe, 0):
                self.too_long += 1
                if self._time_is_short:
                    return
                continue
            self.too_long = 0
            self._run(begin(self.context, proposal, self.total))
            return
        self.is_exhausted = not self.too_long

    def _measure(self, proposal: Proposal) -> None:
        """Have the pace of a proposal measured, if there is time for a trial at all; the first one's in any case: on a machine
        that others load, imports alone may take what was planned for it."""
        assert proposal.recipe is not None
        if self.minutes.knows_length and not self.minutes.has_time_for(self.minutes.slot(proposal.recipe)):
            self.too_long = TOO_LONG_IN_A_ROW
            return
        number = min(self.measured, default=0) - 1
        self.measured[number] = replace(proposal, asked=proposal.recipe.key)
        self.executor.submit(number, Pace(proposal.recipe), never_stop)

    def _begin_measured(self, proposal: Proposal, answer: Answer) -> None:
        """Begin a trial with as many epochs as its slot has room for. What could not be measured fails as a trial."""
        assert proposal.recipe is not None
        if self.stopping:
            return
        recipe = self.minutes.fitted(proposal.recipe, answer if isinstance(answer, float) else 0.0)
        complaint = self.minutes.complaint(recipe, proposal.recipe)
        if complaint and proposal.start is None and proposal.queued is None:
            self._refuse(proposal, complaint)
            return
        self._run(begin(self.context, replace(proposal, recipe=recipe), self.total))
        self.minutes.look(study_record(self.context.study))

    def _refuse(self, proposal: Proposal, reason: str) -> None:
        refuse(self.context, proposal, reason)
        self.refusals += 1
        if self.refusals >= REFUSALS_IN_A_ROW:
            self.stop("failures")

    def _run(self, running: RunningTrial | None, continues: int | None = None) -> None:
        """Submit a trial, unless another process was faster to begin it."""
        if running is None:
            return
        self.refusals = 0
        self.running[running.number] = running
        self.context.listener.began(running.number, running.recipe, continues)
        self.executor.submit(running.number, running.job, partial(self._watch, running))

    def _watch(self, running: RunningTrial, event: Event) -> bool:
        self._look_at_the_clock()
        return running.watch(event)

    def _ends_in_time(self, chain: StoredTraining) -> bool:
        """Whether a paused training can be trained to its end, at the pace that it had."""
        trial, done = trial_record(chain), max(chain.last.intermediate_values)
        if trial.recipe is None or trial.result is None or not trial.result.epochs:
            return self._has_time_for(recipe_of(self.context, chain), done)
        return self.minutes.has_time_for((trial.recipe.training.epochs - done) * epoch_seconds_of(trial))

    def _has_time_for(self, recipe: Recipe, epochs_done: int) -> bool:
        return self.minutes.has_time_for(self.context.preflight.seconds(recipe, epochs_done) or 0.0)

    @property
    def _time_is_short(self) -> bool:
        """New trials can no more be trained to their end: only what has begun goes on."""
        return self.too_long >= TOO_LONG_IN_A_ROW

    # Ending

    def _tell(self) -> None:
        """Tell of what was answered: all of it, or, in a deterministic study, as long as it is the turn of the trial that
        began first. What is told may be what the next decision needs."""
        while self.answered:
            number = next((each for each in self.answered if each < 0), None)
            if number is not None:
                self._begin_measured(self.measured.pop(number), self.answered.pop(number))
                continue
            number = next(iter(self.running if self.context.deterministic else self.answered))
            if number not in self.answered:
                return
            self._end(number, self.answered.pop(number))
            self.look_again = 0.0
            self._begin_trials()

    def _end(self, number: int, answer: Answer) -> None:
        self.failures = self.failures + 1 if isinstance(answer, Failure) else 0
        if self.failures >= FAILURES_IN_A_ROW:
            self.stop("failures")
        self.running.pop(number).end(answer, f"the search was ended ({self.stopping or 'error'})")
        trainings = self.context.read()
        self.context.forget_checkpoints(trainings, self.total)
        self.minutes.look(study_record(self.context.study))
        for chain in trainings:
            if chain.last.number == number:
                self.context.listener.ended(trial_record(chain))

    def _abandon(self) -> None:
        """End what did not end by itself."""
        for number in self.measured:
            self.executor.cancel(number)
        for number, running in list(self.running.items()):
            if number not in self.answered:
                self.executor.cancel(number)
                self.answered[number] = running.so_far()
            self._end(number, self.answered.pop(number))
