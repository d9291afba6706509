"""What a trial keeps, and the records that are read from it."""

import json
import math
import re
from dataclasses import replace

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from tuner.base.errors import StorageError, StudyError
from tuner.base.metrics import Direction
from tuner.networks import Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.storage import StudyRecord, TrialRecord, load_study, private, study_record
from tuner.storage.private import artifacts, canonical
from tuner.storage.records import recipe_attributes, store_failure, store_pause, store_result
from tuner.storage.trainings import attributes_of

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=1))
EPOCH = Epoch(
    fold=0,
    number=1,
    training=Scores(loss=0.5, figures={"accuracy": 0.5}),
    validation=Scores(loss=0.4, figures={"accuracy": 0.1234567}),
    learning_rate=0.1,
    seconds=1.0,
)
RESULT = Result(
    folds=(FoldResult(epochs=(EPOCH,), kept=1),), ended="finished", reason="", parameters=13, seconds=1.23456
)


LONG_ONES = {"recipe": RECIPE.to_dict(), "result": RESULT.to_dict(), "environment": {"processor": "some"}}


def test_a_result_is_kept_with_its_main_figures_beside_it() -> None:
    trial = optuna.create_study().ask()
    store_result(trial, RESULT)
    assert dict(attributes_of(private.frozen(trial)))["result"] == RESULT.to_dict()
    assert trial.user_attrs == {
        "ended": "finished",
        "parameters": 13,
        "epochs": 1,
        "seconds": 1.23,
        "validation_accuracy": 0.123457,
    }


def test_what_a_training_comes_to_for_the_search_is_kept_instead_of_how_it_ended() -> None:
    paused, diverged = (optuna.create_study().ask() for _ in range(2))
    store_result(paused, replace(RESULT, ended="pruned", reason="stopped"), "paused", "paused after epoch 1")
    assert (paused.user_attrs["ended"], paused.user_attrs["reason"]) == ("paused", "paused after epoch 1")
    blind = replace(EPOCH, validation=None)
    folds = (FoldResult(epochs=(blind,), kept=1),)
    store_result(diverged, replace(RESULT, folds=folds, ended="diverged", reason="the loss is not finite"))
    assert (diverged.user_attrs["ended"], diverged.user_attrs["reason"]) == ("diverged", "the loss is not finite")
    assert "validation_accuracy" not in diverged.user_attrs


def test_a_failure_is_kept_with_its_reason() -> None:
    plain, traced = (optuna.create_study().ask() for _ in range(2))
    store_failure(plain, "no memory")
    assert plain.user_attrs == {"ended": "failed", "reason": "no memory"}
    store_failure(traced, "no memory", "Traceback …", ended="died")
    assert traced.user_attrs == {"ended": "died", "reason": "no memory"}
    assert attributes_of(private.frozen(traced))["traceback"] == "Traceback …"


def test_no_user_attribute_is_long_and_those_of_an_older_version_are_read() -> None:
    """optuna-dashboard shows a user attribute in one line: a recipe made the page of a trial 8,000 pixels wide."""
    study, old, stored = optuna.create_study(), optuna.create_study(), Result.from_dict(RESULT.to_dict())
    template = create_trial(state=TrialState.RUNNING, user_attrs={"key": RECIPE.key}, system_attrs=LONG_ONES)
    private.begin(study, template)
    trial = old.ask()
    for name, value in {"key": RECIPE.key, **LONG_ONES}.items():
        trial.set_user_attr(name, value)
    for each in (study, old):
        (record,) = study_record(each).trials
        assert (record.recipe, record.result, record.environment) == (RECIPE, stored, {"processor": "some"})
    shown = study.trials[0].user_attrs
    assert all(len(json.dumps(value)) < 100 for value in shown.values())


def test_a_training_of_two_trials_is_one_record() -> None:
    study = optuna.create_study()
    marks = recipe_attributes(RECIPE, {"processor": "some"})
    first = study.ask({"rate": FloatDistribution(0.1, 0.2)})
    for name, value in {**marks, "rung": 1}.items():
        first.set_user_attr(name, value)
    store_result(first, replace(RESULT, ended="pruned"), "paused", "paused after epoch 1")
    study.tell(first, state=TrialState.PRUNED)
    (paused,) = study_record(study).trials
    assert (paused.state, paused.reason, paused.values) == ("pruned", "paused after epoch 1", ())
    second = study.ask({"rate": FloatDistribution(0.1, 0.2)})
    for name, value in {**marks, "continues": 0}.items():
        second.set_user_attr(name, value)
    (running,) = study_record(study).trials
    assert (running.state, running.ended, running.result) == ("running", None, paused.result)
    store_result(second, replace(RESULT, parameters=14))
    study.tell(second, 0.5)
    (record,) = study_record(study).trials
    assert (record.number, record.first, record.numbers) == (1, 0, (0, 1))
    assert (record.state, record.values, record.reason) == ("complete", (0.5,), "")
    assert (record.recipe, record.environment) == (RECIPE, {"processor": "some"})
    assert record.result is not None
    assert record.result.parameters == 14
    begun, ended = study.trials[0].datetime_start, study.trials[1].datetime_complete
    assert begun is not None
    assert ended is not None
    assert (record.started, record.ended) == (begun.timestamp(), ended.timestamp())


def test_a_waiting_trial_has_not_started() -> None:
    study = optuna.create_study()
    study.enqueue_trial({})
    (waiting,) = study_record(study).trials
    assert (waiting.state, waiting.started, waiting.recipe, waiting.environment) == ("waiting", None, None, {})


def test_a_training_that_has_ended_is_read_once_and_one_that_goes_on_anew() -> None:
    study = optuna.create_study()
    paused = study.ask()
    store_pause(paused, RESULT, rung=1)
    study.tell(paused, state=TrialState.PRUNED)
    (first,), (again,) = study_record(study).trials, study_record(study).trials
    assert first is again
    more = study.ask()
    more.set_user_attr("continues", paused.number)
    (running,) = study_record(study).trials
    assert running.numbers == (0, 1)
    store_result(more, RESULT)
    study.tell(more, 0.5)
    (complete,) = study_record(study).trials
    assert (running.state, complete.state, complete.values) == ("running", "complete", (0.5,))


def record_of(objectives: tuple[str, ...], values: list[float], unconfirmed: int | None = None) -> StudyRecord:
    """A study whose trials, each with a recipe of its own, have these values."""
    recipes = [replace(RECIPE, seed=number) for number in range(len(values))]
    trials = [
        TrialRecord(number, number, "complete", (value, -value), {}, recipe, RESULT, "", {})
        for number, (value, recipe) in enumerate(zip(values, recipes, strict=True))
    ]
    why = {} if unconfirmed is None else {recipes[unconfirmed].key: "diverges"}
    return StudyRecord("made", "", {}, objectives, tuple(trials), unconfirmed=why)


def test_the_ranking_is_by_the_first_objective_and_the_earlier_first_among_equals() -> None:
    values = [0.5, 0.9, 0.7, 0.9]
    accuracy, loss = (record_of((name, "parameters"), values) for name in ("validation_accuracy", "validation_loss"))
    assert [trial.number for trial in accuracy.ranking] == [1, 3, 2, 0]
    assert [trial.number for trial in loss.ranking] == [0, 2, 1, 3]
    assert record_of(("validation_loss", "validation_accuracy"), values).direction is Direction.MINIMIZE
    assert record_of((), values).direction is Direction.MAXIMIZE, "a study of another program"
    backwards = replace(accuracy, trials=accuracy.trials[::-1])
    assert [trial.number for trial in backwards.ranking] == [1, 3, 2, 0]


def test_what_has_not_finished_or_cannot_be_trained_again_is_not_ranked() -> None:
    record = record_of(("validation_accuracy",), [0.5, 0.9, 0.7, 0.6], unconfirmed=1)
    first, second, third, fourth = record.trials
    mixed = (first, second, replace(third, state="pruned"), replace(fourth, recipe=None), replace(third, values=()))
    record = replace(record, trials=mixed)
    assert record.best == first
    assert record.finished == (first, second, mixed[3])
    assert (record.count("complete"), record.count("pruned", "failed"), record.count()) == (4, 1, 0)
    assert replace(record, trials=()).best is None


def test_a_studys_record_says_what_the_storage_says() -> None:
    study = optuna.create_study(study_name="made")
    assert study_record(study) == StudyRecord(
        "made", "", {}, (), (), "python -m tuner optimize --study made", {}, Direction.MINIMIZE
    )
    said = {"title": "T", "file": {"a": 1}, "objectives": ["seconds"], "command": "c", "unconfirmed": {"key": "why"}}
    for name, value in {**said, "version": 1}.items():
        study.set_user_attr(name, value)
    assert study_record(study) == StudyRecord(
        "made", "T", {"a": 1}, ("seconds",), (), "c", {"key": "why"}, Direction.MINIMIZE
    )
    study.set_user_attr("version", 3)
    with pytest.raises(StudyError, match=r"later version of tuner \(records of version 3, ours 2\): install that one"):
        study_record(study)


def test_a_study_that_is_not_there_is_named_with_the_near_miss() -> None:
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage, study_name="fashion")
    assert load_study(storage, "fashion").study_name == "fashion"
    with pytest.raises(StudyError, match=r"^the storage has no study 'fashio'; .*fashion"):
        load_study(storage, "fashio")


def test_an_artifact_that_was_removed_is_none_any_more() -> None:
    kept = json.dumps({"artifact_id": "1", "filename": "best.keras"})
    assert artifacts({"artifacts:1": kept, "artifacts:2": "null", "other": "{"}) == {"1": "best.keras"}


def test_what_a_storage_gives_back_has_lists_for_tuples() -> None:
    assert canonical({"a": (1, 2), 3: None}) == {"a": [1, 2], "3": None}
    assert math.isnan(canonical(math.nan))


@pytest.mark.parametrize("name", ["ended", "parameters", "folds"])
def test_a_damaged_record_is_one_message_that_names_the_trial(name: str) -> None:
    """A bit in a name, as in a damaged journal."""
    damaged = {key.replace(name, "x"): value for key, value in RESULT.to_dict().items()}
    study = optuna.create_study()
    study.add_trial(create_trial(value=0.5, system_attrs={"result": damaged}))
    expected = f"trial 0 in the storage is damaged: '{name}' (KeyError); restore a copy of the storage"
    with pytest.raises(StorageError, match=f"^{re.escape(expected)}$"):
        study_record(study)
