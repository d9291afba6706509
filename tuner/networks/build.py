"""From a recipe's network to a Keras model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.networks import Function, Inputs, Network, Outputs, network_layers
from tuner.networks import layers as own_layers
from tuner.networks.calling import called, example_shape, taken
from tuner.networks.columns import Rows
from tuner.networks.encoder import InputEncoder
from tuner.networks.hidden import (
    ActivityPenalty,
    ConstantInitializer,
    Elu,
    KernelPenalty,
    LeakyRelu,
    NormalInitializer,
    PlainActivation,
    PlainInitializer,
)
from tuner.networks.layer import Layer, NewSeed, encoded_shape, input_shape
from tuner.networks.outputs import overrides
from tuner.networks.parts import encoded_rows, has_parts, offered_layers, offered_shapes, parts_of

Number = Callable[[float], Any]
"""From a number of a recipe to what a graph computes with: the number itself, or a variable, which can get another number."""

Constants = Sequence[NDArray[Any]]

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build(
    network: Network, inputs: Inputs, outputs: Outputs, seed: int, constants: Constants = (), number: Number = float
) -> keras.Model:
    """A new model for scaled inputs (images may lack their channel axis), or for coded rows with the `constants` of their
    encoder (`tuner.networks.fitting`); not compiled. `seed` determines initial weights and dropout; dropout rates and penalties
    are what `number` makes of them. Raises `Invalid` if the network does not fit the inputs."""
    if isinstance(network, Function):
        return from_function(network, inputs, outputs, seed, constants).whole
    described, seeds = network_layers(network, inputs, outputs), _seeds(seed)
    with _policy(network):
        layers = [_keras_layer(each, seeds, number) for each in described]
        model = keras.Sequential([keras.Input(input_shape(inputs)), *layers])
    _assign(constants, layers, inputs)
    return model


def initial_values(
    network: Network, inputs: Inputs, outputs: Outputs, seed: int, constants: Constants = (), number: Number = float
) -> list[NDArray[Any]]:
    """The values of all variables of a new model. Layers that are not connected are built much faster than a model."""
    if isinstance(network, Function):
        made = from_function(network, inputs, outputs, seed, constants).whole
        return [variable.numpy() for variable in made.variables]
    described, seeds, shape = network_layers(network, inputs, outputs), _seeds(seed), input_shape(inputs)
    with _policy(network):
        layers = [_keras_layer(each, seeds, number) for each in described]
    for layer, each in zip(layers, described, strict=True):
        if not layer.built:
            layer.build((None, *shape))
        shape = each.output
    _assign(constants, layers, inputs)
    return [variable.numpy() for layer in layers for variable in layer.variables]


@dataclass(frozen=True)
class FunctionModel:
    """The `whole` model on stored inputs, the function's `own` model in it (often the same), and the arguments that the function got."""

    whole: keras.Model
    own: keras.Model
    arguments: Mapping[str, Any]


def from_function(
    network: Function, inputs: Inputs, outputs: Outputs, seed: int, constants: Constants
) -> FunctionModel:
    """The model that the function makes with the answers of the recipe; behind the encoder of a table, what takes rows apart, or what
    gives an image an axis for its one channel, where its model needs that. Raises `Invalid` where it asks for anything else."""
    asked = dict[str, Any]()

    def answer(name: str, hole: Any) -> Any:
        if name not in network.answers:
            raise Invalid("network.answers", f"{network.source} asks for {name!r} ({hole.text}), which has no answer")
        asked[name] = network.answers[name]
        return asked[name]

    keras.utils.set_random_seed(seed)
    model, arguments = called(network.call(offered_shapes(inputs), outputs), answer)
    if unasked := [name for name in network.answers if name not in asked]:
        problem = (
            f"{network.source} asks differently for the same answers: it does not ask for {', '.join(unasked)} now"
        )
        raise Invalid("network.answers", problem)
    whole = _on_stored(model, inputs, network.source, _seeds(seed))
    if whole is not model:
        if model.compiled:
            whole.compile(**_by_name(model, model._compile_config.config))
            model.compiled = False  # or its optimizer would be saved within
        _assign(constants, whole.layers, inputs)
    return FunctionModel(whole, model, arguments)


def _on_stored(model: keras.Model, inputs: Inputs, source: str, seeds: Iterator[int]) -> keras.Model:
    """The model on inputs as they are stored: itself, or behind layers of ours. Raises `Invalid` where it has a train step of its own
    and needs such layers."""
    front: list[keras.layers.Layer] = []
    if not has_parts(inputs):
        shape = encoded_shape(inputs)
        front += [_keras_layer(InputEncoder(inputs).layer, seeds, float)] if isinstance(inputs, Rows) else []
        front += [keras.layers.Reshape(own)] if (own := example_shape(model, shape)) != shape else []
        if not front:
            return model
    if overrides(model, "train_step", "test_step"):
        problem = f"{source}: a model with a train step of its own must take the data as they are, in the shape"
        raise Invalid("network.source", f"{problem} {input_shape(inputs)}; a table's rows are encoded before its model")
    start = keras.Input(input_shape(inputs))
    if not has_parts(inputs):
        shaped = reduce(lambda before, layer: layer(before), front, start)
        return keras.Model(start, _with_names(model, model(shaped)))
    parts = {}
    for part in parts_of(inputs):
        parts[part.name] = start
        for each in offered_layers(part):
            parts[part.name] = _keras_layer(each, seeds, float)(parts[part.name])
    return keras.Model(start, _with_names(model, model(taken(model, parts))))


def _with_names(model: keras.Model, outputs: Any) -> Any:
    """The outputs of a model in another one, which losses and metrics still find by the names that they have in it."""
    return dict(zip(model.output_names, outputs, strict=True)) if isinstance(outputs, list | tuple) else outputs


def _by_name(model: keras.Model, compiled: Mapping[str, Any]) -> dict[str, Any]:
    """What a model was compiled with, for its outputs by name."""
    names = model.output_names if len(getattr(model, "outputs", None) or ()) > 1 else []
    lists = {
        name for name in ("loss", "metrics", "weighted_metrics", "loss_weights") if isinstance(compiled.get(name), list)
    }
    return {
        name: dict(zip(names, each, strict=True)) if names and name in lists else each
        for name, each in compiled.items()
    }


@contextmanager
def _policy(network: Network) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[network.hidden.precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _assign(constants: Constants, layers: Sequence[keras.layers.Layer], inputs: Inputs) -> None:
    if not constants or not isinstance(inputs, Rows):
        return
    inside = [each for layer in layers for each in layer._flatten_layers()]
    encoders = {each.rows: each for each in inside if isinstance(each, own_layers.RowEncoder)}
    variables = [each for rows in encoded_rows(inputs) for each in encoders[rows].non_trainable_variables]
    for variable, value in zip(variables, constants, strict=True):
        variable.assign(value)


def _seeds(seed: int) -> Iterator[int]:
    """Seeds for the layers; those of consecutive seeds are independent."""
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))


def _keras_layer(layer: Layer, seeds: Iterator[int], number: Number) -> keras.layers.Layer:
    settings = {name: _keras_value(value, seeds, number) for name, value in layer.settings.items()}
    if not isinstance(layer.keras, str):
        return layer.keras(**settings)
    made = (getattr(own_layers, layer.keras, None) or getattr(keras.layers, layer.keras))(**settings)
    if isinstance(made, own_layers.FastDropout):
        made.share = number(made.share)
    return made


def _keras_value(value: object, seeds: Iterator[int], number: Number) -> Any:
    """A setting of a layer as Keras takes it. Every initializer uses up a seed, also those that draw nothing."""
    match value:
        case NewSeed():
            return next(seeds)
        case PlainActivation(kind=kind) | Elu(kind=kind, alpha=1.0):
            return kind
        case LeakyRelu(slope=slope):
            return keras.layers.LeakyReLU(negative_slope=slope)
        case Elu(alpha=alpha):
            return keras.layers.ELU(alpha=alpha)
        case PlainInitializer() | ConstantInitializer() | NormalInitializer():
            return _initializer(value, next(seeds))
        case KernelPenalty(l1=l1, l2=l2):
            return _kernel_regularizer(l1, l2, number)
        case ActivityPenalty(l1=l1):
            return own_layers.ActivityL1(l1) if l1 else None
        case Layer():
            return _keras_layer(value, seeds, number)
        case (Layer(), *_) as layers:
            return [_keras_value(each, seeds, number) for each in layers]
    return value


def _initializer(
    initializer: PlainInitializer | ConstantInitializer | NormalInitializer, seed: int
) -> keras.initializers.Initializer:
    match initializer:
        case ConstantInitializer(value=value):
            return keras.initializers.Constant(value)
        case NormalInitializer(stddev=stddev):
            return keras.initializers.RandomNormal(stddev=stddev, seed=seed)
        case PlainInitializer(kind="zeros"):
            return keras.initializers.Zeros()
        case PlainInitializer(kind=kind):
            return keras.initializers.get({"class_name": kind, "config": {"seed": seed}})


def _kernel_regularizer(l1: float, l2: float, number: Number) -> keras.regularizers.Regularizer | None:
    if not (l1 or l2):
        return None
    kinds = keras.regularizers
    penalty = own_layers.ElasticNet(l1, l2) if l1 and l2 else kinds.L1(l1) if l1 else kinds.L2(l2)
    penalty.l1, penalty.l2 = number(l1), number(l2)
    return penalty
