"""What Optuna has no public names for, all of it: beginning a trial that is complete from birth, taking up a waiting one,
and the system attributes of a study. No other file names Optuna's private things."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


def begin(study: optuna.Study, template: FrozenTrial) -> optuna.Trial:
    """Create a running trial with everything that `template` has, in one write: no other process ever sees it half."""
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id, template))


def claim(study: optuna.Study, waiting: FrozenTrial) -> optuna.Trial | None:
    """Take a waiting trial; None if another process was faster."""
    if study._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING):
        return optuna.Trial(study, waiting._trial_id)
    return None


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """A trial as the storage has it."""
    return trial.study._storage.get_trial(trial._trial_id)


def open_trial(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """A trial of somebody else's, to be written to."""
    return optuna.Trial(study, trial._trial_id)


def store_mark(trial: optuna.Trial, name: str, value: Any) -> None:
    """Keep a pruner's mark with a trial."""
    trial.study._storage.set_trial_system_attr(trial._trial_id, name, value)


def trial_id(trial: FrozenTrial) -> int:
    """What the storage, and optuna-dashboard with it, knows the trial by."""
    return trial._trial_id


def storage_of(study: optuna.Study) -> BaseStorage:
    """The storage that a study lies in."""
    return study._storage


def system_attributes(study: optuna.Study) -> Mapping[str, Any]:
    """What Optuna and optuna-dashboard keep with a study: counters of samplers, notes, plots, artifacts."""
    return study._storage.get_study_system_attrs(study._study_id)


def store_system_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Keep one of them."""
    study._storage.set_study_system_attr(study._study_id, name, value)
