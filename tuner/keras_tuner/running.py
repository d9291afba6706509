"""A trial that runs: its end in the search, and its end in the process that runs it."""

import pickle
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import tuner.keras_tuner.errors as errors
from tuner.keras_tuner.hypermodel import HyperModel
from tuner.keras_tuner.hyperparameters import HyperParameters
from tuner.keras_tuner.objective import metrics_of
from tuner.keras_tuner.oracle import Oracle
from tuner.keras_tuner.trial import Trial
from tuner.search.proposals import seed_of_trial

PACKAGE = str(Path(__file__).parent)


class Search(Protocol):
    """What a tuner is to its trials."""

    oracle: Oracle
    hypermodel: HyperModel | None
    max_model_size: int | None
    optimizer: Any
    loss: Any
    metrics: Any
    tuner_id: str | None
    executions_per_trial: int
    workers: int | str
    pruner: str | None
    watch: Callable[..., bool]

    @property
    def project_dir(self) -> str: ...

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any: ...

    def checkpoint(self, trial_id: str) -> Path: ...

    def get_trial_dir(self, trial_id: str) -> str: ...


@dataclass(frozen=True)
class Ended:
    """How a trial ended in its process. `fatal` is the name of the error that ends the search."""

    status: str
    hyperparameters: HyperParameters
    metrics: Mapping[str, float] | None = None
    step: int = 0
    message: str | None = None
    fatal: str = ""


class Running:
    """A trial that runs. Its process calls `watch` after each epoch, and `receive` when it has ended."""

    def __init__(self, tuner: Search, trial: Trial, epochs: int) -> None:
        self.oracle, self.trial, self.epochs, self.started = tuner.oracle, trial, epochs, time.monotonic()
        self.ended: Ended | None = None

    def watch(self, execution: int, epoch: int, logs: Mapping[str, float]) -> bool:
        """Report an epoch (from 1); whether the training goes on. Only the first execution is compared with other trials."""
        self.oracle.leases.renew()
        held, objective = self.oracle.held[self.trial.trial_id], self.oracle.objective
        if execution == 0 and objective.has_value(logs):
            held.report(objective.get_value(logs), epoch)
            self.trial.is_pruned = epoch < self.epochs and held.should_prune()
        return not self.trial.is_pruned

    def receive(self, ended: Ended) -> None:
        """Take what came of the trial."""
        self.ended = ended


def run(tuner: Search, trial: Trial, args: Any, kwargs: Any, watch: Callable[..., bool]) -> Ended:
    """Run a trial. An error becomes a part of its end."""
    hp, tuner.watch, oracle = trial.hyperparameters, watch, tuner.oracle
    try:
        returned = tuner.run_trial(trial, *args, **kwargs)
        if returned is None and trial.trial_id in oracle.received:  # by `oracle.update_trial`
            metrics = oracle.received.pop(trial.trial_id)
            return Ended("COMPLETED", hp, metrics, int(metrics.pop("best_step")))
        return Ended("COMPLETED", hp, *metrics_of(returned, oracle.objective, "Tuner.run_trial()"))
    except Exception as error:  # stored with the trial; the study continues
        status = "FAILED" if isinstance(error, errors.FailedTrialError) else "INVALID"
        return Ended(status, hp, message=_own_lines(error), fatal=errors.fatal(error))


def perform(tuner: Search, arguments: Path, running: Any) -> float:
    """Run a trial in a training process. `running` stands for a `Running` of the search."""
    import keras

    args, kwargs = _loaded(arguments)
    trial = running.trial
    keras.utils.set_random_seed(seed_of_trial(tuner.oracle.seed, 0, int(trial.trial_id)))
    running.receive(run(tuner, trial, args, kwargs, running.watch))
    return 0.0


@lru_cache(maxsize=1)
def _loaded(path: Path) -> Any:
    """The arguments of `search`, read once in a process."""
    return pickle.loads(path.read_bytes())


def _own_lines(error: Exception) -> str:
    """The traceback of an error without our lines."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(PACKAGE)]
    return "".join([*traceback.format_list(frames), *traceback.format_exception_only(error)]).strip()
