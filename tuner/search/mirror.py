"""A storage with a memory: what a search reads a hundred times a trial it reads from here, and what it writes is written
behind its back, in order.

Samplers and pruners read every trial again for each parameter and each report. Optuna's own cache reads the running
trials from the database each time; here the trials that this process runs are remembered as they were written, and the
others are looked up at most once in `SYNC_SECONDS`. A trial takes some thirty writes of about one millisecond in SQLite
and three in PostgreSQL: a thread does them while the search goes on.
"""

import copy
import time
from collections import deque
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

SYNC_SECONDS = 1.0


def mirrored(study: optuna.Study) -> "tuple[optuna.Study, Mirror]":
    """The same study, read through a mirror, and the mirror. Sampler and pruner come along."""
    mirror = Mirror(study._storage, study._study_id)
    same = optuna.load_study(study_name=study.study_name, storage=mirror, pruner=study.pruner, sampler=study.sampler)
    return same, mirror


class Mirror(BaseStorage):
    """One study of a storage, for one thread. A trial that was created or taken from the queue through this mirror is ours:
    it is read from memory and written behind. A write that failed is raised by the next call, or by `flush`.

    A trial that is *set aside* has been trained for a while and may go on later. To samplers and pruners it looks
    pruned: a result so far, and not a trial about which nothing is known.
    """

    def __init__(self, backend: BaseStorage, study_id: int) -> None:
        self.backend = backend
        self.study_id = study_id
        self.name = backend.get_study_name_from_id(study_id)
        self.directions = backend.get_study_directions(study_id)
        self.trials: dict[int, FrozenTrial] = {}
        self.ours: dict[int, FrozenTrial] = {}
        self.aside: set[int] = set()
        self.synced = float("-inf")
        self.writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self.writes: deque[Future[Any]] = deque()

    def flush(self) -> None:
        """Wait until the storage has everything."""
        while self.writes:
            self.writes.popleft().result()

    def set_aside(self, trial_id: int) -> None:
        """Show one of our running trials as pruned, until `take_up`."""
        self.aside.add(trial_id)

    def take_up(self, trial_id: int) -> None:
        """Show it as running again."""
        self.aside.discard(trial_id)

    # Reading trials

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """All trials in the order of their numbers."""
        if time.monotonic() - self.synced > SYNC_SECONDS:
            self._sync()
        shown = [self._shown(self.trials[number]) for number in sorted(self.trials)]
        chosen = [trial for trial in shown if states is None or trial.state in states]
        return copy.deepcopy(chosen) if deepcopy else chosen

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """One trial; ours from memory."""
        return _apart(self.ours[trial_id]) if trial_id in self.ours else self.backend.get_trial(trial_id)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """The trial's id, from memory where it is known."""
        known = self.trials.get(trial_number)
        found = self.backend.get_trial_id_from_study_id_trial_number
        return found(study_id, trial_number) if known is None else known._trial_id

    def _sync(self) -> None:
        for trial in self._now(self.backend.get_all_trials, self.study_id, False):
            if trial._trial_id not in self.ours:
                self.trials[trial.number] = trial
        self.synced = time.monotonic()

    def _shown(self, trial: FrozenTrial) -> FrozenTrial:
        if trial._trial_id not in self.aside:
            return trial
        shown = copy.copy(trial)
        shown.state = TrialState.PRUNED
        return shown

    # Writing trials

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """A new trial; a running one is ours."""
        trial_id: int = self._now(self.backend.create_new_trial, study_id, template_trial)
        if template_trial is None:
            self._adopt(trial_id)
        else:
            self._forget_sync()
        return trial_id

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Take a waiting trial (False if another process was faster), or end a running one."""
        self.take_up(trial_id)
        if state == TrialState.RUNNING or trial_id not in self.ours:
            done: bool = self._now(self.backend.set_trial_state_values, trial_id, state, values)
            self._forget_sync()
            if done and state == TrialState.RUNNING:
                self._adopt(trial_id)
            return done
        self.check_trial_is_updatable(trial_id, self.ours[trial_id].state)
        self._soon(self.backend.set_trial_state_values, trial_id, state, values)
        trial = _apart(self.ours[trial_id])
        trial.state, trial.datetime_complete = state, datetime.now()
        trial.values = list(values) if values is not None else None
        self._keep(trial)
        return True

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Keep one parameter."""
        self._soon(self.backend.set_trial_param, trial_id, param_name, param_value_internal, distribution)
        if trial_id in self.ours:
            trial = _apart(self.ours[trial_id])
            trial.distributions[param_name] = distribution
            trial.params[param_name] = distribution.to_external_repr(param_value_internal)
            self._keep(trial)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Keep what was reported at a step."""
        self._soon(self.backend.set_trial_intermediate_value, trial_id, step, intermediate_value)
        if trial_id in self.ours:
            trial = _apart(self.ours[trial_id])
            trial.intermediate_values[step] = intermediate_value
            self._keep(trial)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep an attribute of ours."""
        self._soon(self.backend.set_trial_user_attr, trial_id, key, value)
        if trial_id in self.ours:
            trial = _apart(self.ours[trial_id])
            trial.user_attrs[key] = value
            self._keep(trial)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep an attribute of Optuna's."""
        self._soon(self.backend.set_trial_system_attr, trial_id, key, value)
        if trial_id in self.ours:
            trial = _apart(self.ours[trial_id])
            trial.system_attrs[key] = value
            self._keep(trial)

    def _adopt(self, trial_id: int) -> None:
        """Read a trial as the backend has it now, and remember it as ours from here on."""
        self._keep(copy.deepcopy(self._now(self.backend.get_trial, trial_id)))

    def _keep(self, trial: FrozenTrial) -> None:
        self.ours[trial._trial_id] = self.trials[trial.number] = trial

    def _now(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """The call's answer, after all earlier writes."""
        answer = self.writer.submit(call, *arguments)
        self.flush()
        return answer.result()

    def _soon(self, call: Callable[..., Any], *arguments: Any) -> None:
        while self.writes and self.writes[0].done():
            self.writes.popleft().result()
        self.writes.append(self.writer.submit(call, *arguments))

    def _forget_sync(self) -> None:
        self.synced = float("-inf")

    # The study itself

    def get_study_id_from_name(self, study_name: str) -> int:
        return self.study_id if study_name == self.name else self.backend.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self.name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self.directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self.backend.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self.backend.get_study_system_attrs(study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self.backend.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self.backend.set_study_system_attr(study_id, key, value)

    def get_all_studies(self) -> list[Any]:
        return self.backend.get_all_studies()

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        return self.backend.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self.backend.delete_study(study_id)


def _apart(trial: FrozenTrial) -> FrozenTrial:
    """A copy whose own dictionaries can be written to: others may hold the trial as it was."""
    apart = copy.copy(trial)
    apart.params, apart.distributions = dict(trial.params), dict(trial.distributions)
    apart.user_attrs, apart.system_attrs = dict(trial.user_attrs), dict(trial.system_attrs)
    apart.intermediate_values = dict(trial.intermediate_values)
    return apart
