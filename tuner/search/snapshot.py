"""A copy of a study at one moment, in memory, for pruning that must not depend on timing or interruptions."""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.storage import private
from tuner.storage.trainings import StoredTraining


class Snapshot:
    """The results of a study at one moment, by which the training that began as trial `first` is judged. Each training is one
    trial here, numbered by its place: Hyperband chooses a bracket by this number, so that it is the same with and without
    interruptions."""

    def __init__(self, study: optuna.Study, trainings: Sequence[StoredTraining], first: int) -> None:
        self.study = optuna.create_study(
            study_name=study.study_name,
            directions=study.directions,
            pruner=study.pruner,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        own = next(index for index, training in enumerate(trainings) if training.first == first)
        self.study.add_trials(
            [_values_only(training.last, is_own=index == own) for index, training in enumerate(trainings)]
        )
        self.shadow = private.open_trial(self.study, self.study.get_trials(deepcopy=False)[own])
        self.reported = set(trainings[own].last.intermediate_values)

    def should_prune(self, value: float, step: int) -> bool:
        """Report a value of the training; whether the pruner would stop it."""
        if step not in self.reported:
            self.reported.add(step)
            self.shadow.report(value, step)
        return self.shadow.should_prune()

    def store_marks(self, trial: optuna.Trial) -> None:
        """Copy the marks of completed rungs, which successive halving and Hyperband set, to the trial: later snapshots need them."""
        for name, value in _marks(private.frozen(self.shadow)).items():
            private.store_mark(trial, name, value)


def _values_only(trial: FrozenTrial, is_own: bool) -> FrozenTrial:
    """The trial without parameters and attributes, which pruners do not read; another running trial counts as failed."""
    if is_own:
        values, marks = trial.intermediate_values, _marks(trial)
        return create_trial(state=TrialState.RUNNING, intermediate_values=values, system_attrs=marks)
    if not trial.state.is_finished():
        return create_trial(state=TrialState.FAIL)
    return create_trial(
        state=trial.state,
        values=trial.values if trial.state == TrialState.COMPLETE else None,
        intermediate_values=trial.intermediate_values,
        system_attrs=_marks(trial),
    )


def _marks(trial: FrozenTrial) -> dict[str, object]:
    return {name: value for name, value in trial.system_attrs.items() if name.startswith("completed_rung_")}
