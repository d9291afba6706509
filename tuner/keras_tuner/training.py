"""What happens with one trial in a training process: the model is built, trained by the script's own code, and its weights saved at
the best epoch. Everything here runs with TensorFlow."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import tree

import tuner.keras_tuner.errors as errors
from tuner.base.errors import first_line, near_miss
from tuner.keras_tuner.hyperparameters import HyperParameters
from tuner.keras_tuner.objective import UNNAMED, metrics_of
from tuner.keras_tuner.running import Search
from tuner.keras_tuner.trial import Trial
from tuner.training.callbacks import write_below
from tuner.training.fitting import fit_faster

OWN = ("train_step", "test_step", "compute_metrics", "metrics")
"""Methods with which a model may log what it was not compiled with."""


class Following(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch, saves the weights of the best one, and stops a training where the search says so."""

    model = keras.callbacks.Callback.model.setter(keras.callbacks.Callback.set_model)  # KerasTuner's guide sets it

    def __init__(self, tuner: Search, trial: Trial, execution: int, best: list[float]) -> None:
        super().__init__()
        self.tuner, self.execution, self.best = tuner, execution, best
        self.objective, self.path = (
            tuner.oracle.objective,
            Path(tuner.get_trial_dir(trial.trial_id)) / "checkpoint.weights.h5",
        )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Without the objective in the logs, since `fit` returns it, the weights of the last epoch are saved."""
        logs = {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}
        value = self.objective.get_value(logs) if self.objective.has_value(logs) else None
        if value is None or not self.best or self.objective.better_than(value, self.best[0]):
            self.best[:] = [] if value is None else [value]
            self.model.save_weights(self.path)
            config = json.dumps(self.model.get_build_config())
            self.path.with_suffix(".json").write_text(config, encoding="utf-8")
        if not self.tuner.watch(self.execution, epoch + 1, logs):
            self.model.stop_training = True


def trained(tuner: Search, trial: Trial, args: Any, kwargs: Any) -> list[Any]:
    """What `fit` returned in each execution of a trial."""
    assert tuner.hypermodel
    best: list[float] = []
    results = []
    for execution in range(tuner.executions_per_trial):
        callbacks = _copies(kwargs.get("callbacks") or [], trial.trial_id, execution)
        model = built(tuner, trial.hyperparameters)
        fit_faster(model)
        own = {**kwargs, "callbacks": [*callbacks, Following(tuner, trial, execution, best)]}
        results.append(tuner.hypermodel.fit(trial.hyperparameters, model, *args, **own))
        metrics_of(results[-1], tuner.oracle.objective, "HyperModel.fit()")
    return results


def built(tuner: Search, hp: HyperParameters) -> Any:
    """The model of these values, with what the tuner overrides, and with the weights from which it goes on. Raises a
    `FatalTypeError` for what is no model, `FailedTrialError` for one that is too large."""
    assert tuner.hypermodel
    model = tuner.hypermodel.build(hp)
    if not isinstance(model, keras.Model):
        what = "Expected the model-building function, or HyperModel.build() to return a Keras model"
        raise errors.FatalTypeError(f"{what}, got {model!r}")
    size = model.count_params() if model.built else 0
    if tuner.max_model_size and size > tuner.max_model_size:
        raise errors.FailedTrialError(
            f"Oversized model: {size:,} parameters, max_model_size is {tuner.max_model_size:,}"
        )
    if tuner.optimizer or tuner.loss or tuner.metrics:
        optimizer = tuner.optimizer and keras.optimizers.get(tuner.optimizer)
        optimizer = optimizer and keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        own = {"optimizer": optimizer, "loss": tuner.loss, "metrics": tuner.metrics}
        model.compile(**{**_compiled(model), **{name: value for name, value in own.items() if value}})
    return (
        with_weights(model, tuner.checkpoint(hp.values["tuner/trial_id"])) if "tuner/trial_id" in hp.values else model
    )


def with_weights(model: keras.Model, path: Path) -> keras.Model:
    """The model with the weights in a file."""
    if not path.exists():
        raise errors.FatalValueError(
            f"there are no weights in {path}: its training called none of the `callbacks` of `fit`"
        )
    if not model.built:
        model.build_from_config(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    if getattr(model, "optimizer", None):
        model.optimizer.build(model.trainable_variables)  # its state is in the file too
    model.load_weights(path)
    return model


def complaint(tuner: Search, model: Any, arguments: Mapping[str, Any]) -> str:
    """Why no training of this model logs the objective; empty if one may."""
    if not isinstance(model, keras.Model) or any(getattr(type(model), n) is not getattr(keras.Model, n) for n in OWN):
        return ""
    if tuner.oracle.objective == UNNAMED:
        return "`fit` returns a history: name the `objective` in it, such as 'val_loss'"
    compiled = _compiled(model)
    metrics = tree.flatten([tuner.metrics or compiled.get("metrics"), compiled.get("weighted_metrics")])
    names = ["loss", *(n if isinstance(n, str) else getattr(n, "name", getattr(n, "__name__", "")) for n in metrics)]
    names += [f"weighted_{name}" for name in names]
    outputs = getattr(model, "output_names", None) or []
    names += [f"{output}_{name}" for output in outputs for name in names] if len(outputs) > 1 else []
    for name in tuner.oracle.objective.names:
        if name.startswith("val_") and not {"validation_data", "validation_split"} & arguments.keys():
            return f"the objective {name!r} needs `validation_data` or `validation_split` in `search`"
        if name.removeprefix("val_") not in names:
            known = [each for each in dict.fromkeys(names) if each and "weighted" not in each]
            return f"the model logs no metric for the objective {name!r}: {near_miss(name.removeprefix('val_'), known)}"
    return ""


def _copies(callbacks: list[Any], trial_id: str, execution: int) -> list[Any]:
    """Copies of a script's callbacks for one training. What they write is in a folder of its own, `TRIAL/executionN` below theirs."""
    try:
        copies: list[Any] = copy.deepcopy(callbacks)
    except Exception as error:
        problem = "All callbacks used during a search should be deep-copyable"
        raise errors.FatalValueError(f"{problem}: {first_line(error)}") from error
    for each in copies:
        write_below(each, f"{trial_id}/execution{execution}")
    return copies


def _compiled(model: keras.Model) -> dict[str, Any]:
    """The arguments with which a model was compiled."""
    return dict(model._compile_config.config) if getattr(model, "compiled", False) else {}
