"""A study as it was when a trial began, for pruners whose judgement must not depend on timing."""

import optuna


class Snapshot:
    """What had been told of a study at one moment, in memory. A trial is judged among these and nothing later."""

    def __init__(self, study: optuna.Study) -> None:
        told = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
        self.study = optuna.create_study(
            study_name=study.study_name,
            directions=study.directions,
            pruner=study.pruner,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        self.study.add_trials([_figures_only(trial) for trial in told])
        self.shadow = self.study.ask()
        self.reported: set[int] = set()

    def should_prune(self, value: float, step: int) -> bool:
        """Whether the pruner would stop a trial that reports this here."""
        if step not in self.reported:
            self.reported.add(step)
            self.shadow.report(value, step)
        return self.shadow.should_prune()

    def keep_marks(self, trial: optuna.Trial) -> None:
        """Successive halving and Hyperband mark the rungs that a trial completed; later snapshots need the marks."""
        for name, value in self.study.get_trials(deepcopy=False)[self.shadow.number].system_attrs.items():
            if name.startswith("completed_rung_"):
                trial.study._storage.set_trial_system_attr(trial._trial_id, name, value)


def _figures_only(trial: optuna.trial.FrozenTrial) -> optuna.trial.FrozenTrial:
    """The trial without parameters and attributes, which pruners do not read."""
    values = trial.values if trial.state == optuna.trial.TrialState.COMPLETE else None
    return optuna.trial.create_trial(
        state=trial.state,
        values=values,
        intermediate_values=trial.intermediate_values,
        system_attrs={name: value for name, value in trial.system_attrs.items() if name.startswith("completed_rung_")},
    )
