"""Families of networks, one file each, listed in `Network`. A family is a frozen dataclass with the attributes of `Dense`, the
shortest. Importing this does not load Keras; only `build` does."""

import math
from collections.abc import Iterator

from tuner.base.errors import Invalid
from tuner.networks.columns import Rows as Rows
from tuner.networks.convolutional import Convolutional as Convolutional
from tuner.networks.dense import Dense as Dense
from tuner.networks.ensemble_dense import TabularEnsemble as TabularEnsemble
from tuner.networks.ensemble_dense import members_output
from tuner.networks.function import Function as Function
from tuner.networks.function import Outputs as Outputs
from tuner.networks.hidden import Activation as Activation
from tuner.networks.hidden import ConstantInitializer as ConstantInitializer
from tuner.networks.hidden import Elu as Elu
from tuner.networks.hidden import Hidden as Hidden
from tuner.networks.hidden import Initializer as Initializer
from tuner.networks.hidden import LeakyRelu as LeakyRelu
from tuner.networks.hidden import NormalInitializer as NormalInitializer
from tuner.networks.hidden import PlainActivation as PlainActivation
from tuner.networks.hidden import PlainInitializer as PlainInitializer
from tuner.networks.layer import Inputs as Inputs
from tuner.networks.layer import Layer as Layer
from tuner.networks.layer import Shape as Shape
from tuner.networks.layer import dense_layer, encoded_shape
from tuner.networks.locally_connected import LocallyConnected as LocallyConnected
from tuner.networks.parts import encoder_layer, offered_front
from tuner.networks.residual_dense import ResidualDense as ResidualDense
from tuner.networks.staged import Staged as Staged

Network = Dense | ResidualDense | TabularEnsemble | Convolutional | LocallyConnected | Staged | Function
"""All families; `kind` tells them apart."""


def network_layers(network: Network, inputs: Inputs, outputs: Outputs) -> tuple[Layer, ...]:
    """All layers from input to output. Raises `Invalid` with an address in `network` if a layer does not fit its inputs."""
    if isinstance(network, Function):
        return (*offered_front(inputs), *network.layers(outputs))
    front = (encoder_layer(inputs),) if isinstance(inputs, Rows) else ()
    assert isinstance(outputs, int)  # a recipe refuses others
    if network.output == "signed" and outputs != 2:
        raise Invalid("network.output", f"must not be 'signed' for {outputs} classes: one unit tells two classes apart")
    body = (*front, *network.layers(encoded_shape(inputs)))
    shape = body[-1].output if body else encoded_shape(inputs)
    units, activation = (1, "tanh") if network.output == "signed" else (outputs, network.output)
    is_ensemble = isinstance(network, TabularEnsemble)
    output = members_output(shape, units) if is_ensemble else dense_layer(math.prod(shape), units)
    weights = network.hidden.initializer
    return (
        *body,
        output.with_settings(activation=activation, kernel_initializer=weights, name="output", dtype="float32"),
    )


def layer_table(network: Network, inputs: Inputs, outputs: Outputs) -> tuple[Layer, ...]:
    """The layers with weights, and those that change the shape, from input to output. Raises `Invalid` as `network_layers`."""
    return tuple(layer for layer in network_layers(network, inputs, outputs) if layer.kind)


def parameters(network: Network, inputs: Inputs, outputs: Outputs) -> int:
    """All parameters of a network.

    >>> parameters(Dense(widths=(128, 128)), (28, 28), 10)
    118282
    """
    return sum(layer.parameters for layer in layer_table(network, inputs, outputs))


def network_summary(network: Network) -> str:
    """Family, sizes layer by layer, activation.

    >>> network_summary(Convolutional(filters=(32, 64), widths=(128,)))
    'convolutional 32-64/128 relu'
    """
    if isinstance(network, Function):
        return f"{network.source.rpartition(':')[2]}({network.sizes})"
    return f"{network.kind} {network.sizes} {network.hidden.activation.kind}".replace("_", " ")
