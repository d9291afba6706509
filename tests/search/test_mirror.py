"""The mirror: what is read through it is what the storage has, and nothing that is written gets lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.search import mirror as module
from tuner.search.mirror import Mirror, mirrored
from tuner.search.window import in_window
from tuner.storage import default_url, open_storage


@pytest.fixture
def study(tmp_path: Path) -> Iterator[optuna.Study]:
    """A study in an embedded storage of the test's own."""
    storage = open_storage(default_url(tmp_path))
    yield optuna.create_study(storage=storage, study_name="s", direction="maximize")
    storage.engine.dispose()  # type: ignore[attr-defined]


def figures(trial: FrozenTrial) -> dict[str, Any]:
    """Everything of a trial but its times, which storages round."""
    return {key: value for key, value in vars(trial).items() if "datetime" not in key}


def run_one(study: optuna.Study, x: float) -> None:
    """A trial with everything that a trial can have."""
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr("key", {"deep": [1, 2]})
    trial.report(x / 2, 1)
    trial.report(x, 2)
    study.tell(trial, x)


def test_what_is_written_through_a_mirror_is_read_alike_on_both_sides(study: optuna.Study) -> None:
    ours, mirror = mirrored(study)
    study.enqueue_trial({"x": 0.25})
    for x in (0.1, 0.9, 0.4):
        run_one(ours, x)
    left = ours.ask()
    left.report(0.5, 3)
    mirror.flush()
    stored = study.get_trials()
    assert [trial.state.name for trial in stored] == ["COMPLETE"] * 3 + ["RUNNING"]
    assert stored[0].params == {"x": 0.25}
    assert [figures(trial) for trial in ours.get_trials()] == [figures(trial) for trial in stored]
    assert ours.best_trial.number == 1


def test_trials_of_others_are_seen(study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYNC_SECONDS", 0.0)
    ours, mirror = mirrored(study)
    run_one(ours, 0.3)
    run_one(study, 0.7)
    assert [trial.value for trial in ours.get_trials()] == [0.3, 0.7]
    theirs = study.ask()
    assert ours.get_trials()[2].state == TrialState.RUNNING
    study.tell(theirs, state=TrialState.FAIL)
    assert ours.get_trials()[2].state == TrialState.FAIL
    mirror.flush()


def test_two_mirrors_take_a_waiting_trial_once(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5})
    one, two = mirrored(study)[0], mirrored(study)[0]
    assert one.get_trials()[0].state == two.get_trials()[0].state == TrialState.WAITING
    taken = [each.ask().suggest_float("x", 0, 1) for each in (one, two)]
    assert taken[0] == 0.5
    assert [trial.number for trial in study.get_trials()] == [0, 1]


def test_a_trial_set_aside_looks_pruned_until_it_goes_on(study: optuna.Study) -> None:
    ours, mirror = mirrored(study)
    trial = ours.ask()
    trial.report(0.5, 1)
    mirror.set_aside(trial._trial_id)
    assert [each.state for each in ours.get_trials()] == [TrialState.PRUNED]
    assert mirror.get_trial(trial._trial_id).state == TrialState.RUNNING
    mirror.take_up(trial._trial_id)
    assert [each.state for each in ours.get_trials()] == [TrialState.RUNNING]
    mirror.set_aside(trial._trial_id)
    ours.tell(trial, 0.9)
    mirror.flush()
    assert [each.state for each in study.get_trials()] == [TrialState.COMPLETE]


def test_a_failed_write_is_not_lost(study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, mirror = mirrored(study)
    trial = ours.ask()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(mirror.backend, "set_trial_user_attr", fail)
    trial.set_user_attr("a", 1)
    with pytest.raises(OSError, match="disk is full"):
        mirror.flush()


def test_a_mirror_is_a_whole_storage(study: optuna.Study) -> None:
    mirror: BaseStorage = Mirror(study._storage, study._study_id)
    same = optuna.load_study(study_name="s", storage=mirror)
    same.set_user_attr("a", 1)
    assert same.user_attrs == study.user_attrs == {"a": 1}
    assert same.direction == study.direction


def ended(number: int, value: float, state: TrialState) -> FrozenTrial:
    """A trial with a value, or with an intermediate one."""
    trial = create_trial(
        state=state,
        value=value if state == TrialState.COMPLETE else None,
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0, 1)},
        intermediate_values={1 + number % 5: value},
    )
    trial.number = number
    return trial


def test_a_window_has_the_best_the_running_and_a_fair_sample() -> None:
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    trials = [ended(number, (number * 37 % 1000) / 1000, states[number % 3]) for number in range(1000)]
    running = create_trial(state=TrialState.RUNNING)
    running.number = 1000
    seen = in_window([*trials, running], maximize=True, size=200, best=40)
    assert len(seen) == 201
    assert [trial.number for trial in seen] == sorted(trial.number for trial in seen)
    assert seen[-1] is running
    complete = sorted((t for t in trials if t.state == TrialState.COMPLETE), key=lambda t: -t.values[0])
    assert {trial.number for trial in complete[:40]} <= {trial.number for trial in seen}
    rest = [trial.number for trial in seen[:-1] if trial not in complete[:40]]
    assert 350 < sum(rest) / len(rest) < 650
    assert seen == in_window([*trials, running], maximize=True, size=200, best=40)
    assert in_window(trials[:200], maximize=True, size=200) == trials[:200]


def test_the_sampler_takes_the_same_good_trials_through_the_window() -> None:
    """TPE's split into good trials and others: the good ones must not change."""
    from optuna.samplers._tpe.sampler import _split_trials

    study = optuna.create_study(direction="maximize")
    states = [TrialState.COMPLETE] * 2 + [TrialState.PRUNED] * 98
    trials = [ended(number, (number * 37 % 1000) / 1000, states[number % 100]) for number in range(1000)]
    whole, _ = _split_trials(study, trials, 25)
    windowed, _ = _split_trials(study, in_window(trials, maximize=True), 25)
    assert [trial.number for trial in whole] == [trial.number for trial in windowed]
