"""Running the trials of a tuner: in training processes, or in this one."""

import tempfile
import time
from contextlib import closing
from functools import partial
from multiprocessing import current_process
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError

import tuner.keras_tuner.errors as errors
from tuner.base.errors import first_line
from tuner.base.machine import cores, worker_count
from tuner.data.sources import Places
from tuner.keras_tuner.running import Running, Search, perform, run
from tuner.study.pruners import NoPruner, Percentile, make_pruner
from tuner.worker import make_executor
from tuner.worker.calls import Call, dump, pickled, respond
from tuner.worker.executor import Executor, Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Failure

PAUSE_SECONDS = 0.2


class Trials:
    """The trials of one call of `search`."""

    def __init__(self, tuner: Search, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.tuner, self.oracle, self.args, self.kwargs = tuner, tuner.oracle, args, kwargs
        self.log = print if kwargs.get("verbose", 1) else _silent
        self.epochs = int(kwargs.get("epochs", 1))
        self.running: dict[int, Running] = {}
        self.begun = 0

    def run(self) -> None:
        """Run them until the oracle stops. Raises what ends a search: a `FatalError`, or too many failures in a row."""
        assert self.oracle.study
        settings = Percentile() if self.tuner.pruner else NoPruner()
        self.oracle.study.pruner = make_pruner(settings, self.epochs, self.oracle.objective.direction == "max")
        try:
            with tempfile.TemporaryDirectory(prefix="tuner-") as folder:
                job = self._job(Path(folder) / "arguments")
                if job is None:
                    self._run_here()
                else:
                    with closing(self._executor()) as executor:
                        self._run_on(executor, job)
        finally:
            for each in self.running.values():
                self.oracle.interrupt(each.trial)

    def _job(self, path: Path) -> Call | None:
        """What training processes do; None where they do nothing, or cannot get what they need."""
        if self.tuner.workers == 0 or current_process().daemon:  # which cannot start others
            return None
        try:
            path.write_bytes(pickled((self.args, self.kwargs)))
            return Call(dump(partial(perform, self.tuner, path)))
        except Exception as error:  # objects raise what they like when they are pickled
            self.log(f"Trials run in this process, one at a time: others cannot get all of it ({first_line(error)})")
            return None

    def _executor(self) -> Executor:
        count, folder = worker_count(self.tuner.workers, self.log), Folder(Path(self.tuner.project_dir))
        return make_executor("processes", Setup(Places.from_environment(), count, max(1, cores() // count), folder))

    def _run_on(self, executor: Executor, job: Call) -> None:
        status = "RUNNING"
        while self.running or status != "STOPPED":
            while executor.free and status != "STOPPED" and (status := self._begin()) == "RUNNING":
                executor.submit(self.begun, job, partial(respond, self.running[self.begun], ()))  # type: ignore[arg-type]
            if not self.running:
                time.sleep(PAUSE_SECONDS)
            for number, answer in executor.answers(PAUSE_SECONDS):
                self._end(number, answer if isinstance(answer, Failure) else None)
            self.oracle.leases.renew()

    def _run_here(self) -> None:
        while (status := self._begin()) != "STOPPED":
            if status == "IDLE":
                time.sleep(PAUSE_SECONDS)
                continue
            running = self.running[self.begun]
            running.receive(run(self.tuner, running.trial, self.args, self.kwargs, running.watch))
            self._end(self.begun, None)

    def _begin(self) -> str:
        """Begin a trial if there is one; its status."""
        self.begun += 1
        trial = self.oracle.create_trial(f"{self.tuner.tuner_id}-{self.begun}")
        if trial.status == "RUNNING":
            self.running[self.begun] = Running(self.tuner, trial, self.epochs)
        return trial.status

    def _end(self, number: int, failure: Failure | None) -> None:
        running = self.running[number]
        trial, ended = running.trial, running.ended
        if ended is not None and ended.fatal:
            raise getattr(errors, ended.fatal)(ended.message)
        del self.running[number]
        if ended is None:
            trial.status = "INVALID"
            trial.message = f"{failure.traceback}\n{failure.reason}".strip() if failure else None
        else:
            trial.status, trial.message, trial.hyperparameters = ended.status, ended.message, ended.hyperparameters
        if ended is not None and ended.metrics is not None:  # one that failed may not have asked for all
            trial.asked = tuple(dict.fromkeys(ended.hyperparameters.asked)) or None  # it may have read `values`
            self.oracle.update_trial(trial.trial_id, ended.metrics, ended.step)
        try:
            self.oracle.end_trial(trial)
        except UpdateFinishedTrialError:
            trial.message = "another process has taken it over"
        finally:
            self._show(running)

    def _show(self, running: Running) -> None:
        trial, best = running.trial, self.oracle.get_best_trials()[0]
        what = f"{self.oracle.objective.name} {trial.score}"
        if trial.status != "COMPLETED":
            lines = (trial.message or "no reason").splitlines()
            what = f"failed: {[each for each in lines if each.strip() == each][-1]}"  # TensorFlow's end with an indented node
        stopped = " (stopped early)" if trial.is_pruned else ""
        so_far = f"; best so far {best.score} in trial {best.trial_id}" if best.score is not None else ""
        self.log(f"Trial {trial.trial_id} in {time.monotonic() - running.started:.1f} s: {what}{stopped}{so_far}")


def _silent(message: str) -> None:
    """Show nothing."""
