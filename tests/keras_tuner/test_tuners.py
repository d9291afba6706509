"""The tuners, on functions that cost nothing: how trials are proposed, retried, stored and continued."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import optuna
import pytest

from tuner import keras_tuner as kt
from tuner.__main__ import run
from tuner.storage import default_url, open_storage


class Counting(kt.RandomSearch):
    """A search in this process without a model: the objective is what the trial asks for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"workers": 0, "seed": 1, **options})
        self.ran: list[dict[str, Any]] = []

    def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        value = hp.Int("value", 1, 5)
        self.ran.append(dict(hp.values))
        if value in kwargs.get("broken", ()):
            raise kwargs["error"](f"wrong value {value}")
        return float(value)


class Grid(kt.GridSearch):
    """The same as a grid."""

    run_trial = Counting.run_trial

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"workers": 0, **options})
        self.ran: list[dict[str, Any]] = []


def test_a_search_ends_at_its_trials_and_goes_on_with_more(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Counting(max_trials=2, directory=runs).search(verbose=0)
    again = Counting(max_trials=4, directory=runs)
    again.search()
    assert (len(again.oracle.trials), again.remaining_trials, len(again.ran)) == (4, 0, 2)
    assert len({trial.hyperparameters["value"] for trial in again.oracle.trials.values()}) == 4
    best = again.get_best_hyperparameters()[0]
    assert best["value"] == min(trial.score for trial in again.oracle.trials.values() if trial.score)
    shown = capsys.readouterr().out
    assert "which has 2 trials" in shown
    assert "best so far" in shown
    again.results_summary(1)
    assert f"Score: {float(best['value'])}" in capsys.readouterr().out


def test_a_space_that_is_used_up_ends_the_search(runs: Path) -> None:
    tuner = Counting(max_trials=50, directory=runs)
    tuner.search(verbose=0)
    assert sorted(each["value"] for each in tuner.ran) == [1, 2, 3, 4, 5]


def test_the_storage_is_that_of_the_dashboard(runs: Path) -> None:
    Counting(max_trials=3, directory=runs, project_name="mine").search(verbose=0)
    study = optuna.load_study(study_name="mine", storage=open_storage(default_url(runs)))
    assert [trial.params for trial in study.trials[1:]] == [
        {"value": int(trial.value or 0)} for trial in study.trials[1:]
    ]
    assert study.trials[0].value == 1.0  # the default, before the space is known


def test_another_search_in_a_project_has_to_overwrite_it(runs: Path) -> None:
    Counting(max_trials=1, directory=runs).search(verbose=0)
    with pytest.raises(RuntimeError, match="pass `overwrite=True`"):
        Grid(directory=runs)
    assert Grid(directory=runs, overwrite=True).oracle.trials == {}


def test_a_trial_that_fails_is_retried_and_does_not_end_the_search(runs: Path) -> None:
    tuner = Grid(directory=runs, max_retries_per_trial=2)
    tuner.search(verbose=0, broken=(2, 3), error=ValueError)
    assert [each["value"] for each in tuner.ran] == [1, 2, 2, 2, 3, 3, 3, 4, 5]
    failed = [trial for trial in tuner.oracle.trials.values() if trial.status == "FAILED"]
    assert len(failed) == 2
    message = failed[0].message or ""
    assert message.endswith("ValueError: wrong value 2")
    assert "in run_trial" in message
    assert "tuner/keras_tuner" not in message


def test_a_line_for_a_failed_trial_shows_the_reason_and_not_the_node(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Incompatible(Exception):
        def __str__(self) -> str:
            return "Graph execution error:\n\nIncompatible shapes: [32] vs. [32,10]\n\t [[{{node sub}}]]"

    Counting(max_trials=1, directory=runs).search(broken=(1,), error=lambda _: Incompatible())
    assert " s: failed: Incompatible shapes: [32] vs. [32,10]\n" in capsys.readouterr().out


def test_a_failed_trial_error_is_not_retried_and_a_fatal_one_ends_the_search(runs: Path) -> None:
    tuner = Grid(directory=runs, max_retries_per_trial=2)
    tuner.search(verbose=0, broken=(2, 3), error=kt.FailedTrialError)
    assert len(tuner.ran) == 5
    fatal = Grid(directory=runs, overwrite=True)
    with pytest.raises(kt.errors.FatalRuntimeError, match="wrong value 1"):
        fatal.search(verbose=0, broken=(1,), error=kt.errors.FatalRuntimeError)
    fatal.search(verbose=0)  # what it ended runs again
    assert [each["value"] for each in fatal.ran] == [1, 1, 2, 3, 4, 5]


def test_too_many_failures_in_a_row_end_the_search(runs: Path) -> None:
    tuner = Grid(directory=runs, max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match=r"(?s)limit of 2.*wrong value 3"):
        tuner.search(verbose=0, broken=(2, 3, 4), error=ValueError)
    assert len(tuner.oracle.trials) == 3


def test_a_trial_that_fails_before_it_asks_does_not_stand_for_others(runs: Path) -> None:
    class Late(Grid):
        def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
            self.ran.append({})
            if len(self.ran) == 2:
                raise ValueError("a passing failure")
            return float(trial.hyperparameters.Int("value", 1, 3))

    tuner = Late(directory=runs)
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]


class Branches(Grid):
    """A grid over two branches that ask for different names."""

    def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
        hp = trial.hyperparameters
        name = "first" if hp.Boolean("is_first") else "second"
        self.ran.append({"is_first": hp["is_first"], name: hp.Choice(name, [1, 2, 3])})
        return 0.5


def test_a_grid_does_not_repeat_a_branch_for_what_it_does_not_ask(runs: Path) -> None:
    tuner = Branches(directory=runs)
    tuner.search(verbose=0)
    assert len(tuner.ran) == 6
    assert len({frozenset(each.items()) for each in tuner.ran}) == 6


@pytest.mark.parametrize("read", [lambda hp: hp.get("value"), lambda hp: hp["value"], lambda hp: hp.values["value"]])
def test_a_value_that_is_only_read_makes_a_difference(read: Callable[[kt.HyperParameters], int], runs: Path) -> None:
    class Reading(Grid):
        def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
            return float(read(trial.hyperparameters))

    hp = kt.HyperParameters()
    hp.Int("value", 1, 3)
    tuner = Reading(directory=runs, hyperparameters=hp, allow_new_entries=False)
    tuner.search(verbose=0)
    assert sorted(trial.score or 0.0 for trial in tuner.oracle.trials.values()) == [1.0, 2.0, 3.0]


class Halving(kt.Hyperband):
    """Hyperband without a model: more epochs are better, and so are larger values."""

    def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
        values = trial.hyperparameters.values
        return float(trial.hyperparameters.Float("x", 0.0, 1.0) + values.get("tuner/epochs", 0))


def test_hyperband_has_the_brackets_and_epochs_of_the_paper(runs: Path) -> None:
    hp = kt.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    options = {"hyperparameters": hp, "directory": runs, "workers": 0, "seed": 1}
    tuner = Halving(objective=kt.Objective("score", "max"), max_epochs=4, factor=2, **options)
    tuner.search(verbose=0)
    by_bracket: dict[int, list[tuple[int, int]]] = {}
    for trial in tuner.oracle.trials.values():
        values = trial.hyperparameters.values
        by_bracket.setdefault(values["tuner/bracket"], []).append(
            (values["tuner/initial_epoch"], values["tuner/epochs"])
        )
    assert by_bracket == {
        2: [(0, 1)] * 4 + [(1, 2)] * 2 + [(2, 4)],
        1: [(0, 2)] * 3 + [(2, 4)] * 2,
        0: [(0, 4)] * 3,
    }
    trials = tuner.oracle.trials
    last = next(t for t in trials.values() if t.hyperparameters.values["tuner/initial_epoch"] == 2)
    assert trials[last.hyperparameters["tuner/trial_id"]].hyperparameters["x"] == last.hyperparameters["x"]


def test_parzen_estimators_find_a_minimum(runs: Path) -> None:
    class Parabola(kt.BayesianOptimization):
        def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
            return float((trial.hyperparameters.Float("x", -1.0, 1.0) - 0.5) ** 2)

    tuner = Parabola(max_trials=16, num_initial_points=5, directory=runs, workers=0, seed=1)
    tuner.search(verbose=0)
    assert abs(tuner.get_best_hyperparameters()[0]["x"] - 0.5) < 0.1


def test_only_what_is_listed_is_tuned_or_allowed(runs: Path) -> None:
    hp = kt.HyperParameters()
    hp.Int("value", 3, 4)
    tuner = Branches(directory=runs, hyperparameters=hp, tune_new_entries=False)
    tuner.search(verbose=0)
    assert [each.name for each in tuner.oracle.get_space().space] == ["value"]
    assert {tuple(each) for each in tuner.ran} == {("is_first", "second")}  # both at their defaults
    strict = Branches(directory=runs, overwrite=True, hyperparameters=hp, allow_new_entries=False)
    with pytest.raises(RuntimeError, match=r"`allow_new_entries` is `False`.*is_first, second"):
        strict.search(verbose=0)
    with pytest.raises(ValueError, match="`tune_new_entries=False`"):
        Counting(tune_new_entries=False, directory=runs)


def test_arguments_are_taken_by_their_place(runs: Path) -> None:
    hp = kt.HyperParameters()
    hp.Int("value", 1, 2)
    for kind, own in (
        (kt.oracles.RandomSearchOracle, (3,)),
        (kt.oracles.GridSearchOracle, (3,)),
        (kt.oracles.BayesianOptimizationOracle, (3, 2, 1e-4, 2.6)),
        (kt.oracles.HyperbandOracle, (4, 3, 1)),
    ):
        oracle = kind("val_loss", *own, 42, hp, True, True, 1, 2)
        assert (oracle.seed, oracle.hyperparameters, oracle.max_retries, oracle.max_failures) == (42, hp, 1, 2)
    assert kt.RandomSearch(lambda _: None, "val_loss", 2, 42, hp, directory=runs, workers=0).oracle.seed == 42


@pytest.mark.parametrize(
    ("name", "cure"),
    [("on_epoch_end", "`HyperModel.fit`"), ("save_model", "`callbacks`"), ("get_state", "`directory`")],
)
def test_a_method_that_nothing_has_here_says_what_to_do(runs: Path, name: str, cure: str) -> None:
    tuner = Counting(max_trials=1, directory=runs)
    with pytest.raises(AttributeError, match=f"Counting of tuner.keras_tuner has no {name}: .*{cure}"):
        getattr(tuner, name)


def test_an_oracle_of_the_scripts_may_override_the_ends_of_trials(runs: Path) -> None:
    class Ends(kt.oracles.GridSearch):
        count = 0

        @kt.synchronized
        def end_trial(self, trial: kt.Trial) -> None:
            super().end_trial(trial)
            self.count += 1

    class Mine(kt.Tuner):
        def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Int("value", 1, 5))

    oracle = Ends()
    Mine(oracle, directory=runs, workers=0).search(verbose=0)
    assert oracle.count == 5


def test_an_oracle_can_be_asked_and_told(runs: Path) -> None:
    """As KerasTuner's: a trial of a tuner stays its own until it ends, and a process that is gone leaves it to run again."""
    hp = kt.HyperParameters()
    hp.Int("value", 1, 5)
    oracle = kt.oracles.RandomSearch("val_loss", hyperparameters=hp, seed=1)
    oracle.open_project(runs, "asked")
    trial = oracle.create_trial("a")
    assert oracle.create_trial("a") is trial
    with pytest.raises(ValueError, match="Objective value missing"):
        oracle.update_trial(trial.trial_id, {"loss": 1.0})
    for step, loss in enumerate((0.5, 0.25, 0.75)):
        oracle.update_trial(trial.trial_id, {"val_loss": loss}, step)
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    assert (oracle.get_trial(trial.trial_id).score, oracle.get_trial(trial.trial_id).best_step) == (0.25, 1)
    gone = oracle.create_trial("b")
    oracle.interrupt(gone)
    assert oracle.create_trial("c").trial_id == gone.trial_id


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "val_acuracy"}, "did you mean accuracy"),
        ({"unknown": 1}, r"Unrecognized arguments \['unknown'\]"),
        ({"distribution_strategy": "mirrored"}, r"arguments \['distribution_strategy'\].*: each trial has a process"),
        ({"logger": print}, "give `search` a Keras callback"),
        ({"hypermodel": "build"}, "`hypermodel` argument should be either"),
    ],
)
def test_arguments_that_make_no_tuner_are_refused_before_anything_is_written(
    options: dict[str, Any], message: str, runs: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        Counting(directory=runs / "new", **options)
    assert not (runs / "new").exists()


def test_what_does_not_map_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="Received `hypermodel=None`"):
        kt.RandomSearch()

    class Hooked(Counting):
        def on_epoch_end(self) -> None: ...

    with pytest.raises(ValueError, match="overrides on_epoch_end, which nothing calls here"):
        Hooked()


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("from tuner.keras_tuner import SklearnTuner", "override `run_trial`"),
        ("from tuner.keras_tuner.tuners import SklearnTuner", "override `run_trial`"),
        ("from tuner.keras_tuner.applications import HyperResNet", r"wrap one of keras\.applications"),
        ("from tuner.keras_tuner.distributions import Range, Choice", r"ask `hp\.Float` and `hp\.Int`"),
        ("from tuner import keras_tuner as kt; kt.applications.HyperXception", r"wrap one of keras\.applications"),
    ],
)
def test_an_import_of_what_is_not_here_says_what_to_do(line: str, cure: str) -> None:
    with pytest.raises(ImportError, match=f"tuner.keras_tuner has no .*: .*{cure}"):
        exec(line, {})


def test_the_paths_of_inner_modules_have_the_same_classes() -> None:
    names: dict[str, Any] = {}
    exec("from tuner.keras_tuner.engine.hypermodel import HyperModel", names)
    exec("from tuner.keras_tuner.engine import base_tuner, trial", names)
    exec("from tuner.keras_tuner.tuners.bayesian import BayesianOptimizationOracle", names)
    assert names["HyperModel"] is kt.HyperModel
    assert names["base_tuner"].BaseTuner is kt.Tuner
    assert names["trial"].TrialStatus.IDLE == "IDLE"
    assert names["BayesianOptimizationOracle"] is kt.oracles.BayesianOptimization


def test_one_thread_at_a_time_is_in_the_synchronized_methods_of_an_oracle(runs: Path) -> None:
    inside: list[str] = []

    class Slow(kt.oracles.RandomSearch):
        @kt.synchronized
        def create_trial(self, tuner_id: str) -> kt.Trial:
            inside.append(tuner_id)
            time.sleep(0.05)
            inside.append(tuner_id)
            return super().create_trial(tuner_id)

    hp = kt.HyperParameters()
    hp.Int("value", 1, 5)
    oracle = Slow("val_loss", hyperparameters=hp)
    oracle.open_project(runs, "slow")
    threads = [Thread(target=oracle.create_trial, args=(name,)) for name in "abc"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert inside[::2] == inside[1::2]


def test_a_chief_is_not_needed_and_reload_does_nothing(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Counting(max_trials=1, directory=runs).search(verbose=0)
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    tuner = Counting(max_trials=1, directory=runs)
    tuner.reload()
    assert len(tuner.oracle.trials) == 1
    assert "no chief is needed, each process that runs this script takes trials" in capsys.readouterr().out


def test_a_page_and_a_list_show_the_best_of_a_scripts_study(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lowest value is the best one of a tuner without an objective."""

    class Parabola(kt.RandomSearch):
        def run_trial(self, trial: kt.Trial, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Float("x", -1.0, 1.0) ** 2)

    tuner = Parabola(max_trials=5, directory=runs, project_name="mine", workers=0, seed=1)
    tuner.search(verbose=0)
    best = tuner.oracle.get_best_trials()[0]
    assert run(["report", "--study", "mine", "--runs", str(runs), "--out", str(runs / "page")]) == 0
    page = (runs / "page" / "report.md").read_text()
    assert (
        f"The best of 5 finished trials of this script's study is number {int(best.trial_id)}, with a value of " in page
    )
    assert "optimizing what its script returns." in page
    assert "tuner optimize" not in page
    capsys.readouterr()
    assert run(["replay", "--study", "mine", "--trial", "0", "--runs", str(runs)]) == 2
    assert (
        "'mine' is the study of a script, which alone can train its trials again: run it with the parameters"
        in capsys.readouterr().err
    )
    assert run(["trials", "--study", "mine", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["number", "state", "value", "recipe", "x"]
