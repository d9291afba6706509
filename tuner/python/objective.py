"""An Optuna objective in training processes: sampler, pruner and storage are in this process, where the study is."""

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from multiprocessing import current_process
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.base.errors import StudyError
from tuner.base.machine import cores, worker_count
from tuner.data.sources import Places
from tuner.search.clock import stopping_on_signals
from tuner.search.loop import FAILURES_IN_A_ROW, PAUSE_SECONDS
from tuner.storage import private
from tuner.storage.leases import Leases
from tuner.storage.records import store_failure
from tuner.worker import make_executor
from tuner.worker.calls import Call, Returned, dump, respond
from tuner.worker.executor import Executor, Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure

Objective = Callable[[optuna.Trial], float | Sequence[float]]
TrialCallback = Callable[[optuna.Study, FrozenTrial], object]
"""Is called after each trial, as Optuna's callbacks are."""

LOGGER = optuna.logging.get_logger("optuna.tuner")
EXAMPLE = 'tuner.optimize(objective, optuna.create_study(direction="maximize"), trials=100)'


def optimize_objective(
    objective: Objective,
    study: Any,
    *,
    trials: int | None,
    minutes: float | None,
    workers: int | str,
    runs: Path,
    callbacks: Sequence[TrialCallback] = (),
) -> optuna.Study:
    """Run the objective until the study has so many trials, or until no trial may begin any more. What it prints goes to logs in a
    folder of the study's name in `runs`. Raises `StudyError` for bad arguments and after ten failures in a row."""
    if not isinstance(study, optuna.Study):
        raise StudyError(f"pass the study of the objective after it: {EXAMPLE}; got {type(study).__name__}")
    if trials is None and minutes is None:
        raise StudyError(f"pass what ends the search, trials= or minutes=: {EXAMPLE}")
    job, count = Call(dump(objective)), worker_count(workers, LOGGER.warning)
    folder = Folder(runs / re.sub(r"[^\w.-]", "_", study.study_name))
    folder.prepare()
    setup = Setup(Places.from_environment(), count, max(1, cores() // count), folder)
    kind = "in_process" if current_process().daemon else "processes"  # a daemon cannot start others
    with closing(make_executor(kind, setup)) as executor, private.optimizing(study):
        end = time.monotonic() + 60 * (math.inf if minutes is None else minutes)
        _Loop(study, job, executor, math.inf if trials is None else trials, end, callbacks).run()
    return study


class _Loop:
    """Trials of one objective on one executor. Other processes may work on the same study."""

    def __init__(
        self,
        study: optuna.Study,
        job: Call,
        executor: Executor,
        total: float,
        end: float,
        callbacks: Sequence[TrialCallback],
    ) -> None:
        self.study, self.job, self.executor, self.callbacks = study, job, executor, callbacks
        self.total, self.end, self.leases = total, end, Leases(study)
        self.running: dict[int, optuna.Trial] = {}
        self.is_interrupted = False
        self.failures, self.reason = 0, ""

    def run(self) -> None:
        """Run trials to the end. Those that an interruption ends are queued, so that the next call begins with them."""
        try:
            with stopping_on_signals(self._stop):
                self._sweep()
                while not self.is_interrupted and (self.running or self.leases.unclear or self._may_begin):
                    while self.executor.free and self._may_begin:
                        self._begin()
                    if not self.running:
                        time.sleep(PAUSE_SECONDS)
                    for number, answer in self.executor.answers(PAUSE_SECONDS):
                        self._end(number, answer)
                    self.leases.renew()
                    self._sweep()
        finally:
            for number in list(self.running):
                self.executor.cancel(number)
                self._interrupt(self.running.pop(number))

    def _stop(self, _: str) -> None:
        self.is_interrupted = True

    @property
    def _may_begin(self) -> bool:
        """Whether one more trial may begin. Failed trials count, since they may fail again; interrupted ones do not."""
        if self.is_interrupted or private.is_stopped(self.study) or time.monotonic() >= self.end:
            return False
        trials = self.study.get_trials(deepcopy=False)
        return sum(each.state != TrialState.WAITING and not _is_interrupted(each) for each in trials) < self.total

    def _begin(self) -> None:
        trial = self.study.ask()
        trial.set_user_attr("lease", self.leases.lease())
        self.leases.hold(trial)
        self.running[trial.number] = trial
        answer: Any = partial(respond, trial, (optuna.Study,))
        self.executor.submit(trial.number, self.job, answer)

    def _sweep(self) -> None:
        """Queue the trials of processes that are gone."""
        if self.executor.free:
            trials = [each for each in self.study.get_trials(deepcopy=False) if "lease" in each.user_attrs]
            lost = self.leases.sweep(trials)
            for trial in trials:
                if trial.number in lost:
                    self.study.enqueue_trial(trial.params)

    def _end(self, number: int, answer: Answer) -> None:
        trial = self.running.pop(number)
        self.leases.release(number)
        match answer:
            case Returned(values=None):
                self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
                LOGGER.info(f"Trial {number} pruned. {answer.reason}")
            case Returned(values=values) if problem := self._problem(values):
                self._fail(trial, Failure("exception", problem))
            case Returned(values=values):
                self.study.tell(trial, values, skip_if_finished=True)
                private.log_completed(self.study, private.frozen(trial))
            case Failure():
                self._fail(trial, answer)
        self.failures = self.failures + 1 if private.frozen(trial).state == TrialState.FAIL else 0
        for callback in self.callbacks:
            callback(self.study, private.frozen(trial))
        if self.failures >= FAILURES_IN_A_ROW:
            raise StudyError(f"the objective failed {self.failures} times in a row: {self.reason}")

    def _problem(self, values: Sequence[float] | None) -> str:
        count = len(self.study.directions)
        if values is None or len(values) != count:
            return f"the objective must return one number for each of {count} objectives, got {values}"
        return f"the objective returned {values}" if any(map(math.isnan, values)) else ""

    def _fail(self, trial: optuna.Trial, failure: Failure) -> None:
        """Store a failure, and log its traceback unless the trial before failed in the same way."""
        store_failure(trial, failure.reason, ended="died" if failure.kind == "died" else "failed")
        trial.set_user_attr("traceback", failure.traceback)
        self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        details = f"\n{failure.traceback}" if failure.traceback and failure.reason != self.reason else ""
        LOGGER.warning(f"Trial {trial.number} failed with parameters {trial.params}: {failure.reason}{details}")
        self.reason = failure.reason

    def _interrupt(self, trial: optuna.Trial) -> None:
        store_failure(trial, "the call was ended", ended="interrupted")
        self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        if trial.params:
            self.study.enqueue_trial(trial.params)


def _is_interrupted(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL and trial.user_attrs.get("ended") == "interrupted"
