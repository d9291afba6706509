"""What happens with a Keras model in a trial, in this process: `workers=0`."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tuner import keras_tuner as kt

X = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
DATA: dict[str, Any] = {"x": X, "y": Y, "validation_data": (X, Y), "verbose": 0}


def build(hp: kt.HyperParameters) -> keras.Model:
    """One layer that learns or does not, by its rate."""
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    rate = hp.Choice("rate", [0.0, 1.0])
    model.compile(
        keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="area")]
    )
    return model


def tuner_of(model: Any = build, objective: Any = "val_loss", **options: Any) -> kt.GridSearch:
    """A grid in this process."""
    return kt.GridSearch(model, objective, **{"workers": 0, "seed": 1, **options})


class Counter(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts batches in a file, since each training has a copy."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        with self.path.open("a") as file:
            file.write(".")


def test_the_callbacks_of_a_script_are_called_in_each_execution(runs: Path) -> None:
    tuner = tuner_of(executions_per_trial=2, directory=runs)
    counted = runs / "count"
    tuner.search(**DATA, epochs=2, batch_size=10, callbacks=[Counter(counted)])
    assert len(counted.read_text()) == 2 * 2 * 2 * 4  # trials, executions, epochs, batches
    scores = {trial.hyperparameters["rate"]: trial.score for trial in tuner.oracle.trials.values()}
    assert (scores[1.0] or 9.0) < (scores[0.0] or 0.0)
    trial = tuner.oracle.get_best_trials()[0]
    assert (trial.best_step, set(trial.metrics)) == (
        1,
        {"loss", "accuracy", "area", "val_loss", "val_accuracy", "val_area"},
    )


def test_what_callbacks_write_is_in_a_folder_for_each_training(runs: Path) -> None:
    callbacks = [
        keras.callbacks.CSVLogger(str(runs / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(runs / "models" / "{epoch}.keras")),
        keras.callbacks.BackupAndRestore(runs / "backup", delete_checkpoint=False),
    ]
    tuner_of(max_trials=2, directory=runs).search(**DATA, callbacks=callbacks)
    for trial in ("0000", "0001"):
        own = f"{trial}/execution0"
        assert len((runs / own / "log.csv").read_text().splitlines()) == 2
        assert (runs / "models" / own / "1.keras").exists()
        assert (runs / "backup" / own / "latest.weights.h5").exists()
    assert not (runs / "log.csv").exists()


def test_a_progress_bar_is_no_longer_than_a_screen(runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tuner_of(directory=runs, max_trials=1).search(X, Y, validation_data=(X, Y))
    assert len(capfd.readouterr().out) < 10_000


def on_a_frozen_layer(hp: kt.HyperParameters) -> keras.Model:
    """A frozen layer of random weights before the one that learns."""
    frozen = keras.layers.Dense(4, "tanh", kernel_initializer=keras.initializers.RandomNormal(seed=1))
    frozen.trainable = False
    model = keras.Sequential([keras.layers.Input((2,)), frozen, keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(hp.Choice("rate", [0.0, 1.0])), "binary_crossentropy", metrics=["accuracy"])
    return model


def test_the_best_model_of_a_frozen_part_that_was_computed_once_is_whole(runs: Path) -> None:
    tuner = tuner_of(on_a_frozen_layer, directory=runs)
    tuner.search(**DATA, epochs=2, batch_size=10)
    loss, _ = tuner.get_best_models()[0].evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(tuner.oracle.get_best_trials()[0].score, rel=1e-5)


def test_a_tuner_overrides_what_a_model_was_compiled_with(runs: Path) -> None:
    tuner = tuner_of(
        objective="val_mse", directory=runs, loss="mse", metrics=["mse"], optimizer=keras.optimizers.Adam(0.01)
    )
    tuner.search(**DATA)
    model = tuner.get_best_models()[0]
    assert (model.loss, type(model.optimizer), len(tuner.oracle.trials)) == ("mse", keras.optimizers.Adam, 2)


def test_a_fit_of_the_models_own_gets_the_arguments_as_they_are(runs: Path) -> None:
    class Own(keras.Sequential):  # type: ignore[misc]
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            assert {"x", "y", "callbacks"} <= kwargs.keys()
            return super().fit(*args, **kwargs)

    def built(hp: kt.HyperParameters) -> keras.Model:
        model = Own([keras.layers.Input((2,)), keras.layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    tuner = tuner_of(built, directory=runs)
    tuner.search(**DATA)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"]


@pytest.mark.parametrize(
    ("objective", "arguments", "message"),
    [
        ("val_auc", DATA, r"no metric for the objective 'val_auc': allowed: loss, accuracy, area"),
        (kt.Objective("val_acuracy", "max"), DATA, "did you mean accuracy"),
        ("val_loss", {"x": X, "y": Y}, "'val_loss' needs `validation_data` or `validation_split` in `search`"),
        (None, DATA, "`fit` returns a history: name the `objective`"),
    ],
)
def test_an_objective_that_is_not_logged_is_found_before_the_first_trial(
    objective: Any, arguments: dict[str, Any], message: str, runs: Path
) -> None:
    tuner = tuner_of(objective=objective, directory=runs)
    with pytest.raises(ValueError, match=message):
        tuner.search(**arguments)
    assert tuner.oracle.trials == {}


def test_what_no_trial_can_work_with_ends_the_search(runs: Path) -> None:
    with pytest.raises(kt.errors.FatalTypeError, match=r"to return a Keras model, got None"):
        tuner_of(lambda hp: None, directory=runs, project_name="none").search(**DATA)
    with pytest.raises(kt.errors.FatalValueError, match="should be deep-copyable"):
        tuner_of(directory=runs).search(**DATA, callbacks=[keras])
    large = tuner_of(directory=runs, project_name="large", max_model_size=2, max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match=r"Oversized model: 3 parameters, max_model_size is 2"):
        large.search(**DATA)


def test_a_training_that_is_worse_than_the_others_stops_early(runs: Path) -> None:
    class Curve(kt.HyperModel):
        def build(self, hp: kt.HyperParameters) -> keras.Model:
            hp.Int("number", 1, 7)
            return build(kt.HyperParameters())

        def fit(self, hp: kt.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            """Six epochs of an invented loss; the last trial is the worst."""
            model.stop_training, losses = False, []
            for epoch in range(6):
                losses.append(float(hp["number"] == 7) + 1 / (1 + epoch))
                for callback in kwargs["callbacks"]:
                    callback.model = model
                    callback.on_epoch_end(epoch, {"val_loss": losses[-1]})
                if model.stop_training:
                    break
            return {"val_loss": min(losses)}

    tuner = tuner_of(Curve(), directory=runs)
    tuner.search(epochs=6, verbose=0)
    ends = [(run.state.name, len(run.intermediate_values)) for run in tuner.oracle.stored()]
    assert ends == [("COMPLETE", 6)] * 6 + [("PRUNED", 3)]
    assert tuner.oracle.get_best_trials(7)[-1].status == "COMPLETED"


@pytest.mark.slow
def test_pipelines_reach_training_processes(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).cache().shuffle(40).batch(10)
    tuner = tuner_of(directory=runs, workers=1)
    tuner.search(data, validation_data=data, epochs=2)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert "one at a time" not in capsys.readouterr().out
