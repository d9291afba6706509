"""Shapes, parameters and operations of layers, computed without Keras, so that a network can be checked and its cost
estimated before it is built. Tests compare them with the Keras layers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.base.errors import Invalid
from tuner.networks.columns import Rows
from tuner.networks.hidden import Hidden

Shape = tuple[int, ...]
Inputs = Shape | Rows
"""The inputs of a network: a shape (images may lack their channel axis), or coded rows of a table."""


@dataclass(frozen=True)
class LayerShape:
    """One layer: its output shape, its parameters with their `calculation`, and for one forward example its multiply-adds and
    the numbers that it `gathers` into intermediate arrays."""

    kind: str
    output: Shape
    trainable: int = 0
    frozen: int = 0
    multiply_adds: int = 0
    calculation: str = ""
    gathers: int = 0

    @property
    def parameters(self) -> int:
        """All parameters as Keras counts them, batch normalization's moving statistics included."""
        return self.trainable + self.frozen


def input_shape(inputs: Inputs) -> Shape:
    """The shape of one input as it is stored."""
    return inputs.shape if isinstance(inputs, Rows) else inputs


def encoded_shape(inputs: Inputs) -> Shape:
    """The shape of one input of a family's first layer."""
    return (inputs.width,) if isinstance(inputs, Rows) else inputs


def image_shape(inputs: Shape) -> Shape:
    """Height, width and channels of an image whose channel axis may be missing. Raises `Invalid` for other inputs."""
    if len(inputs) == 2:
        return (*inputs, 1)
    if len(inputs) == 3:
        return inputs
    problem = f"must be 'dense' for inputs that are not images, which have the shape {list(inputs)}"
    raise Invalid("network.kind", problem)


def dense_layer(size: int, units: int) -> LayerShape:
    """A dense layer on `size` numbers."""
    return LayerShape("dense", (units,), size * units + units, 0, size * units, f"{size} × {units} + {units}")


def normalization(hidden: Hidden, output: Shape) -> Iterator[LayerShape]:
    """Batch normalization of this output, if the hidden layers have it."""
    if hidden.batch_normalization != "none":
        channels = output[-1]
        yield LayerShape(
            "batch_normalization", output, 2 * channels, 2 * channels, math.prod(output), f"4 × {channels}"
        )


def dense_layers(hidden: Hidden, widths: tuple[int, ...], size: int) -> Iterator[LayerShape]:
    """Dense hidden layers on `size` numbers."""
    for width in widths:
        yield dense_layer(size, width)
        yield from normalization(hidden, (width,))
        size = width


def merged_layer(kind: str, layers: Sequence[LayerShape]) -> LayerShape:
    """Several layers as one; the outputs between them count as gathered."""
    return LayerShape(
        kind,
        layers[-1].output,
        trainable=sum(each.trainable for each in layers),
        frozen=sum(each.frozen for each in layers),
        multiply_adds=sum(each.multiply_adds for each in layers),
        gathers=sum(math.prod(each.output) + each.gathers for each in layers[:-1]),
    )


def sizes_text(*stacks: tuple[int, ...]) -> str:
    """Sizes of stacks of layers as a text.

    >>> sizes_text((32, 64), (128,)), sizes_text((32,), ())
    ('32-64/128', '32')
    """
    return "/".join("-".join(map(str, sizes)) for sizes in stacks if sizes)
