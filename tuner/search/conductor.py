"""The search itself: which trials run when, on an executor, until the budget is spent.

A conductor is an ordinary Optuna worker: as many as you like, on as many machines, may work on one study. It trains
nothing itself; its executor does.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from tuner.result import Result
from tuner.search.running import Running
from tuner.search.samplers import walk
from tuner.search.signals import stopping_on_signals
from tuner.search.trials import Trials
from tuner.storage import study_record
from tuner.worker.executor import Executor
from tuner.worker.jobs import Answer, Failure, Train

FAILURES_IN_A_ROW = 10
TOO_LONG_IN_A_ROW = 3
GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """How a search ended: `budget`, `timeout`, `interrupt`, `exhausted` (nothing left to try) or `failures`."""

    ended: str


class Conductor:
    """Runs trials on one executor. In a deterministic study results are told in the order in which their trials began or
    went on, and after each the next is begun: so every suggestion and promotion sees the same results on every run,
    whatever ends first."""

    def __init__(self, trials: Trials, executor: Executor) -> None:
        self.trials = trials
        self.study = trials.study
        self.executor = executor
        assignments = walk(trials.file.search.sampler, trials.file.space)
        if assignments is not None and trials.preflight is not None:
            assignments = trials.preflight.longest_first(assignments, trials.file.fill)
        self.walk = assignments
        self.running: dict[int, Running] = {}  # in the order in which they began or went on
        self.paused: dict[int, Running] = {}
        self.answered: dict[int, Answer] = {}
        self.failures = 0
        self.stop_reason = ""
        self.total = 0
        self.deadline = math.inf
        self.too_long = 0

    def run(self, trials: int, seconds: float) -> Outcome:
        """Search until the study has `trials` finished or pruned trials, at most for so many seconds."""
        self.total, self.deadline = trials, time.monotonic() + seconds
        self.trials.listener.planned(study_record(self.study), trials, seconds)
        try:
            with stopping_on_signals(self.stop):
                return self._loop()
        finally:
            self._abandon_running()
            for running in self.paused.values():
                self.trials.give_up(running, "the search ended while it paused")
            self.trials.queue_interrupted()
            self.trials.mirror.flush()

    def stop(self, reason: str) -> None:
        """End the search in order: running trials stop after their epoch and are queued for the next call."""
        self.stop_reason = self.stop_reason or reason
        if self.stop_reason != "exhausted":
            for running in self.running.values():
                running.stopped_for = running.stopped_for or "interrupted"

    def _loop(self) -> Outcome:
        hard_end = float("inf")
        while True:
            if time.monotonic() >= self.deadline:
                self.stop("timeout")
            if self.stop_reason not in ("", "exhausted"):
                hard_end = min(hard_end, time.monotonic() + GRACE_SECONDS)
            self._fill_executor()
            if not self.running:
                return Outcome(self.stop_reason or ("timeout" if self._time_is_short else "budget"))
            if time.monotonic() > hard_end:
                return Outcome(self.stop_reason)
            self.answered.update(self.executor.answers(seconds=0.1))
            self._settle()

    def _fill_executor(self) -> None:
        while len(self.running) < self.executor.size and self.executor.free and self._start_next():
            self._settle()

    def _has_budget(self) -> bool:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        return len(self.study.get_trials(deepcopy=False, states=states)) < self.total

    def _start_next(self) -> bool:
        """Have the best paused trial go on, or start a new one. False where neither is to be."""
        if self.stop_reason not in ("", "exhausted"):
            return False
        may_start = not self.stop_reason and not self._time_is_short and self._has_budget()
        number = self._promotable(may_start)
        if number is not None:
            running = self.paused.pop(number)
            self.trials.go_on(running)
            self._submit(running)
            return True
        return may_start and (self._start() or self._start_next())

    def _promotable(self, may_start: bool) -> int | None:
        """The paused trial to go on. Once nothing new will begin, the best of each rung do; and where it is the time that
        ends, whoever can be trained to its end in what is left of it."""
        if self.trials.rungs is None:
            return None
        at_least = 0 if may_start else len(self.paused) if self._time_is_short else 1
        at = {number: rung for number, rung in self._at_rungs() if self._ends_in_time(self.paused[number])}
        return self.trials.rungs.promotable(at, at_least)

    def _at_rungs(self) -> Iterator[tuple[int, int]]:
        yield from ((number, running.rung) for number, running in self.paused.items() if running.rung is not None)

    def _ends_in_time(self, running: Running) -> bool:
        return time.monotonic() + self.trials.seconds_left(running) < self.deadline

    @property
    def _time_is_short(self) -> bool:
        """New trials can no more be trained to their end: only what has begun goes on."""
        return self.too_long >= TOO_LONG_IN_A_ROW

    def _start(self) -> bool:
        """Ask for a trial and have it run. False at the end of a walk through the whole space."""
        if self.walk is not None and not self._enqueue_next(self.walk):
            self.stop("exhausted")
            return False
        running = self.trials.ask()
        answer = self.trials.answer_at_once(running)
        if answer is None and not self._ends_in_time(running):
            left = self.deadline - time.monotonic()
            needed = self.trials.seconds_left(running)
            self.trials.interrupt(running, f"not begun: it would take about {needed:.0f} s, and {left:.0f} s are left")
            self.too_long += 1
            return not self._time_is_short
        self.too_long = 0
        if answer is not None:
            self.running[running.number] = running
            self.answered[running.number] = answer
        elif running.recipe is not None:
            self.trials.listener.began(running.number, running.recipe)
            self._submit(running)
        return True

    def _submit(self, running: Running) -> None:
        assert running.recipe is not None
        self.running[running.number] = running
        job = Train(running.recipe, checkpoint=running.checkpoint)
        self.executor.submit(running.number, job, self.trials.watch(running))

    def _settle(self) -> None:
        """Tell of what was answered: all of it, or, in a deterministic study, as long as it is the turn of the trial that
        began first, filling the executor after each."""
        while self.answered:
            number = next(iter(self.running if self.trials.deterministic else self.answered))
            if number not in self.answered:
                return
            answer = self.answered.pop(number)
            running = self.running.pop(number)
            self.failures = self.failures + 1 if isinstance(answer, Failure) else 0
            if self.failures >= FAILURES_IN_A_ROW:
                self.stop("failures")
            self._end(running, answer)
            while self.trials.deterministic and len(self.running) < self.executor.size and self._start_next():
                pass

    def _end(self, running: Running, answer: Answer) -> None:
        if not isinstance(answer, Result) or answer.ended != "pruned":
            self.trials.end(running, answer)
        elif running.stopped_for == "interrupted":
            self.trials.interrupt(running, self._why)
        elif running.stopped_for == "paused":
            self.paused[running.number] = running
            self.trials.pause(running, answer)
            self._give_up_hopeless()
        else:
            self.trials.end(running, answer)

    def _give_up_hopeless(self) -> None:
        assert self.trials.rungs is not None
        for number in list(self.trials.rungs.hopeless(dict(self._at_rungs()), self.total)):
            self.trials.give_up(self.paused.pop(number), "not among the best")

    @property
    def _why(self) -> str:
        return f"the search was ended ({self.stop_reason or 'error'})"

    def _enqueue_next(self, assignments: Iterator[dict[str, Any]]) -> bool:
        if self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            return True
        trials = self.study.get_trials(deepcopy=False)
        tried = {frozenset(trial.params.items()) for trial in trials if trial.state != TrialState.FAIL}
        for assignment in assignments:
            if frozenset(assignment.items()) not in tried:
                self.study.enqueue_trial(assignment)
                return True
        return False

    def _abandon_running(self) -> None:
        """End what did not end by itself."""
        for number, running in list(self.running.items()):
            del self.running[number]
            if number in self.answered:
                self._end(running, self.answered.pop(number))
                continue
            self.executor.cancel(number)
            self.trials.interrupt(running, self._why)
