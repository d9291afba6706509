"""A running trial: it stores what its training reports, decides whether the training stops, and tells Optuna the result."""

from typing import Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.result import Epoch, Event, FoldResult, Pulse, Result
from tuner.search.curves import attach
from tuner.search.ladder import Rung
from tuner.search.looks import ladder_of, what_it_shows
from tuner.search.rungs import rungs_of
from tuner.search.view import Snapshot
from tuner.storage import private
from tuner.storage.records import recipe_attributes, store_failure, store_look, store_pause, store_result
from tuner.storage.trainings import StoredTraining
from tuner.study.pruners import ByNumber, OfFolds
from tuner.worker.jobs import Answer, Failure, Train

Stop = Literal["", "pruned", "paused", "interrupted", "lost"]


class RunningTrial:
    """A trial that this process holds. `until` is the epoch after which it pauses, if any; `stop` is why its training stops
    (`lost`: another process has taken over the trial)."""

    def __init__(self, session: Session, trial: optuna.Trial, recipe: Recipe, training: StoredTraining) -> None:
        self.session, self.trial, self.recipe = session, trial, recipe
        self.first = training.first
        self.is_exempt = training.start is not None  # from pruning
        self.rungs = rungs_of(session.file)
        ladder = ladder_of(session) if session.file.fits_epochs else None
        self.look = ladder and ladder.after(training.rung)
        self.until = None if self.is_exempt else self.rungs.next(training.rung)
        self.stop: Stop = ""
        self.epochs: list[Epoch] = []
        self.reported = set() if self.look else set(training.last.intermediate_values)
        self.unjudged = max(self.reported, default=0)  # interrupted there, perhaps before it was judged
        self.snapshot = self._snapshot() if session.deterministic and not self.rungs.epochs else None
        session.leases.hold(trial)

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    @property
    def job(self) -> Train:
        """The job of a training process."""
        return Train(self.recipe, checkpoint=str(self.first))

    @property
    def epochs_done(self) -> int:
        """Epochs trained so far, here or in earlier segments."""
        return max(len(self.epochs), max(self.reported, default=0))

    @property
    def _prunes_folds(self) -> bool:
        """Whether the pruner compares folds and not epochs."""
        return isinstance(self.session.file.search.pruner, OfFolds)

    def watch(self, event: Event) -> bool:
        """Store an event of the training; whether the training continues."""
        self.session.leases.renew()
        try:
            self._store_event(event)
            if self.session.shared_checkpoints:
                self.session.shared_checkpoints.upload(self.first)
        except UpdateFinishedTrialError:
            self.stop = "lost"
        return not self.stop

    def _store_event(self, event: Event) -> None:
        match event:
            case Pulse():
                self.session.listener.advanced(self.number, event)
            case Epoch():
                before = (each for each in self.epochs if (each.fold, each.number) < (event.fold, event.number))
                self.epochs = [*before, event]  # a training that lost its node goes back to its checkpoint
                self._store_epoch(event)
            case FoldResult() if self._prunes_folds:
                self._report(event.kept_epoch, event.kept_epoch.fold + 1)

    def _store_epoch(self, epoch: Epoch) -> None:
        if epoch.number not in self.reported or epoch.fold:
            self.session.listener.advanced(self.number, epoch)
            preflight = self.session.preflight
            preflight.learn(self.recipe, preflight.full_epoch(self.recipe, epoch.seconds, epoch.number))
        if epoch.fold == 0 and not self._prunes_folds:
            self._report(epoch, epoch.number)

    def _report(self, epoch: Epoch, step: int) -> None:
        """Report the objective's value, and decide whether to stop. A trial is never stopped at its last epoch, where it would not
        count as finished; reference trials are never stopped."""
        value_of = self.session.objectives[0].of_epoch
        if len(self.session.objectives) > 1 or value_of is None or self.look:
            return
        is_new = step not in self.reported
        if is_new:
            self.reported.add(step)
            self.trial.report(value_of(epoch), step)
        is_last = epoch.fold == 0 and epoch.number >= self.recipe.training.epochs
        if self.stop or self.is_exempt or is_last:
            return
        if step == self.until:
            self.stop = "paused"
        elif (is_new or step == self.unjudged) and not self.rungs.epochs and self._should_prune(value_of(epoch), step):
            self.stop = "pruned"

    def _should_prune(self, value: float, step: int) -> bool:
        if self.snapshot is None and not isinstance(self.session.file.search.pruner, ByNumber):
            return self.trial.should_prune()
        snapshot = self.snapshot or self._snapshot()
        answer = snapshot.should_prune(value, step)
        if self.snapshot is None:
            snapshot.store_marks(self.trial)
        return answer

    def _snapshot(self) -> Snapshot:
        return Snapshot(self.session.study, self.session.trainings(), self.first)

    def end(self, answer: Answer, why_interrupted: str) -> None:
        """Store the result and tell Optuna, unless another process has taken the trial."""
        if self.session.shared_checkpoints and self.stop != "lost":
            self.session.shared_checkpoints.upload_now(self.first)
        self.session.leases.release(self.number)
        if self.stop == "lost":
            self.session.listener.log(f"trial {self.number} was taken over by another process")
            return
        try:
            self._end(answer, why_interrupted)
        except (UpdateFinishedTrialError, ValueError) as error:
            if isinstance(error, ValueError) and not private.frozen(self.trial).state.is_finished():
                raise
            self.session.listener.log(f"trial {self.number} was taken over by another process")

    def _end(self, answer: Answer, why_interrupted: str) -> None:
        match answer:
            case Result(ended="pruned") if self.until in self.reported and self.epochs_done == self.until:
                self._pause(answer)
            case Result(ended="pruned") if self.stop == "interrupted":
                store_result(self.trial, answer, "interrupted", why_interrupted)
                self._tell(TrialState.FAIL)
            case Result() if self.look and answer.ended != "diverged":
                self._end_look(answer, self.look)
            case Result():
                self._finish(answer)
            case Failure():
                ended = "died" if answer.kind == "died" else "failed"
                store_failure(self.trial, answer.reason, answer.traceback, ended)
                self._tell(TrialState.FAIL)
            case _:
                raise TypeError(f"a trial was answered with {answer!r}")

    def partial_result(self) -> Result:
        """The epochs reported by a training that did not answer when it was stopped."""
        self.stop = "interrupted"
        folds: dict[int, list[Epoch]] = {}
        for epoch in self.epochs:
            folds.setdefault(epoch.fold, []).append(epoch)
        results = tuple(FoldResult(epochs=tuple(epochs), kept=len(epochs)) for epochs in folds.values())
        seconds = sum(epoch.seconds for epoch in self.epochs)
        return Result(folds=results, ended="pruned", reason="", parameters=0, seconds=seconds)

    def _pause(self, result: Result) -> None:
        """Pause at the rung. For the sampler the trial is pruned, with its value there."""
        assert self.until is not None
        store_pause(self.trial, result, self.until)
        self._attach(result)
        self._tell(TrialState.PRUNED)

    def _end_look(self, result: Result, rung: Rung) -> None:
        """Store what a look has shown. It pauses, and the trial is pruned for the sampler, unless no look is longer."""
        shown = what_it_shows(self.session, self.recipe, result, rung)
        self.trial.report(shown.value, rung.number)
        store_look(self.trial, shown)
        if rung.is_last:
            self._finish(result)
            return
        folds = f" in {rung.folds} folds" if rung.folds > 1 else ""
        store_pause(self.trial, result, rung.number, f"{shown.epochs:.2g} epochs{folds}")
        self._attach(result)
        self._tell(TrialState.PRUNED)

    def _finish(self, result: Result) -> None:
        store_result(self.trial, result)
        self._attach(result)
        if result.ended == "diverged":
            self._report_divergence(result.folds[-1].epochs[-1])
        if result.ended in ("diverged", "pruned"):
            self._tell(TrialState.PRUNED)
        else:
            self._tell(TrialState.COMPLETE, [each.of_result(result) for each in self.session.objectives])

    def _attach(self, result: Result) -> None:
        if self.session.artifacts and result.epochs:
            about = recipe_attributes(self.recipe, self.session.environment)
            attach(self.session.artifacts, self.trial, result, about, self.session.folder.path)

    def _report_divergence(self, epoch: Epoch) -> None:
        """Report NaN at the epoch where it diverged: for the sampler the worst result."""
        single = len(self.session.objectives) == 1 and epoch.fold == 0 and not self._prunes_folds
        step = self.look.number if self.look else epoch.number
        if single and step not in self.reported:
            self.trial.report(float("nan"), step)

    def _tell(self, state: TrialState, values: list[float] | None = None) -> None:
        if self.snapshot:
            self.snapshot.store_marks(self.trial)
        self.session.study.tell(self.trial, values, state=state)
