"""The network in a `.keras` file: its layers with their weights, and a new last layer."""

from pathlib import Path
from typing import Any

import keras

import tuner.networks.layers  # noqa: F401 (registers our layers)
from tuner.base.errors import Invalid, first_line
from tuner.networks.function import Call

HEAD = "head"
"""The name of a new last layer."""

PLAIN = (keras.layers.Activation, keras.layers.Softmax, keras.layers.Rescaling, keras.layers.ReLU)
"""Layers without weights that may follow the last dense one."""

ACTIVATIONS = {"classification": "softmax", "multi_label": "sigmoid", "regression": "linear"}


def network_in(path: Path, call: Call) -> keras.Model:
    """The model in a file, not compiled, with a new layer called `head` in place of its last dense one; a model that ends in another layer
    gets it on the mean over all places. Raises `Invalid` for what cannot be read, and where a last layer joins several networks. No
    code in the file runs."""
    try:
        model: keras.Model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises any exception for a damaged file, or one with classes that are not here
        cure = "a model with classes of its own can be loaded in a function, which gets its path as weights"
        problem = f"{path}: cannot be read as a Keras model ({first_line(error)}); {cure}"
        raise Invalid("network.source", problem) from None
    body = _without_last(model, call)
    body = model if body is None else body
    features = body.outputs[0]
    if places := tuple(range(1, len(features.shape) - 1)):
        features = keras.ops.mean(features, axis=places)
    name = "new_head" if HEAD in [each.name for each in body.layers] else HEAD
    head = keras.layers.Dense(call.outputs, activation=ACTIVATIONS[call.task], name=name, dtype="float32")
    return keras.Model(_inputs(body), head(features))


def _without_last(model: keras.Model, call: Call) -> keras.Model | None:
    """The model up to its last dense layer; None where another layer with weights is the last one."""
    history = model.outputs[0]._keras_history
    last, before = history.operation, history.operation._inbound_nodes[history.node_index].input_tensors
    if len(before) != 1:
        problem = f"the last layer of {call.source} joins {len(before)} networks"
        raise Invalid("network.source", f"{problem}; train one of them further, or load them in a function")
    body = keras.Model(_inputs(model), before[0])
    if isinstance(last, keras.Model):
        inner = _without_last(last, call)
        return None if inner is None else keras.Model(_inputs(model), inner(before[0]))
    if isinstance(last, keras.layers.Dense):
        return body
    return _without_last(body, call) if isinstance(last, PLAIN) else None


def _inputs(model: keras.Model) -> Any:
    return model.inputs if len(model.inputs) > 1 else model.inputs[0]
