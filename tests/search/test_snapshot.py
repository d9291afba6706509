"""A study as it was when a trial began: what its pruner judges by."""

import optuna
from optuna.trial import TrialState, create_trial

from tuner.search.view import Snapshot
from tuner.storage.trainings import trainings_of


def halving_study() -> optuna.Study:
    """Four trainings: one ended, one running, one that paused and went on, one to be judged. Its name decides brackets."""
    study = optuna.create_study(
        study_name="brackets",
        direction="maximize",
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3),
    )
    running = TrialState.RUNNING
    study.add_trial(create_trial(state=TrialState.COMPLETE, value=0.5, intermediate_values={1: 0.4, 2: 0.5}))
    study.add_trial(create_trial(state=running, intermediate_values={1: 0.9}))
    study.add_trial(
        create_trial(state=TrialState.FAIL, user_attrs={"ended": "interrupted"}, intermediate_values={1: 0.3})
    )
    study.add_trial(create_trial(state=running))
    study.add_trial(create_trial(state=running, user_attrs={"continues": 2}, intermediate_values={1: 0.3}))
    return study


def test_a_trial_has_the_number_there_that_its_training_has_here() -> None:
    """By it Hyperband chooses the bracket: crc32 of the study's name and the trial's number."""
    study = halving_study()
    trainings = trainings_of(study.trials)
    for place, first in enumerate((0, 1, 2, 3)):
        snapshot = Snapshot(study, trainings, first)
        assert snapshot.study.study_name == "brackets"
        assert snapshot.shadow.number == place


def test_running_trials_of_others_count_as_failed() -> None:
    study = halving_study()
    copies = Snapshot(study, trainings_of(study.trials), first=3).study.trials
    assert [trial.state.name for trial in copies] == ["COMPLETE", "FAIL", "FAIL", "RUNNING"]
    assert [trial.intermediate_values for trial in copies[:2]] == [{1: 0.4, 2: 0.5}, {}]


def test_marks_of_rungs_are_kept_for_later_judgements() -> None:
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    )
    for _ in range(2):
        study.ask()
    first, second = (Snapshot(study, trainings_of(study.trials), number) for number in (0, 1))
    assert not first.should_prune(0.9, 1)
    first.store_marks(optuna.trial.Trial(study, study.trials[0]._trial_id))
    assert "completed_rung_0" in study.trials[0].system_attrs
    assert not second.should_prune(0.1, 1), "the snapshot is older than the mark"
    ended = study.trials[0]
    study.tell(ended.number, 0.9)
    assert Snapshot(study, trainings_of(study.trials), 1).should_prune(0.1, 1)
