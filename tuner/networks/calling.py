"""Calling a function of the user's, in a process that has Keras: the model that it makes, and the facts of that model."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

import keras
import numpy as np

from tuner.base.errors import Invalid
from tuner.networks.function import Call, LayerInfo, NetworkInfo, is_model
from tuner.networks.layer import Shape
from tuner.networks.outputs import as_offered, described_output, metric_names
from tuner.networks.parts import NamedShapes
from tuner.networks.pretrained import network_in
from tuner.networks.sources import described, load_function, unchanged

Asking = Callable[[str, Any], Any]
"""Gets the name and the hole of each parameter that a function asks for; returns the answer. See `tuner.space.asking`."""

T = TypeVar("T")

FRONT_ENDS = {"trial": "tuner.space.trial:Trial", "hp": "tuner.keras_tuner.hyperparameters:HyperParameters"}
"""What a function asks, by the name of its first parameter: a class that is made with an `Asking`, imported where it is used."""


def model_of(call: Call, asking: Asking) -> keras.Model:
    """The model that the function makes with these answers, or that the file has: built, and compiled if the function compiles it. Raises
    `Invalid` with the function's own lines where it fails, or where its model does not take the inputs."""
    return called(call, asking)[0]


def called(call: Call, asking: Asking) -> tuple[keras.Model, dict[str, Any]]:
    """The model, and the arguments that the function got for it, first the object that it asks; none where a file has the model. Raises
    `Invalid` as `model_of` does."""
    if is_model(call.source):
        return _built(network_in(unchanged(call.source, call.sha256), call), call), {}
    function = load_function(call.source, call.sha256)
    try:
        with _settings_restored():
            arguments = _arguments(function, call, _asked_once(call.name, asking))
            model = function(**arguments)
    except Invalid:
        raise
    except (Exception, SystemExit) as error:
        raise Invalid("network.source", described(error, call.name)) from error
    if not isinstance(model, keras.Model):
        got = "nothing: is its return missing?" if model is None else f"a {type(model).__name__}"
        raise Invalid("network.source", f"{call.name} must return a keras.Model, got {got}")
    return _built(model, call), arguments


def info_of(model: keras.Model, call: Call) -> NetworkInfo:
    """The facts of a model. Raises `Invalid` where its outputs are not those of the data."""
    generator = np.random.default_rng(0)
    examples = _examples(model, call.inputs, lambda shape: generator.normal(size=(2, *shape)).astype(np.float32))
    output = described_output(model, model(examples, training=False), call)
    layers = [each for each in model._flatten_layers(include_self=False) if not isinstance(each, keras.Model)]
    return NetworkInfo(
        output=output,
        metrics=metric_names(model),
        parameters=int(model.count_params()),
        multiply_adds=sum(map(_multiply_adds, layers)),
        gathers=sum(math.prod(_shape_after(each)) for each in layers),
        compiled=_compiled(model),
        layers=tuple(LayerInfo(name=each.name, multiply_adds=_multiply_adds(each)) for each in weighted_layers(model)),
    )


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers with weights of a model and of the models in it, each once, from input to output."""
    inside = (weighted_layers(each) if isinstance(each, keras.Model) else [each] for each in model.layers)
    return list({id(each): each for layers in inside for each in layers if each.weights}.values())


def example_shape(model: keras.Model, inputs: Shape) -> Shape:
    """The shape of an example as the model takes it: as it is stored, or an image with an axis for its one channel. Raises
    `ValueError` where the model takes another one."""
    own = getattr(model, "input_shape", None) if getattr(model, "inputs", None) else None
    if not isinstance(own, tuple):
        return inputs
    for each in (inputs, (*inputs, 1)):
        if len(own) == len(each) + 1 and all(a in (None, b) for a, b in zip(own[1:], each, strict=True)):
            return each
    raise ValueError(f"{own[1:]}")


def taken(model: keras.Model, parts: Mapping[str, T]) -> Any:
    """Parts as the model takes them: those that its inputs are called after, or a mapping of all of them where it has no named inputs.
    Raises `LookupError` with the name of an input that is no part."""
    if not getattr(model, "inputs", None):
        return dict(parts)
    own = [parts[each.name] for each in model.inputs]
    return keras.tree.pack_sequence_as(getattr(model, "_inputs_struct", own[0]), own)


def _examples(model: keras.Model, inputs: Shape | NamedShapes, make: Callable[[Shape], T]) -> Any:
    """What `make` returns for the shape of an example, or for each of its parts, as the model takes them. Raises `ValueError` with the
    shape that the model takes, where that is another one."""
    shapes = _named(inputs)
    if not shapes:
        return make(example_shape(model, inputs))  # type: ignore[arg-type]
    for each in getattr(model, "inputs", None) or ():
        shape = shapes.get(each.name, ())
        if len(each.shape) != len(shape) + 1 or any(
            a not in (None, b) for a, b in zip(each.shape[1:], shape, strict=True)
        ):
            raise ValueError(f"{tuple(each.shape[1:])} in its input {each.name!r}")
    return taken(model, {name: make(shape) for name, shape in shapes.items()})


def _named(inputs: Shape | NamedShapes) -> dict[str, Shape]:
    """The shapes of parts by name; none where the inputs are a single array."""
    return dict(inputs) if inputs and isinstance(inputs[0], tuple) else {}


def _shapes_text(inputs: Shape | NamedShapes) -> str:
    parts = ", ".join(f"{name} {shape}" for name, shape in _named(inputs).items())
    return f"the parts {parts}; keras.Input(…, name=…) says which one is meant" if parts else f"{inputs}"


@contextmanager
def _settings_restored() -> Iterator[None]:
    """A context after which Keras's global settings are as before."""
    keys = ("dtype_policy", "floatx", "image_data_format")
    before = {key: getattr(keras.config, key)() for key in keys}
    try:
        yield
    finally:
        for key, value in before.items():
            getattr(keras.config, f"set_{key}")(value)


def _arguments(function: Callable[..., Any], call: Call, asking: Asking) -> dict[str, Any]:
    names = list(inspect.signature(function).parameters)
    if not names or names[0] not in FRONT_ENDS:
        rule = f"must have {' or '.join(FRONT_ENDS)} as its first parameter"
        raise Invalid("network.source", f"{call.name} {rule}, got ({', '.join(names)})")
    module, _, front_end = FRONT_ENDS[names[0]].partition(":")
    asks = getattr(import_module(module), front_end)(asking)
    weights = str(unchanged(call.weights, call.weights_sha256)) if call.weights else None
    outputs = call.outputs if isinstance(call.outputs, int) else as_offered(call.outputs)
    others = {"inputs": _named(call.inputs) or call.inputs, "outputs": outputs, "weights": weights}
    if weights and "weights" not in names:
        raise Invalid("network.weights", f"{call.name} must have a parameter weights, which gets the path {weights}")
    return {names[0]: asks, **{name: value for name, value in others.items() if name in names}}


def _asked_once(name_of_function: str, asking: Asking) -> Asking:
    """The same answer for a name that is asked again. Raises `Invalid` where it is asked with another range."""
    known: dict[str, tuple[Any, Any]] = {}

    def once(name: str, hole: Any) -> Any:
        if name not in known:
            known[name] = hole, asking(name, hole)
        before, answer = known[name]
        if before != hole:
            problem = f"{name_of_function} asks for {name!r} twice: {before.text}, and then {hole.text}"
            raise Invalid("network.source", problem)
        return answer

    return once


def _built(model: keras.Model, call: Call) -> keras.Model:
    """The model with its variables."""
    try:
        examples = _examples(model, call.inputs, lambda shape: np.zeros((1, *shape), np.float32))
    except ValueError as error:
        problem = f"{call.name}: its model takes inputs of the shape {error}, the data have {_shapes_text(call.inputs)}"
        raise Invalid("network.source", problem) from None
    if not (model.built and model.weights):
        try:
            model(examples, training=False)
        except Exception as error:
            shapes = keras.tree.map_structure(lambda each: each.shape[1:], examples)
            what = f"{call.name}: its model does not take inputs of the shape {shapes}: it"
            raise Invalid("network.source", described(error, what)) from error
    return model


def _shape_after(layer: keras.layers.Layer) -> Shape:
    """The shape of a layer's output for an example; (0,) where it is unknown."""
    try:
        return tuple(each or 1 for each in layer.output.shape[1:]) or (1,)
    except (AttributeError, ValueError):
        return (0,)


def _multiply_adds(layer: keras.layers.Layer) -> int:
    """The weights of a layer, each once for every place of its output."""
    weights: int = sum(math.prod(each.shape) for each in layer.weights if len(each.shape) > 1)
    return weights * max(1, math.prod(_shape_after(layer)[:-1]))


def _compiled(model: keras.Model) -> str:
    """The optimizer with its learning rate and the loss that a model was compiled with."""
    if not model.compiled:
        return ""
    rate = getattr(model.optimizer, "learning_rate", None)  # a MultiOptimizer has none
    rate_text = "" if rate is None else f" {float(np.asarray(rate)):.2g}"
    loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "name", type(model.loss).__name__)
    loss = "losses of its outputs" if isinstance(model.loss, dict | list | tuple) else loss
    return f"{model.optimizer.name}{rate_text}, {loss}"
