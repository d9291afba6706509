"""The Keras callback for plain Optuna scripts: what it reports, by which steps, and where it stops a training."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import optuna
import pytest

import tuner
from tuner.base.errors import StudyError


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Optuna without its messages."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def fit(callback: keras.callbacks.Callback, *logs: Mapping[str, float], epochs: int = 0, first: int = 0) -> None:
    """What Keras's `fit` calls, with these logs of its epochs."""
    callback.set_params({"epochs": epochs or first + len(logs)})
    callback.on_train_begin()
    for epoch, each in enumerate(logs, start=first):
        callback.on_epoch_end(epoch, each)
    callback.on_train_end()


def losses(*values: float) -> list[dict[str, float]]:
    """Logs of a loss on the validation part."""
    return [{"loss": 0.0, "val_loss": value} for value in values]


def reported(study: optuna.Study, number: int = -1) -> dict[int, float]:
    """A trial's intermediate values."""
    return study.trials[number].intermediate_values


def test_steps_count_from_one_and_the_value_is_that_of_the_last_epoch() -> None:
    study = optuna.create_study()
    callback = tuner.PruningCallback(study.ask(), "val_loss")
    fit(callback, *losses(3.0, 1.0, 2.0))
    assert reported(study) == {1: 3.0, 2: 1.0, 3: 2.0}
    assert callback.value == 2.0


def test_the_best_epoch_counts_where_it_is_kept() -> None:
    study = optuna.create_study(direction="maximize")
    callback = tuner.PruningCallback(study.ask(), "accuracy", keep="best")
    fit(callback, {"accuracy": 0.5}, {"accuracy": 0.9}, {"accuracy": 0.7})
    assert callback.value == 0.9


def test_folds_report_their_mean_so_far_at_steps_of_their_own() -> None:
    study = optuna.create_study()
    callback = tuner.PruningCallback(study.ask(), "val_loss", folds=2)
    fit(callback, *losses(4.0, 2.0), epochs=3)  # stopped early
    fit(callback, *losses(6.0, 5.0, 4.0))
    assert reported(study) == {1: 4.0, 2: 2.0, 4: 4.0, 5: 3.5, 6: 3.0}
    assert callback.value == 3.0


def test_further_fits_of_one_training_go_on_counting() -> None:
    study = optuna.create_study()
    callback = tuner.PruningCallback(study.ask(), "val_loss")
    fit(callback, *losses(5.0, 4.0))
    fit(callback, *losses(3.0, 2.0))
    fit(callback, *losses(1.0), first=4)
    assert reported(study) == {1: 5.0, 2: 4.0, 3: 3.0, 4: 2.0, 5: 1.0}


def test_a_pruner_stops_a_trial_in_a_later_fold() -> None:
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    good, bad = study.ask(), study.ask()
    callback = tuner.PruningCallback(good, "val_loss", folds=2)
    fit(callback, *losses(2.0), epochs=3)
    fit(callback, *losses(1.0), epochs=3)
    study.tell(good, callback.value)
    callback = tuner.PruningCallback(bad, "val_loss", folds=2)
    fit(callback, *losses(2.0), epochs=3)
    with pytest.raises(optuna.TrialPruned, match="after epoch 1 of fold 2"):
        fit(callback, *losses(9.0), epochs=3)


def test_a_trial_is_not_pruned_at_its_last_epoch() -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1.0))
    callback = tuner.PruningCallback(study.ask(), "val_loss")
    fit(callback, *losses(0.5, 2.0))
    assert callback.value == 2.0
    with pytest.raises(optuna.TrialPruned):
        fit(tuner.PruningCallback(study.ask(), "val_loss"), *losses(2.0, 0.5))


def test_wilcoxons_test_gets_the_value_of_each_fold() -> None:
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study = optuna.create_study(pruner=optuna.pruners.WilcoxonPruner(p_threshold=0.1))
    good = study.ask()
    callback = tuner.PruningCallback(good, "val_loss", folds=6)
    for value in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5):
        fit(callback, *losses(9.0, value))
    assert reported(study) == {1: 1.0, 2: 1.1, 3: 1.2, 4: 1.3, 5: 1.4, 6: 1.5}
    study.tell(good, callback.value)
    bad = tuner.PruningCallback(study.ask(), "val_loss", folds=6)
    for value in (2.0, 2.2, 2.4):
        fit(bad, *losses(value))
    with pytest.raises(optuna.TrialPruned, match="after fold 4"):
        fit(bad, *losses(2.6))


@pytest.mark.parametrize(
    "pruner",
    [
        optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0),
        optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_with_several_objectives_a_trial_is_pruned_that_is_bad_in_each(
    pruner: optuna.pruners.BasePruner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("optuna"), "propagate", True)
    optuna.logging.set_verbosity(optuna.logging.INFO)
    study = optuna.create_study(directions=["minimize", "maximize"], pruner=pruner)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        loss, accuracy = [(1.0, 0.9), (2.0, 0.8), (0.5, 0.1), (3.0, 0.05)][trial.number]
        callback = tuner.PruningCallback(trial, ("val_loss", "val_accuracy"))
        fit(callback, *[{"val_loss": loss, "val_accuracy": accuracy}] * 2)
        return callback.values

    study.optimize(objective, n_trials=4)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE", "PRUNED"]
    assert study.trials[0].user_attrs["val_accuracy"]["curve"] == {"1": 0.9, "2": 0.9}
    assert study.trials[2].values == [0.5, 0.1]
    assert caplog.text.count("A new study created") <= 2  # the user's own, by both handlers of pytest


def test_a_training_that_diverges_is_pruned() -> None:
    study = optuna.create_study()
    with pytest.raises(optuna.TrialPruned, match="after epoch 2 of fold 1: val_loss is not finite"):
        fit(tuner.PruningCallback(study.ask(), "val_loss"), *losses(1.0, float("nan"), 1.0))
    assert list(reported(study)) == [1, 2]


def test_bad_input_gets_one_message() -> None:
    study = optuna.create_study()
    with pytest.raises(StudyError, match=r"monitor: Keras logs no 'val_los'; did you mean val_loss\?"):
        fit(tuner.PruningCallback(study.ask(), "val_los"), *losses(1.0))
    with pytest.raises(StudyError, match="monitor: must name one metric for each of 1 objectives, got val_loss, loss"):
        tuner.PruningCallback(study.ask(), ("val_loss", "loss"))
    with pytest.raises(StudyError, match="monitor: Keras logged no val_loss: pass validation data to fit"):
        fit(tuner.PruningCallback(study.ask(), "val_loss"), {"loss": 1.0}, {"loss": 1.0})
    callback = tuner.PruningCallback(study.ask(), "val_loss", folds=2)
    for _ in range(2):
        fit(callback, *losses(1.0))
    with pytest.raises(StudyError, match="folds: must be the number of calls of fit, of which there are more than 2"):
        fit(callback, *losses(1.0))


def test_epochs_without_validation_are_left_out() -> None:
    study = optuna.create_study()
    fit(tuner.PruningCallback(study.ask(), "val_loss"), {"loss": 1.0}, {"loss": 1.0, "val_loss": 0.5})
    assert reported(study) == {2: 0.5}


def test_a_fixed_trial_reports_to_nobody() -> None:
    callback = tuner.PruningCallback(optuna.trial.FixedTrial({}), ("val_loss", "loss"))
    fit(callback, *losses(1.0))
    assert callback.values == (1.0, 0.0)


def test_kerass_fit_is_pruned() -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0.0))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x: Any = np.ones((4, 2), np.float32)

    def objective(trial: optuna.Trial) -> float:
        callback = tuner.PruningCallback(trial, "val_loss")
        model.fit(x, x[:, :1] + 5, epochs=3, validation_split=0.5, verbose=0, callbacks=[callback])
        return callback.value

    study.optimize(objective, n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(reported(study)) == [1]
