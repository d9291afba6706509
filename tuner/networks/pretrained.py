"""The network in a `.keras` file: its layers with their weights, and a new last layer where the data need another one."""

from pathlib import Path
from typing import Any

import keras

import tuner.networks.layers  # noqa: F401 (registers our layers)
from tuner.base.errors import Invalid, first_line
from tuner.networks.function import Call

HEAD = "head"
"""The name of a new last layer."""

ACTIVATIONS = {"classification": "softmax", "multi_label": "sigmoid", "regression": "linear"}


def network_in(path: Path, call: Call) -> keras.Model:
    """The model in a file, not compiled. Its last dense layer stays where it has as many classes, and is replaced otherwise; a model that
    ends in another layer gets one on the mean over all places. Raises `Invalid` for what cannot be read, and where a last layer joins
    several networks. No code in the file runs."""
    try:
        model: keras.Model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises any exception for a damaged file, or one with classes that are not here
        cure = "a model with classes of its own can be loaded in a function, which gets its path as weights"
        raise Invalid(
            "network.source", f"{path}: cannot be read as a Keras model ({first_line(error)}); {cure}"
        ) from None
    body, last = _without_last(model, call)
    if (
        call.task == "classification"
        and last is not None
        and last.units in (call.outputs, 1 if call.is_binary else call.outputs)
    ):
        return model
    features = (model if last is None else body).outputs[0]
    if places := tuple(range(1, len(features.shape) - 1)):
        features = keras.ops.mean(features, axis=places)
    names = {each.name for each in model.layers}
    head = keras.layers.Dense(
        call.outputs, activation=ACTIVATIONS[call.task], name=None if HEAD in names else HEAD, dtype="float32"
    )
    return keras.Model(_inputs(model), head(features))


def _without_last(model: keras.Model, call: Call) -> tuple[keras.Model, keras.layers.Dense | None]:
    """The model up to its last dense layer, and that layer; the model itself where another layer with weights is the last one."""
    history = model.outputs[0]._keras_history
    last, before = history.operation, history.operation._inbound_nodes[history.node_index].input_tensors
    if len(before) != 1:
        problem = f"the last layer of {call.source} joins {len(before)} networks"
        raise Invalid("network.source", f"{problem}; train one of them further, or load them in a function")
    body = keras.Model(_inputs(model), before)
    if isinstance(last, keras.Model):
        inner, layer = _without_last(last, call)
        return keras.Model(_inputs(model), inner(before[0])), layer
    if isinstance(last, keras.layers.Dense):
        return body, last
    is_plain = isinstance(
        last, keras.layers.Activation | keras.layers.Softmax | keras.layers.Rescaling | keras.layers.ReLU
    )
    inner, layer = _without_last(body, call) if is_plain else (model, None)
    return (model, None) if layer is None else (inner, layer)


def _inputs(model: keras.Model) -> Any:
    return model.inputs if len(model.inputs) > 1 else model.inputs[0]
