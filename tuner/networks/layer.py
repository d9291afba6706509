"""Layers of networks, each described once: by arithmetic, so that a network can be checked and its cost estimated before it is
built, and by the Keras layer that `tuner.networks.build` makes from it. Tests compare the two."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tuner.base.errors import Invalid
from tuner.networks.columns import Rows
from tuner.networks.hidden import ActivityPenalty, Hidden, KernelPenalty

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]
Inputs = Shape | Rows
"""The inputs of a network: a shape (images may lack their channel axis), or coded rows of a table."""


class NewSeed:
    """A setting that the builder replaces by a new seed."""


@dataclass(frozen=True)
class Layer:
    """One layer. By arithmetic: its output shape, its parameters with their `calculation`, and for one forward example its
    multiply-adds and the numbers that it `gathers` into intermediate arrays. Layers without a `kind`, such as activations and
    dropout, have no row in the table of layers.

    In Keras: `keras` is the class (its name in `tuner.networks.layers` or `keras.layers`) or a function, called with the
    `settings`. The builder replaces activations, initializers, penalties, seeds and layers among the settings by Keras's."""

    kind: str
    output: Shape
    trainable: int = 0
    frozen: int = 0
    multiply_adds: int = 0
    calculation: str = ""
    gathers: int = 0
    keras: "str | Callable[..., keras.layers.Layer]" = "Activation"
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """All parameters as Keras counts them, batch normalization's moving statistics included."""
        return self.trainable + self.frozen

    def with_settings(self, **settings: object) -> "Layer":
        """The layer with these settings in addition."""
        return replace(self, settings={**self.settings, **settings})


def input_shape(inputs: Inputs) -> Shape:
    """The shape of one input as it is stored."""
    return inputs.shape if isinstance(inputs, Rows) else inputs


def encoded_shape(inputs: Inputs) -> Shape:
    """The shape of one input of a family's first layer."""
    return (inputs.width,) if isinstance(inputs, Rows) else inputs


def image_shape(inputs: Shape) -> Shape:
    """Height, width and channels of an image whose channel axis may be missing. Raises `Invalid` for other inputs."""
    if len(inputs) in (2, 3):
        return (*inputs, 1)[:3]
    problem = f"must be 'dense' for inputs that are not images, which have the shape {list(inputs)}"
    raise Invalid("network.kind", problem)


def reshape(inputs: Shape, output: Shape) -> Iterator[Layer]:
    """A layer that gives the inputs another shape, unless they have it already."""
    if inputs != output:
        keras, settings = ("Flatten", {}) if len(output) == 1 else ("Reshape", {"target_shape": output})
        yield Layer("", output, keras=keras, settings=settings)


def pooling(inputs: Shape, size: int = 2) -> Layer:
    """Max pooling of maps."""
    height, width, channels = inputs
    output = (height // size, width // size, channels)
    return Layer("pooling", output, keras="MaxPooling2D", settings={"pool_size": size})


def bridge(kind: Literal["flatten", "average", "maximum"], inputs: Shape) -> Layer:
    """From maps to one axis: all values, or the mean or maximum of each map."""
    keras = {"flatten": "Flatten", "average": "GlobalAveragePooling2D", "maximum": "GlobalMaxPooling2D"}
    return Layer(kind, (math.prod(inputs),) if kind == "flatten" else inputs[-1:], keras=keras[kind])


def convolution(
    inputs: Shape,
    filters: int,
    kernel: int = 3,
    *,
    padding: Literal["valid", "same"] = "same",
    stride: int = 1,
    has_bias: bool = True,
) -> Layer:
    """A convolution of maps."""
    *places, channels = inputs
    height, width = (-(-(each if padding == "same" else each - kernel + 1) // stride) for each in places)
    weights, bias = kernel**2 * channels * filters, filters * has_bias
    return Layer(
        "convolution",
        (height, width, filters),
        trainable=weights + bias,
        multiply_adds=height * width * weights,
        calculation=f"{kernel}² × {channels} × {filters}" + (f" + {filters}" if bias else ""),
        keras="Conv2D",
        settings={
            "filters": filters,
            "kernel_size": kernel,
            "padding": padding,
            "strides": stride,
            "use_bias": has_bias,
        },
    )


def dense_layer(size: int, units: int) -> Layer:
    """A dense layer on `size` numbers."""
    return Layer(
        "dense",
        (units,),
        trainable=size * units + units,
        multiply_adds=size * units,
        calculation=f"{size} × {units} + {units}",
        keras="Dense",
        settings={"units": units},
    )


def dense_stack(hidden: Hidden, widths: tuple[int, ...], size: int) -> Iterator[Layer]:
    """Dense hidden layers on `size` numbers, each with its dropout."""
    for width, rate in zip(widths, hidden.dropout_rates(len(widths)), strict=True):
        yield from block(hidden, dense_layer(size, width))
        yield from dropout(rate, (width,))
        size = width


def block(hidden: Hidden, layer: Layer, pool: Layer | None = None) -> Iterator[Layer]:
    """The layer with the initial weights and penalties of hidden layers, its activation, and batch normalization before or
    after that. `pool` follows the layer directly."""
    pools = () if pool is None else (pool,)
    output = (layer, *pools)[-1].output
    if hidden.batch_normalization == "before":
        yield from (weighted(hidden, layer), *pools, normalization(hidden, output), activation_layer(hidden, output))
        return
    yield from (weighted(hidden, layer).with_settings(**_activation(hidden)), *pools)
    if hidden.batch_normalization == "after":
        yield normalization(hidden, output)


def weighted(hidden: Hidden, layer: Layer) -> Layer:
    """The layer with the initial weights and penalties of hidden layers, without activation."""
    penalty = KernelPenalty(hidden.kernel_l1, hidden.kernel_l2)
    return layer.with_settings(kernel_initializer=hidden.initializer, kernel_regularizer=penalty)


def activation_layer(hidden: Hidden, output: Shape) -> Layer:
    """The activation of hidden layers as a layer."""
    return Layer("", output, settings=_activation(hidden))


def _activation(hidden: Hidden) -> dict[str, object]:
    return {"activation": hidden.activation, "activity_regularizer": ActivityPenalty(hidden.activity_l1)}


def dropout(rate: float, output: Shape) -> Iterator[Layer]:
    """A dropout layer, unless the rate is 0."""
    if rate > 0:
        yield Layer("", output, keras="FastDropout", settings={"rate": rate, "seed": NewSeed()})


def merged_layer(
    kind: str, layers: Sequence[Layer], keras: "Callable[..., keras.layers.Layer]", **settings: object
) -> Layer:
    """Several layers as one, which Keras's function makes from `layers` and the settings; the outputs between them count as
    gathered."""
    rows = [each for each in layers if each.kind]
    return Layer(
        kind,
        layers[-1].output,
        trainable=sum(each.trainable for each in rows),
        frozen=sum(each.frozen for each in rows),
        multiply_adds=sum(each.multiply_adds for each in rows),
        gathers=sum(math.prod(each.output) + each.gathers for each in rows[:-1]),
        keras=keras,
        settings={"layers": tuple(layers), **settings},
    )


def residual_block(layers: Sequence[Layer], last: Sequence[Layer] = ()) -> Layer:
    """The sum of the input and what the layers return for it, then the `last` layers."""
    output = layers[-1].output
    shape = (*(None for _ in output[:-1]), output[-1])
    return merged_layer("residual_block", layers, _residual_model, last=tuple(last), shape=shape)


def _residual_model(
    layers: "Sequence[keras.layers.Layer]", last: "Sequence[keras.layers.Layer]", shape: tuple[int | None, ...]
) -> "keras.Model":
    import keras

    start = keras.Input(shape)
    inside = start
    for each in layers:
        inside = each(inside)
    total = keras.layers.add([start, inside])
    for each in last:
        total = each(total)
    return keras.Model(start, total)


def normalization(hidden: Hidden, output: Shape) -> Layer:
    """Batch normalization over the last axis."""
    channels = output[-1]
    return Layer(
        "batch_normalization",
        output,
        trainable=2 * channels,
        frozen=2 * channels,
        multiply_adds=math.prod(output),
        calculation=f"4 × {channels}",
        keras="FusedBatchNormalization",
        settings={"momentum": hidden.normalization_momentum},
    )


def sizes_text(*stacks: tuple[int, ...]) -> str:
    """Sizes of stacks of layers as a text.

    >>> sizes_text((32, 64), (128,)), sizes_text((32,), ())
    ('32-64/128', '32')
    """
    return "/".join("-".join(map(str, sizes)) for sizes in stacks if sizes)
