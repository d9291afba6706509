"""KerasTuner's `Oracle` over a study in Optuna's storage: which trial is next, and what came of each. All that it knows is in the
storage, so any number of scripts that share the folder may work on one project."""

import json
import math
import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.keras_tuner.hyperparameters import HyperParameters
from tuner.keras_tuner.objective import objective_of
from tuner.keras_tuner.trial import VALUES, Trial, id_of, stored_trial, suggested
from tuner.search.studies import delete_study
from tuner.storage import default_url, open_storage, private
from tuner.storage.leases import Leases
from tuner.storage.records import store_failure

ABOUT, SPACE = "keras_tuner", "keras_tuner:space"
"""Attributes of a study: the kind of search, and its space."""


def synchronized(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of an oracle that one thread at a time is in; nor is one in another such method of this oracle."""

    @wraps(method)
    def call(self: "Oracle", *args: Any, **kwargs: Any) -> Any:
        with self.lock or nullcontext():  # a training process has one thread
            return method(self, *args, **kwargs)

    return call


class Oracle:
    """What a search knows. A subclass proposes values in `populate_space`. `open_project` gives it a study."""

    study: optuna.Study | None = None
    leases: Leases

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        seed: int | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        if hyperparameters is None and not (allow_new_entries and tune_new_entries):
            name = "allow_new_entries" if tune_new_entries else "tune_new_entries"
            raise ValueError(f"With `{name}=False` pass the search space as `hyperparameters`")
        self.objective, self.max_trials = objective_of(objective), max_trials
        self.hyperparameters = HyperParameters() if hyperparameters is None else hyperparameters
        self.allow_new_entries, self.tune_new_entries = allow_new_entries, tune_new_entries
        self.seed = random.randint(1, 10_000) if seed is None else seed
        self.max_retries, self.max_failures = max_retries_per_trial, max_consecutive_failed_trials
        self.ongoing_trials: dict[str, Trial] = {}
        self.held: dict[str, optuna.Trial] = {}
        self.received: dict[str, dict[str, float]] = {}
        self.ended: dict[int, Trial] = {}  # by the number of the run
        self.lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Training processes have no study."""
        absent = dict.fromkeys(("study", "leases", "lock"))
        return {**vars(self), **absent, "held": {}, "ongoing_trials": {}, "ended": {}}

    def open_project(self, directory: Path, name: str, *, overwrite: bool = False) -> bool:
        """Open or create the study `name` in the storage of this folder; whether there was one. Raises `RuntimeError` for a study
        that another kind of search began."""
        directory.mkdir(parents=True, exist_ok=True)
        storage = open_storage(default_url(directory))
        if overwrite:
            delete_study(storage, name, directory)
            shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).mkdir(exist_ok=True)
        is_old = name in optuna.get_all_study_names(storage)
        direction = StudyDirection.MAXIMIZE if self.objective.direction == "max" else StudyDirection.MINIMIZE
        about = {"oracle": type(self).__name__, "objective": list(self.objective.names)}
        if is_old:
            stored = optuna.load_study(study_name=name, storage=storage).user_attrs.get(ABOUT, "another kind of study")
            if stored != about:
                cure = "choose another `project_name`, or pass `overwrite=True`, which deletes it"
                raise RuntimeError(f"The project {name!r} in {directory} is {stored}, not {about}: {cure}")
        self.study = optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
        self.study.set_user_attr(ABOUT, about)
        self.leases = Leases(self.study)
        if plain := private.system_attributes(self.study).get(SPACE):
            self.hyperparameters = HyperParameters.from_config(json.loads(plain))
        return is_old

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials by their ids, in the order in which they began; of one that ran again the last run."""
        runs = self.stored()
        if self.study and self.leases.sweep(runs):
            runs = self.stored()
        for each in runs:
            if each.number not in self.ended and each.state.is_finished():
                self.ended[each.number] = stored_trial(each)
        return {id_of(each): self.ended.get(each.number) or stored_trial(each) for each in runs}

    def stored(self) -> list[FrozenTrial]:
        """The runs of trials in the storage."""
        return self.study.get_trials(deepcopy=False) if self.study else []

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with this id."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The completed trials, best first; then the others."""
        trials, sign = list(self.trials.values()), -1 if self.objective.direction == "max" else 1
        completed = [each for each in trials if each.status == "COMPLETED" and each.score is not None]
        others = [each for each in trials if each not in completed]
        return [*sorted(completed, key=lambda each: sign * (each.score or 0.0)), *others][:num_trials]

    def get_space(self) -> HyperParameters:
        """The search space as it is known now."""
        return self.hyperparameters.copy()

    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Add what a function asked for. Raises `RuntimeError` for something new where that is not allowed."""
        known = {(each.name, each.conditions) for each in self.hyperparameters.space}
        new = [each for each in hyperparameters.space if (each.name, each.conditions) not in known]
        if new and not self.allow_new_entries:
            names = ", ".join(each.name for each in new)
            raise RuntimeError(f"`allow_new_entries` is `False`, but the model asks for what is not listed: {names}")
        if new and self.tune_new_entries:
            self.hyperparameters.merge(new)
            if self.study:
                private.store_system_attribute(self.study, SPACE, json.dumps(self.hyperparameters.get_config()))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The `status` RUNNING with the `values` of the next trial; IDLE: none before a trial has ended; STOPPED: none."""
        raise NotImplementedError

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial of this tuner, which has one at a time: one that has to run again, or a new one."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        trials, hyperparameters = self.trials, self.get_space()
        again = next((each for each in trials.values() if each.status == "INVALID"), None)
        if again is not None:
            trial = Trial(again.trial_id, again.hyperparameters)
        else:
            is_full = self.max_trials is not None and len(trials) >= self.max_trials
            answer: dict[str, Any] = {"status": "STOPPED"} if is_full else self.populate_space(str(len(trials)))
            hyperparameters.values = dict(answer.get("values") or {})
            trial = Trial("", hyperparameters, answer["status"])
        if trial.status == "RUNNING":
            self._begin(trial)
            self.ongoing_trials[tuner_id] = trial
        return trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Store metrics of a trial, unless it had better ones. Raises `ValueError` without the objective."""
        name, before = self.objective.name, self.received.get(trial_id)
        if not self.objective.has_value(metrics):
            raise ValueError(f"Objective value missing: expected {self.objective.names}, got {sorted(metrics)}")
        value = self.objective.get_value(metrics)
        if before is None or self.objective.better_than(value, before[name]):
            self.received[trial_id] = {**metrics, name: value, "best_step": step}

    def end_trial(self, trial: Trial) -> None:
        """Store how a trial ended, by its `status` and `message`. Raises `RuntimeError` after too many failures in a row."""
        self.update_space(trial.hyperparameters)
        metrics = self.received.pop(trial.trial_id, {})
        trial.best_step, trial.metrics = int(metrics.pop("best_step", 0)), metrics
        trial.score = metrics.get(self.objective.name)
        if trial.status == "COMPLETED" and (trial.score is None or math.isnan(trial.score)):
            trial.status, trial.message = "INVALID", trial.message or f"{self.objective.name} is {trial.score}"
        failures = [each for each in self.stored() if id_of(each) == trial.trial_id and "status" in each.user_attrs]
        if trial.status == "INVALID" and len(failures) >= self.max_retries:
            trial.status = "FAILED"
        held = self._release(trial)
        private.store_mark(held, VALUES, trial.to_json())
        held.set_user_attr("status", trial.status)
        if trial.message:
            held.set_user_attr("reason", trial.message)
        ended = TrialState.PRUNED if trial.is_pruned else TrialState.COMPLETE
        ended = ended if trial.status == "COMPLETED" else TrialState.FAIL
        held.study.tell(held, trial.score if ended is TrialState.COMPLETE else None, state=ended)
        self._check_failures(trial)

    def interrupt(self, trial: Trial) -> None:
        """End a trial that has not ended; it will run again."""
        held = self._release(trial)
        store_failure(held, "its search was ended", ended="interrupted")
        held.study.tell(held, state=TrialState.FAIL)

    def reload(self) -> None:
        """Do nothing: each trial is stored when it ends, and read where it is needed."""

    save = reload

    def remaining_trials(self) -> int | None:
        """How many more trials may begin; None without a limit."""
        return None if self.max_trials is None else self.max_trials - len(self.trials)

    def _begin(self, trial: Trial) -> None:
        assert self.study
        as_optuna = suggested(trial.hyperparameters)
        template = create_trial(
            state=TrialState.RUNNING,
            params=as_optuna.params,
            distributions=as_optuna.distributions,
            user_attrs={"lease": self.leases.lease()} | ({"again": trial.trial_id} if trial.trial_id else {}),
            system_attrs={VALUES: trial.to_json()},
        )
        held = private.begin(self.study, template)
        trial.trial_id = trial.trial_id or id_of(private.frozen(held))
        self.held[trial.trial_id] = held
        self.leases.hold(held)

    def _release(self, trial: Trial) -> optuna.Trial:
        self.ongoing_trials = {
            key: each for key, each in self.ongoing_trials.items() if each.trial_id != trial.trial_id
        }
        held = self.held.pop(trial.trial_id)
        self.leases.release(held.number)
        return held

    def _check_failures(self, trial: Trial) -> None:
        """KerasTuner's rule: so many trials in a row, in the order of their ends, have failed."""
        ends = [(run.datetime_complete, run.user_attrs.get("status")) for run in self.stored() if run.datetime_complete]
        statuses = [status for _, status in sorted(ends, key=lambda end: end[0]) if status in ("COMPLETED", "FAILED")]
        if statuses[-self.max_failures :] == ["FAILED"] * self.max_failures:
            raise RuntimeError(
                f"Number of consecutive failures reached the limit of {self.max_failures}.\n{trial.message}"
            )
