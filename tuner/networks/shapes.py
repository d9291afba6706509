"""A network's layers, shapes, parameters and operations by arithmetic, without Keras.

`build` makes exactly these layers; tests hold the two together. So a network can be refused, counted and estimated
before anything is built.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.errors import Invalid
from tuner.recipe import Convolutional, Dense, Hidden, LocallyConnected, Network

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerShape:
    """One layer: its output for one example, its parameters and how they are counted, and multiply-adds for one example
    forward."""

    kind: str
    output: Shape
    trainable: int = 0
    frozen: int = 0
    multiply_adds: int = 0
    calculation: str = ""

    @property
    def parameters(self) -> int:
        """All parameters, as Keras counts them: batch normalization's moving statistics are among them."""
        return self.trainable + self.frozen


def layer_table(network: Network, inputs: Shape, classes: int) -> tuple[LayerShape, ...]:
    """The layers with weights, and those that change the shape, from input to output.

    Raises `Invalid` with an address in `network` where a layer cannot stand on what comes before it.
    """
    if network.output == "signed" and classes != 2:
        raise Invalid("network.output", f"must not be 'signed' for {classes} classes: one unit tells two classes apart")
    match network:
        case Dense():
            body = list(_dense_stack(network.hidden, network.widths, math.prod(inputs)))
        case Convolutional():
            body = list(_convolutional(network, inputs))
        case LocallyConnected():
            body = list(_locally_connected(network, inputs))
    size = math.prod(body[-1].output) if body else math.prod(inputs)
    units = 1 if network.output == "signed" else classes
    return (*body, _dense_layer(size, units))


def parameters(network: Network, inputs: Shape, classes: int) -> int:
    """All parameters of a network.

    >>> parameters(Dense(widths=(128, 128)), (28, 28), 10)
    118282
    """
    return sum(layer.parameters for layer in layer_table(network, inputs, classes))


def image_shape(inputs: Shape) -> Shape:
    """Height, width and channels of an image whose channel axis may be missing. Raises `Invalid` for other inputs."""
    if len(inputs) == 2:
        return (*inputs, 1)
    if len(inputs) == 3:
        return inputs
    problem = f"must be 'dense' for inputs that are not images, which have the shape {list(inputs)}"
    raise Invalid("network.kind", problem)


def _dense_layer(size: int, units: int) -> LayerShape:
    return LayerShape("dense", (units,), size * units + units, 0, size * units, f"{size} × {units} + {units}")


def _normalization(hidden: Hidden, output: Shape) -> Iterator[LayerShape]:
    if hidden.batch_normalization != "none":
        channels = output[-1]
        yield LayerShape(
            "batch_normalization", output, 2 * channels, 2 * channels, math.prod(output), f"4 × {channels}"
        )


def _dense_stack(hidden: Hidden, widths: tuple[int, ...], size: int) -> Iterator[LayerShape]:
    for width in widths:
        yield _dense_layer(size, width)
        yield from _normalization(hidden, (width,))
        size = width


def _convolutional(network: Convolutional, inputs: Shape) -> Iterator[LayerShape]:
    height, width, channels = image_shape(inputs)
    shrink = 0 if network.padding == "same" else network.kernel - 1
    for number, filters in enumerate(network.filters, start=1):
        what = f"convolution {number} with kernel {network.kernel}"
        height, width = _shrunk(height, width, shrink, what, "network.filters")
        weights = network.kernel**2 * channels * filters
        output = (height, width, filters)
        count = f"{network.kernel}² × {channels} × {filters} + {filters}"
        yield LayerShape("convolution", output, weights + filters, 0, height * width * weights, count)
        yield from _normalization(network.hidden, output)
        channels = filters
        if network.pool > 1 and (number % network.pool_every == 0 or number == len(network.filters)):
            if min(height, width) < network.pool:
                problem = f"pooling by {network.pool} after convolution {number} has only {height}×{width} left"
                raise Invalid("network.filters", f"{problem}; use fewer filters, a smaller pool or padding 'same'")
            height, width = height // network.pool, width // network.pool
            yield LayerShape("pooling", (height, width, channels))
    flat = channels if network.bridge == "average" else height * width * channels
    yield LayerShape(network.bridge, (flat,))
    yield from _dense_stack(network.hidden, network.widths, flat)


def _locally_connected(network: LocallyConnected, inputs: Shape) -> Iterator[LayerShape]:
    if network.dimensions == 1:
        places: Shape = (math.prod(inputs),)
        channels = 1
    else:
        *places_, channels = image_shape(inputs)
        places = tuple(places_)
    for number, filters in enumerate(network.filters, start=1):
        if min(places) < network.window:
            problem = f"locally connected layer {number} with window {network.window} has only {_spoken(places)} left"
            raise Invalid("network.filters", f"{problem}; use fewer filters or a smaller window")
        places = tuple((each - network.window) // network.stride + 1 for each in places)
        patch = network.window**network.dimensions * channels
        count = math.prod(places)
        weights = count * patch * filters
        output, each = (*places, filters), f"{count} × ({patch} × {filters} + {filters})"
        yield LayerShape("locally_connected", output, weights + count * filters, 0, weights, each)
        yield from _normalization(network.hidden, (*places, filters))
        channels = filters
    flat = math.prod(places) * channels
    yield LayerShape("flatten", (flat,))
    yield from _dense_stack(network.hidden, network.widths, flat)


def _shrunk(height: int, width: int, by: int, what: str, place: str) -> tuple[int, int]:
    if min(height, width) <= by:
        problem = f"{what} has only {height}×{width} left; use fewer filters, a smaller kernel or padding 'same'"
        raise Invalid(place, problem)
    return height - by, width - by


def _spoken(places: Shape) -> str:
    return "×".join(map(str, places))
