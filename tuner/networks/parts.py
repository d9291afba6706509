"""Rows that have pictures, arrays or windows in them, taken apart: the named parts of a network's inputs, and how each reaches the network.

A kind of column with a shape needs an entry in `SHAPES` of `tuner.networks.columns` (its format) and one in `FIRST_LAYERS`. All
windows are one part, whose steps are encoded as a table's numbers are.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from typing import TYPE_CHECKING, TypeGuard

from tuner.base.errors import Invalid
from tuner.networks.columns import Coded, Encoding, Rows
from tuner.networks.encoder import InputEncoder
from tuner.networks.hidden import Hidden, PlainInitializer
from tuner.networks.layer import (
    Inputs,
    Layer,
    Shape,
    block,
    bridge,
    convolution,
    dense_layer,
    encoded_shape,
    image_shape,
    merged_layer,
    normalization,
    pooling,
    reshape,
    weighted,
)

if TYPE_CHECKING:
    import keras

TABLE, WINDOW = "table", "window"
"""The names of the part that all columns without a shape are, and of the part that all windows are."""
HIDDEN = Hidden(
    batch_normalization="before", normalization_momentum=0.9, initializer=PlainInitializer(kind="he_normal")
)
"""The hidden layers of convolutions on a part."""
CAUSAL = Hidden(initializer=PlainInitializer(kind="he_normal"))
"""Those of causal convolutions: batch normalization would hide the level of a window from them."""

NamedShapes = tuple[tuple[str, Shape], ...]
"""The names of parts with the shape of each."""


@dataclass(frozen=True)
class Part:
    """A named part of coded rows: the first places and the ends of its columns, and the column, or the rows of the columns without
    a shape. That of windows has a column for each step of each window, and the shape of the `steps` (steps, windows)."""

    name: str
    places: tuple[tuple[int, int], ...]
    column: Coded | Rows
    steps: Shape = ()

    @property
    def layer(self) -> Layer:
        """The layer that takes the part out of the rows."""
        shape = self.column.shape
        settings = {"places": self.places, "shape": () if isinstance(self.column, Rows) else shape}
        return Layer("", shape, keras="RowPart", settings=settings)


def parts_of(rows: Rows) -> tuple[Part, ...]:
    """The parts of rows: their columns without a shape, if there are any, then all windows, then each other column with a shape."""
    ends = list(accumulate(column.places for column in rows.columns))
    placed = [(column, (end - column.places, end)) for column, end in zip(rows.columns, ends, strict=True)]
    shaped = tuple(Part(column.part, (place,), column) for column, place in placed if not _merged_into(column))
    merged = {name: [each for each in placed if _merged_into(each[0]) == name] for name in (TABLE, WINDOW)}
    return *(_merged(name, own, rows, shaped) for name, own in merged.items() if own), *shaped


def _merged_into(column: Coded) -> str:
    """The part that a column shares with others; empty where it is one of its own."""
    return "" if column.shape and column.kind != "window" else WINDOW if column.shape else TABLE


def _merged(name: str, placed: Sequence[tuple[Coded, tuple[int, int]]], rows: Rows, shaped: Sequence[Part]) -> Part:
    """Several columns as one part with a name that no other part has."""
    columns, places = zip(*placed, strict=True)
    steps = (columns[0].places, len(columns)) if name == WINDOW else ()
    while name in {part.name for part in shaped}:
        name += "_"
    if not steps:
        return Part(name, places, Rows(columns, rows.encoding))
    return Part(name, places, Rows((Coded("window"),) * math.prod(steps), Encoding(numbers="standard")), steps)


def encoded_rows(rows: Rows) -> tuple[Rows, ...]:
    """The rows of each encoder of a network on these rows, in the order in which `tuner.networks.fitting` has their constants."""
    if not has_parts(rows):
        return (rows,)
    return tuple(each.column for each in parts_of(rows) if isinstance(each.column, Rows))


def has_parts(inputs: Inputs) -> TypeGuard[Rows]:
    """Whether a network gets its inputs as named parts."""
    return isinstance(inputs, Rows) and any(column.shape for column in inputs.columns)


def offered_shapes(inputs: Inputs) -> Shape | NamedShapes:
    """What a function's model gets for an example: the shape, or the name and the shape of each part."""
    if not has_parts(inputs):
        return encoded_shape(inputs)
    return tuple((part.name, list(offered_layers(part))[-1].output) for part in parts_of(inputs))


def offered_layers(part: Part) -> Iterator[Layer]:
    """The layers from coded rows to the part as a function's model gets it: encoded columns, standardized windows (steps, windows), a
    picture with values from 0 to 1, an array as it is, the numbers of a text's words."""
    yield part.layer
    if isinstance(part.column, Rows):
        yield InputEncoder(part.column).layer
        yield from _by_step(part.steps) if part.steps else ()
    elif part.column.kind == "picture":
        yield from FIRST_LAYERS["picture"](part.column.shape)


def offered_front(inputs: Inputs) -> tuple[Layer, ...]:
    """The layers between inputs as they are stored and a function's model."""
    if not has_parts(inputs):
        return (encoder_layer(inputs),) if isinstance(inputs, Rows) else ()
    return tuple(layer for part in parts_of(inputs) for layer in offered_layers(part))


def encoder_layer(rows: Rows) -> Layer:
    """The first layer of a family on rows: all columns encoded, side by side."""
    if not has_parts(rows):
        return InputEncoder(rows).layer
    stacks = [tuple(_encoded(part, rows)) for part in parts_of(rows)]
    layers = [layer for stack in stacks for layer in stack]
    lengths = tuple(map(len, stacks))
    return replace(
        merged_layer("row_parts", layers, _side_by_side, lengths=lengths, places=rows.shape), output=(rows.width,)
    )


def _encoded(part: Part, rows: Rows) -> Iterator[Layer]:
    """The layers from coded rows to a part's numbers."""
    yield part.layer
    if isinstance(part.column, Rows):
        yield InputEncoder(part.column).layer
        if part.steps and rows.encoding.window_filters:
            yield _convolved(part.steps, rows.encoding.window_filters)
        return
    shape = part.column.shape
    if part.column.kind not in FIRST_LAYERS:
        problem = (
            f"must be 'function' for the words of {part.name!r}; leave its format out, and they are encoded together"
        )
        raise Invalid("network.kind", problem)
    yield from FIRST_LAYERS[part.column.kind](shape)
    if not part.column.is_picture:
        yield from reshape(shape, (math.prod(shape),))
        return
    maps = image_shape(shape)
    yield from reshape(shape, maps)
    for filters in rows.encoding.filters:
        layer = convolution(maps, filters)
        layers = list(block(HIDDEN, layer, pooling(layer.output) if min(maps[:2]) > 1 else None))
        yield from layers
        maps = layers[-1].output
    yield bridge("flatten", maps)
    last = dense_layer(math.prod(maps), rows.encoding.picture_size)
    yield from (weighted(HIDDEN, last), normalization(HIDDEN, last.output))


def _by_step(steps: Shape) -> Iterator[Layer]:
    """From windows that follow each other to the values of all windows at each step."""
    yield Layer("", steps[::-1], keras="Reshape", settings={"target_shape": steps[::-1]})
    yield Layer("", steps, keras="Permute", settings={"dims": (2, 1)})


def _convolved(steps: Shape, filters: Shape) -> Layer:
    """The windows, and beside them what dilated causal convolutions find at their last step."""
    layers = list(_by_step(steps))
    for place, count in enumerate(filters):
        layers += block(CAUSAL, _causal_convolution(layers[-1].output, count, 2**place))
    layers.append(Layer("", (1, filters[-1]), keras="Cropping1D", settings={"cropping": (steps[0] - 1, 0)}))
    layers.append(Layer("", filters[-1:], keras="Flatten"))
    size = math.prod(steps)
    settings = {"lengths": (0, len(layers)), "places": (size,)}
    return replace(merged_layer("window_convolutions", layers, _side_by_side, **settings), output=(size + filters[-1],))


def _causal_convolution(inputs: Shape, filters: int, dilation: int, kernel: int = 3) -> Layer:
    """A convolution of steps (steps, channels) that sees no later step."""
    steps, channels = inputs
    weights = kernel * channels * filters
    return Layer(
        "causal_convolution",
        (steps, filters),
        trainable=weights + filters,
        multiply_adds=steps * weights,
        calculation=f"{kernel} × {channels} × {filters} + {filters}",
        keras="Conv1D",
        settings={"filters": filters, "kernel_size": kernel, "padding": "causal", "dilation_rate": dilation},
    )


def _of_bytes(shape: Shape) -> Iterator[Layer]:
    yield Layer("", shape, keras="Rescaling", settings={"scale": 1 / 255})


def _of_numbers(shape: Shape) -> Iterator[Layer]:
    yield normalization(HIDDEN, shape).with_settings(dtype="float32")


FIRST_LAYERS: Mapping[str, Callable[[Shape], Iterator[Layer]]] = {"picture": _of_bytes, "array": _of_numbers}
"""For each kind of column with a shape the layers that bring its numbers into a range that a network learns from."""


def _side_by_side(
    layers: "Sequence[keras.layers.Layer]", lengths: Sequence[int], places: tuple[int, ...]
) -> "keras.Model":
    """The model of stacks of so many layers each, whose outputs lie side by side; a stack without layers is the inputs."""
    import keras

    start, ends, rest = keras.Input(places), [], iter(layers)
    for length in lengths:
        inside = start
        for each in islice(rest, length):
            inside = each(inside)
        ends.append(inside)
    return keras.Model(start, keras.layers.concatenate(ends) if len(ends) > 1 else ends[0])
