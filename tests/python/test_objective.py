"""An Optuna objective in training processes: what it asks, returns, raises and leaves, and where it is refused."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import optuna
import pytest

import tuner
from tuner.base.errors import StudyError, TunerError
from tuner.storage import default_url, open_storage
from tuner.storage.leases import Leases

EXAMPLE = 'tuner.optimize(objective, optuna.create_study(direction="maximize"), trials=100)'


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Optuna without its messages."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def study_with(pruner: optuna.pruners.BasePruner | None = None, directions: int = 1) -> optuna.Study:
    """A study in memory."""
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(pruner=pruner, sampler=sampler, directions=["minimize"] * directions)


def test_every_kind_of_trial_ends_as_optuna_ends_it(tmp_path: Path) -> None:
    """One search, since processes take a second to start: a value, a pruned trial, an exception, an exit, a bad value, a death."""
    study, offset = study_with(optuna.pruners.ThresholdPruner(upper=1.0)), 10

    def objective(trial: optuna.Trial) -> float:
        print("trial", trial.number)
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.set_user_attr("process", os.getpid())
        assert trial.params == {"x": x}
        assert trial.study.directions == [optuna.study.StudyDirection.MINIMIZE]
        match trial.number:
            case 1:
                trial.report(5.0, 1)
                if trial.should_prune():
                    raise optuna.TrialPruned("too large")
            case 2:
                trial.suggest_int("x", 0, 1)
            case 3:
                sys.exit("no more")
            case 4:
                return float("nan")
            case 5:
                os.kill(os.getpid(), signal.SIGKILL)
            case 6:
                return "text"  # type: ignore[return-value]
        return x + offset

    ended: list[int] = []
    callbacks = [lambda _, trial: ended.append(trial.number)]
    assert tuner.optimize(objective, study, trials=8, workers=1, runs=tmp_path, callbacks=callbacks) is study
    trials = study.trials
    assert [each.state.name for each in trials] == ["COMPLETE", "PRUNED", *["FAIL"] * 5, "COMPLETE"]
    assert trials[0].value == trials[0].params["x"] + 10
    assert trials[1].value == 5.0
    reasons = [each.user_attrs.get("reason", "") for each in trials]
    assert reasons[2].startswith("ValueError: ")
    assert reasons[3:5] == ["SystemExit: no more", "the objective returned (nan,)"]
    assert reasons[5].startswith("its process was ended by SIGKILL")
    assert reasons[6] == "the function returned 'text', which is no number"
    assert 'trial.suggest_int("x", 0, 1)' in trials[2].user_attrs["traceback"]
    assert "calls.py" not in trials[2].user_attrs["traceback"].splitlines()[1]
    processes = {each.user_attrs["process"] for each in trials}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert ended == list(range(8))
    (log,) = tmp_path.rglob("worker-1.log")
    assert "trial 7" in log.read_text()
    tuner.optimize(objective, study, trials=8, workers=1, runs=tmp_path)
    assert len(study.trials) == 8


def test_a_study_of_several_objectives_stops_from_within(tmp_path: Path) -> None:
    study = study_with(directions=2)

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        callback = tuner.PruningCallback(trial, ("loss", "error"))
        callback.set_params({"epochs": 1})
        callback.on_train_begin()
        callback.on_epoch_end(0, {"loss": 1.0, "error": 2.0})
        trial.study.stop()
        return callback.values[0], callback.values[1]

    tuner.optimize(objective, study, trials=50, workers=1, runs=tmp_path)
    assert [each.values for each in study.trials] == [[1.0, 2.0]]
    assert study.trials[0].user_attrs["error"]["curve"] == {"1": 2.0}


def test_an_objective_that_always_fails_ends_the_search(tmp_path: Path) -> None:
    def objective(trial: optuna.Trial) -> float:
        raise RuntimeError("broken")

    with pytest.raises(StudyError, match="the objective failed 10 times in a row: RuntimeError: broken"):
        tuner.optimize(objective, study_with(), trials=50, workers=1, runs=tmp_path)


def test_ctrl_c_queues_the_running_trial_for_the_next_call(tmp_path: Path) -> None:
    search, study = os.getpid(), study_with()

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 0:
            os.kill(search, signal.SIGINT)
            time.sleep(100)
        return x

    tuner.optimize(objective, study, trials=2, workers=1, runs=tmp_path)
    assert [each.state.name for each in study.trials] == ["FAIL", "WAITING"]
    assert study.trials[0].user_attrs["reason"] == "the call was ended"
    tuner.optimize(objective, study, trials=2, workers=1, runs=tmp_path)
    assert [each.state.name for each in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].value == study.trials[0].params["x"]


def test_the_trials_of_a_process_that_is_gone_are_queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.python.objective.Leases", partial(Leases, seconds=2.0))
    study = optuna.create_study(storage=open_storage(default_url(tmp_path)))
    lost = study.ask({"x": optuna.distributions.FloatDistribution(0.0, 1.0)})
    lost.set_user_attr("lease", {**Leases(study).lease(), "renewed": 0.0})

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0.0, 1.0)

    tuner.optimize(objective, study, trials=1, workers=1, runs=tmp_path)
    assert [each.state.name for each in study.trials] == ["FAIL", "COMPLETE"]
    assert study.trials[1].value == lost.params["x"]


def test_bad_arguments_get_one_message(tmp_path: Path) -> None:
    def objective(trial: optuna.Trial) -> float:
        return 1.0

    with pytest.raises(StudyError) as error:
        tuner.optimize(objective, trials=1)
    assert str(error.value) == f"pass the study of the objective after it: {EXAMPLE}; got NoneType"
    with pytest.raises(StudyError) as error:
        tuner.optimize(objective, study_with())
    assert str(error.value) == f"pass what ends the search, trials= or minutes=: {EXAMPLE}"
    lock = threading.Lock()

    def locked(trial: optuna.Trial) -> float:
        with lock:
            return 1.0

    with pytest.raises(
        TunerError, match=r"^locked: uses an object that cannot be sent .*; make it inside the function"
    ):
        tuner.optimize(locked, study_with(), trials=1, runs=tmp_path)
