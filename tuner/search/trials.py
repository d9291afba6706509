"""One trial from asking to telling: what Optuna is asked, what it is told, what the storage keeps."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import Invalid
from tuner.result import OBJECTIVES, Epoch, FoldResult, Objective, Result, Watch
from tuner.search.curves import attach_curve
from tuner.search.interfaces import Listener
from tuner.search.mirror import mirrored
from tuner.search.preflight import Preflight
from tuner.search.rungs import rungs_of
from tuner.search.running import Running
from tuner.search.samplers import make_sampler, seed_of_trial
from tuner.search.snapshot import Snapshot
from tuner.search.studies import owner, queue_again
from tuner.storage import trial_record, write_failure, write_recipe, write_result
from tuner.study import StudyFile
from tuner.study.pruners import Wilcoxon
from tuner.worker.jobs import Answer, Failure


class Trials:
    """The trials of one study, as one conductor asks for them and tells of them.

    With `deterministic`, a pruner judges a trial by what had been told when the trial began, and not by what other
    trials happen to have reported since.
    """

    def __init__(
        self,
        study: optuna.Study,
        file: StudyFile,
        listener: Listener,
        environment: Mapping[str, str],
        artifacts: Path | None,
        worker: int,
        deterministic: bool,
        checkpoints: Path | None = None,
        preflight: Preflight | None = None,
    ) -> None:
        self.study, self.mirror = mirrored(study)
        self.file = file
        self.listener = listener
        self.environment = environment
        self.artifacts = FileSystemArtifactStore(str(artifacts)) if artifacts else None
        self.checkpoints = checkpoints
        self.preflight = preflight
        self.worker = worker
        self.deterministic = deterministic
        self.objectives: list[Objective] = [OBJECTIVES[name] for name in file.objectives]
        self.rungs = rungs_of(file)
        self.by_fold = isinstance(file.search.pruner, Wilcoxon)
        self.known: dict[str, int] = {}
        self.to_queue: list[Running] = []
        self.interrupted = 0
        for trial in study.get_trials(deepcopy=False):
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and {"key", "result"} <= trial.user_attrs.keys():
                self.known.setdefault(trial.user_attrs["key"], trial.number)
            self.interrupted += trial.user_attrs.get("ended") == "interrupted"
            if self.rungs and trial.user_attrs.get("ended") != "interrupted":
                self.rungs.reach(trial.number, trial.intermediate_values)

    # Beginning

    def ask(self) -> Running:
        """The next trial, with its recipe kept in the storage."""
        created = len(self.study.get_trials(deepcopy=False)) - self.interrupted
        seed = seed_of_trial(self.file.search.seed, self.worker, created)
        self.study.sampler = make_sampler(self.file.search.sampler, seed, len(self.objectives))
        trial = self.study.ask()
        trial.set_user_attr("owner", owner())
        try:
            recipe = self.file.fill(trial)
        except Invalid as complaint:  # a combination that no corner showed: a failed trial, not a crash
            return Running(trial, None, complaint=str(complaint))
        write_recipe(trial, recipe, self.environment)
        return Running(
            trial,
            recipe,
            snapshot=Snapshot(self.study) if self.deterministic and not self.rungs else None,
            rung=self.rungs.next(0) if self.rungs else None,
            checkpoint=self.checkpoints / f"{recipe.key}.npz" if self.checkpoints else None,
        )

    def answer_at_once(self, running: Running) -> Answer | None:
        """What needs no training: parameters that make no recipe, a recipe that cannot be trained here, and one that an
        earlier trial had (equal recipes give equal results)."""
        if running.recipe is None:
            return Failure("invalid", running.complaint)
        refusal = self.preflight.refusal(running.recipe) if self.preflight else None
        if refusal:
            return Failure("refused", refusal)
        if running.recipe.key not in self.known:
            return None
        earlier = self.study.get_trials(deepcopy=False)[self.known[running.recipe.key]]
        running.trial.set_user_attr("repeat_of", earlier.number)
        for step, value in earlier.intermediate_values.items():
            running.trial.report(value, step)
        return Result.from_dict(earlier.user_attrs["result"])

    def watch(self, running: Running) -> Watch:
        """Reports each epoch of the first fold (or each fold, to the Wilcoxon pruner) and says whether to go on."""
        traced = False

        def watch(event: Epoch | FoldResult) -> bool:
            nonlocal traced
            if event in running.epochs:  # told again by a training that went on
                return True
            if isinstance(event, Epoch):
                running.epochs.append(event)
                if self.preflight and running.recipe and traced:
                    self.preflight.learn(running.recipe, event.seconds)
                traced = True
                self.listener.advanced(running.trial.number, event)
                go_on = self.by_fold or event.fold > 0 or self._report(running, event, event.number)
            else:
                go_on = not self.by_fold or self._report(running, event.kept_epoch, event.kept_epoch.fold + 1)
            if not go_on and running.stopped_for is None:
                running.stopped_for = "paused" if self.rungs else "pruned"
            return running.stopped_for is None

        return watch

    def _report(self, running: Running, epoch: Epoch, step: int) -> bool:
        """Report the objective's figure; whether to go on. A trial is never pruned at its last epoch: it would not count
        as finished. Nor is one pruned that the study begins with."""
        figure = self.objectives[0].of_epoch
        if len(self.objectives) > 1 or figure is None:
            return True
        assert running.recipe is not None
        value = figure(epoch)
        running.trial.report(value, step)
        if running.is_start or (epoch.number >= running.recipe.training.epochs and epoch.fold == 0):
            return True
        if self.rungs:
            return step != running.rung
        return not (running.snapshot.should_prune(value, step) if running.snapshot else running.trial.should_prune())

    # Pausing

    def pause(self, running: Running, result: Result) -> None:
        """A trial has reached its rung and waits there; to the sampler it looks pruned."""
        assert self.rungs is not None
        assert running.rung is not None
        running.so_far = result
        self.rungs.reach(running.number, self._frozen(running.trial).intermediate_values)
        self.mirror.set_aside(running.trial._trial_id)
        self.listener.paused(running.number, running.epochs[-1])

    def go_on(self, running: Running) -> None:
        """A paused trial is to be trained up to the next rung, or to its end."""
        assert self.rungs is not None
        assert running.rung is not None
        running.rung = self.rungs.next(running.rung)
        running.stopped_for = None
        self.mirror.take_up(running.trial._trial_id)

    def give_up(self, running: Running, why: str) -> None:
        """A paused trial is not to go on: it ends as pruned, with what it came to."""
        assert running.so_far is not None
        self.end(running, replace(running.so_far, reason=f"{why} after epoch {running.rung}"))

    # Ending

    def end(self, running: Running, answer: Answer) -> None:
        """Keep the answer and tell Optuna. A trial whose process died is tried once more."""
        match answer:
            case Result():
                if running.checkpoint:
                    running.checkpoint.unlink(missing_ok=True)
                self._finish(running, answer)
            case Failure(kind="refused"):
                write_failure(running.trial, answer.reason, "", ended="refused")
                running.trial.set_constraint("memory", 1.0)
                self._tell(running, TrialState.PRUNED, [])  # to the sampler a bad result, where a failure is nothing
            case Failure():
                write_failure(running.trial, answer.reason, answer.traceback)
                self._tell(running, TrialState.FAIL, [])
                if answer.kind == "died" and "again" not in running.trial.user_attrs:
                    queue_again(self.study, running.trial)
            case _:
                raise TypeError(f"a trial was answered with {answer!r}")

    def seconds_left(self, running: Running) -> float:
        """Seconds that the rest of a trial will take, 0 where nobody can know yet."""
        if self.preflight is None or running.recipe is None:
            return 0.0
        return self.preflight.seconds(running.recipe, len(running.epochs)) or 0.0

    def interrupt(self, running: Running, reason: str) -> None:
        """Keep the curve so far. The trial is queued for the next call when this one ends, by `queue_interrupted`."""
        result = running.interrupted(reason)
        self.interrupted += 1
        write_result(running.trial, result)
        running.trial.set_user_attr("reason", reason)
        self._tell(running, TrialState.FAIL, [])
        self.to_queue.append(running)

    def queue_interrupted(self) -> None:
        """Have the next call train what this one did not."""
        while self.to_queue:
            running = self.to_queue.pop(0)
            queue_again(self.study, running.trial)

    def _finish(self, running: Running, result: Result) -> None:
        trial = running.trial
        if running.recipe is not None:
            self.known.setdefault(running.recipe.key, trial.number)
        if self.rungs:
            self.rungs.reach(trial.number, self._frozen(trial).intermediate_values)
        write_result(trial, result)
        if self.artifacts and result.epochs:
            attach_curve(self.artifacts, trial, result)
        if result.ended == "diverged":
            self._report_divergence(trial, result)
        if result.ended in ("diverged", "pruned"):
            self._tell(running, TrialState.PRUNED, [])
        else:
            self._tell(running, TrialState.COMPLETE, [objective.of_result(result) for objective in self.objectives])

    def _report_divergence(self, trial: optuna.Trial, result: Result) -> None:
        """A NaN at the step where it diverged: to the sampler a result, and the worst one."""
        trial.set_user_attr("reason", result.reason)
        epoch = result.folds[-1].epochs[-1]
        reported = epoch.number in self._frozen(trial).intermediate_values  # by the trial that this one repeats
        if len(self.objectives) == 1 and epoch.fold == 0 and not self.by_fold and not reported:
            trial.report(float("nan"), epoch.number)

    def _tell(self, running: Running, state: TrialState, values: list[float]) -> None:
        if running.snapshot:
            running.snapshot.keep_marks(running.trial)
        frozen = self.study.tell(running.trial, values or None, state=state)
        self.listener.ended(trial_record(frozen))

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        return self.mirror.get_trial(trial._trial_id)
