"""The search itself: ask Optuna, fill the holes, have the recipe run, tell Optuna what came of it.

A conductor is an ordinary Optuna worker: as many as you like, on as many machines, may work on one study. It trains
nothing itself; its executor does.
"""

import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.trial import TrialState

from tuner.errors import Invalid
from tuner.recipe import Recipe
from tuner.result import OBJECTIVES, Ending, Epoch, FoldResult, Objective, Result, Watch
from tuner.search.curves import draw_curve
from tuner.search.jobs import Answer, Failure, Job, Train
from tuner.search.samplers import make_sampler, seed_of_trial, walk
from tuner.search.studies import owner, queue_again
from tuner.search_settings import Wilcoxon
from tuner.storage import (
    StudyRecord,
    TrialRecord,
    study_record,
    trial_record,
    write_failure,
    write_recipe,
    write_result,
)
from tuner.study import StudyFile

FAILURES_IN_A_ROW = 10
GRACE_SECONDS = 3.0


class Executor(Protocol):
    """Where jobs run: in this process, in local processes, elsewhere."""

    @property
    def free(self) -> int: ...

    def submit(self, number: int, job: Job, watch: Watch) -> None: ...

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]: ...

    def cancel(self, number: int) -> None: ...

    def close(self, grace: float = 1.0) -> None: ...


class Listener(Protocol):
    """Told of what happens, for whoever shows it."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe) -> None: ...

    def advanced(self, number: int, epoch: Epoch) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def said(self, message: str) -> None: ...


@dataclass
class Running:
    """A trial under way: its epochs so far, and why it was told to stop, if it was."""

    trial: optuna.Trial
    recipe: Recipe
    epochs: list[Epoch] = field(default_factory=list)
    stopped_for: Ending | None = None


@dataclass(frozen=True)
class Outcome:
    """How a search ended: `budget`, `timeout`, `interrupt`, `exhausted` (nothing left to try) or `failures`."""

    ended: str
    reason: str = ""


class Conductor:
    """Runs trials of one study on one executor until `trials` have finished or been pruned, or time is up."""

    def __init__(
        self,
        study: optuna.Study,
        file: StudyFile,
        executor: Executor,
        listener: Listener,
        environment: Mapping[str, str],
        artifacts: Path | None,
        worker: int = 0,
    ) -> None:
        self.study = study
        self.file = file
        self.executor = executor
        self.listener = listener
        self.environment = environment
        self.artifacts = FileSystemArtifactStore(str(artifacts)) if artifacts else None
        self.worker = worker
        self.objectives: list[Objective] = [OBJECTIVES[name] for name in file.objectives]
        self.running: dict[int, Running] = {}
        self.known: dict[str, int] = {}
        self.failures = 0
        self.interrupted = 0
        self.stop_reason = ""

    def run(self, trials: int, seconds: float) -> Outcome:
        """Search until the study has `trials` finished or pruned trials, at most for so many seconds."""
        deadline = time.monotonic() + seconds
        self.listener.planned(study_record(self.study), trials, seconds)
        self._read_history()
        assignments = walk(self.file.search.sampler, self.file.space)
        try:
            with _stopping_on_signals(self.stop):
                return self._loop(trials, deadline, assignments)
        finally:
            self._abandon_running()

    def stop(self, reason: str) -> None:
        """End the search in order: running trials stop after their epoch and are queued for the next call."""
        self.stop_reason = self.stop_reason or reason

    def _loop(self, trials: int, deadline: float, assignments: Iterator[Mapping[str, Any]] | None) -> Outcome:
        stopped_at = 0.0
        while True:
            if time.monotonic() >= deadline:
                self.stop("timeout")
            if self.failures >= FAILURES_IN_A_ROW:
                self.stop("failures")
            while not self.stop_reason and self.executor.free and self._has_budget(trials):
                if not self._start(assignments):
                    self.stop("exhausted")
            if not self.running:
                return Outcome(self.stop_reason or "budget")
            if self.stop_reason and self.stop_reason != "exhausted":
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > GRACE_SECONDS:
                    return Outcome(self.stop_reason)
            for number, answer in self.executor.answers(seconds=0.1):
                self._end(self.running.pop(number), answer)

    def _has_budget(self, trials: int) -> bool:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        return len(self.study.get_trials(deepcopy=False, states=states)) < trials

    def _read_history(self) -> None:
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and "key" in trial.user_attrs:
                self.known.setdefault(trial.user_attrs["key"], trial.number)
            if trial.user_attrs.get("ended") == "interrupted":
                self.interrupted += 1

    # Starting a trial

    def _start(self, assignments: Iterator[Mapping[str, Any]] | None) -> bool:
        """Ask for a trial and submit it. False if a walk through the whole space has come to its end."""
        if assignments is not None and not self._enqueue_next(assignments):
            return False
        created = len(self.study.get_trials(deepcopy=False)) - self.interrupted
        self.study.sampler = make_sampler(
            self.file.search.sampler, seed_of_trial(self.file.search.seed, self.worker, created)
        )
        trial = self.study.ask()
        trial.set_user_attr("owner", owner())
        try:
            recipe = self.file.fill(trial)
        except Invalid as complaint:  # a combination that no corner showed: a result for the sampler, not a crash
            self._fail(trial, Failure("invalid", str(complaint)))
            return True
        write_recipe(trial, recipe, self.environment)
        if recipe.key in self.known:
            self._repeat(trial, self.known[recipe.key])
            return True
        self.listener.began(trial.number, recipe)
        self.running[trial.number] = Running(trial, recipe)
        self.executor.submit(trial.number, Train(recipe), self._watch(self.running[trial.number]))
        return True

    def _enqueue_next(self, assignments: Iterator[Mapping[str, Any]]) -> bool:
        waiting = self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if waiting:
            return True
        tried = [trial.params for trial in self.study.get_trials(deepcopy=False) if trial.state != TrialState.FAIL]
        for assignment in assignments:
            if dict(assignment) not in tried:
                self.study.enqueue_trial(dict(assignment))
                return True
        return False

    def _repeat(self, trial: optuna.Trial, number: int) -> None:
        """Equal recipes give equal results: tell what the earlier trial with this recipe gave, without training."""
        earlier = next(each for each in self.study.get_trials(deepcopy=False) if each.number == number)
        trial.set_user_attr("repeat_of", number)
        for step, value in earlier.intermediate_values.items():
            trial.report(value, step)
        write_result(trial, Result.from_dict(earlier.user_attrs["result"]))
        self._tell(trial, earlier.state, list(earlier.values or ()))

    # While it runs

    def _watch(self, running: Running) -> Watch:
        """Reports each epoch of the first fold (or each fold, to the Wilcoxon pruner) and says whether to go on."""
        by_fold = isinstance(self.file.search.pruner, Wilcoxon)

        def watch(event: Epoch | FoldResult) -> bool:
            if isinstance(event, Epoch):
                running.epochs.append(event)
                self.listener.advanced(running.trial.number, event)
                go_on = by_fold or event.fold > 0 or self._report(running, event, event.number)
            else:
                go_on = not by_fold or self._report(running, event.kept_epoch, event.kept_epoch.fold + 1)
            if self.stop_reason and self.stop_reason != "exhausted":
                running.stopped_for = "interrupted"
            elif not go_on:
                running.stopped_for = "pruned"
            return running.stopped_for is None

        return watch

    def _report(self, running: Running, epoch: Epoch, step: int) -> bool:
        """Report the objective's figure. A trial is never pruned at its last epoch: it would not count as finished."""
        figure = self.objectives[0].of_epoch
        if len(self.objectives) > 1 or figure is None:
            return True
        running.trial.report(figure(epoch), step)
        last = epoch.number >= running.recipe.training.epochs and epoch.fold == 0
        return last or not running.trial.should_prune()

    # Ending a trial

    def _end(self, running: Running, answer: Answer) -> None:
        match answer:
            case Result() if running.stopped_for == "interrupted":
                self._interrupt(running)
            case Result():
                self._finish(running, answer)
            case Failure():
                self._fail(running.trial, answer)
                if answer.kind == "died" and "again" not in running.trial.user_attrs:
                    queue_again(self.study, running.trial.params, running.trial.number)
            case _:
                raise TypeError(f"a trial was answered with {answer!r}")

    def _finish(self, running: Running, result: Result) -> None:
        trial = running.trial
        self.failures = 0
        self.known.setdefault(running.recipe.key, trial.number)
        write_result(trial, result)
        self._attach_curve(trial, result)
        if result.ended == "diverged":
            self._report_divergence(trial, result)
            self._tell(trial, TrialState.PRUNED, [])
        elif result.ended == "pruned":
            self._tell(trial, TrialState.PRUNED, [])
        else:
            self._tell(trial, TrialState.COMPLETE, [objective.of_result(result) for objective in self.objectives])

    def _report_divergence(self, trial: optuna.Trial, result: Result) -> None:
        """A NaN at the step where it diverged: to the sampler a result, and the worst one."""
        trial.set_user_attr("reason", result.reason)
        epoch = result.folds[-1].epochs[-1]
        if len(self.objectives) == 1 and epoch.fold == 0 and not isinstance(self.file.search.pruner, Wilcoxon):
            trial.report(float("nan"), epoch.number)

    def _fail(self, trial: optuna.Trial, failure: Failure) -> None:
        self.failures += 1
        write_failure(trial, failure.reason, failure.traceback)
        self._tell(trial, TrialState.FAIL, [])

    def _interrupt(self, running: Running) -> None:
        """Keep the curve so far, and queue the trial for the next call."""
        folds = {epoch.fold: [each for each in running.epochs if each.fold == epoch.fold] for epoch in running.epochs}
        result = Result(
            folds=tuple(FoldResult(epochs=tuple(epochs), kept=len(epochs)) for epochs in folds.values()),
            ended="interrupted",
            reason=f"the search was ended ({self.stop_reason})",
            parameters=0,
            seconds=sum(epoch.seconds for epoch in running.epochs),
        )
        self.interrupted += 1
        write_result(running.trial, result)
        running.trial.set_user_attr("reason", result.reason)
        self._tell(running.trial, TrialState.FAIL, [])
        queue_again(self.study, running.trial.params, running.trial.number)

    def _abandon_running(self) -> None:
        for number in list(self.running):
            self.executor.cancel(number)
            self._interrupt(self.running.pop(number))

    def _tell(self, trial: optuna.Trial, state: TrialState, values: list[float]) -> None:
        frozen = self.study.tell(trial, values or None, state=state)
        self.listener.ended(trial_record(frozen))

    def _attach_curve(self, trial: optuna.Trial, result: Result) -> None:
        if self.artifacts is None or not result.epochs:
            return
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "learning-curve.png"
            draw_curve(result, f"trial {trial.number}: {result.ended}", picture)
            upload_artifact(artifact_store=self.artifacts, file_path=str(picture), study_or_trial=trial)


@contextmanager
def _stopping_on_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C (or termination signal) stops in order, the second at once. Only a main thread can listen."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(number: int, _: object) -> None:
        stop("interrupt")
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
