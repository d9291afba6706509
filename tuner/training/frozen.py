"""The frozen part of a network computes the same in every epoch, and in every training that begins with the same weights: here it is
computed once. A layer of Keras's is frozen if it has no trainable weights, no statistics and nothing random, and so is all before it,
also within a network that is a layer of another: a base network with its last block unfrozen.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import cloudpickle
import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.models.functional import Functional, operation_fn
from numpy.typing import NDArray

from tuner.base.machine import cores, memory

BATCH = 256
LAYERS = (
    "activations convolutional core.dense core.einsum_dense core.identity merging normalization pooling preprocessing"
)
DETERMINISTIC = tuple(
    f"keras.src.{name}"
    for name in ("applications", "ops.nn", "ops.numpy", *(f"layers.{kind}" for kind in (*LAYERS.split(), "regularization", "reshaping")))
)  # fmt: skip
"""Modules whose layers compute the same from the same inputs, unless they have generators of random numbers. A user's own may not."""

Features = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a network without nested ones, and the numbers of its tensors."""

    node: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def arguments(self, values: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Its arguments, with values in place of tensors."""
        tensors = {id(each): values[number] for each, number in zip(self.node.input_tensors, self.inputs, strict=True)}
        args, kwargs = self.node.arguments.fill_in(tensors)
        return args, kwargs

    @property
    def is_frozen(self) -> bool:
        """Whether it computes the same in each epoch."""
        layer = self.node.operation
        by_keras = getattr(getattr(layer, "activation", None), "__module__", "keras").startswith("keras")
        if not by_keras or not type(layer).__module__.startswith(DETERMINISTIC):
            return False
        if not isinstance(layer, keras.Layer):
            return getattr(layer, "_auto_config", None) is not None  # its arguments are known
        has_statistics = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        may_change = layer.trainable_weights or layer._seed_generators or layer._layers or layer.activity_regularizer
        return not (may_change or has_statistics)

    @property
    def facts(self) -> Any:
        """All that its outputs depend on besides its inputs."""
        operation, arguments = self.node.operation, self.arguments({number: number for number in self.inputs})
        config = {name: value for name, value in operation.get_config().items() if name != "name"}
        weights = [each.numpy() for each in getattr(operation, "weights", ())]
        return type(operation).__qualname__, config, weights, arguments, self.inputs, self.outputs


@dataclass(frozen=True, eq=False)
class Parts:
    """A network in two parts: from its inputs to the tensors `cut`, and from there to its outputs."""

    graph: Functional
    frozen: Sequence[Step]
    rest: Sequence[Step]
    cut: Sequence[int]
    outputs: Sequence[int]

    def features(self, inputs: Any) -> dict[str, tf.Tensor]:
        """What the frozen part computes."""
        values = _run(self.frozen, dict(enumerate(self.graph._standardize_inputs(inputs))), training=False)
        return {f"{number:06}": values[number] for number in self.cut}

    def predictions(self, features: Mapping[str, tf.Tensor], training: bool | None) -> Any:
        """What the rest computes."""
        values = _run(self.rest, {int(name): value for name, value in features.items()}, training)
        flat = [values[number] for number in self.outputs]
        outputs = tree.pack_sequence_as(self.graph._outputs_struct, flat)
        return flat[0] if isinstance(outputs, list | tuple) and len(flat) == 1 else outputs


def parts_of(model: keras.Model) -> Parts | None:
    """The two parts of a network; None where no layer with weights is frozen, or all are."""
    if (graph := _graph(model)) is None:
        return None
    inputs = range(len(graph.inputs))
    steps, outputs = _steps(graph, inputs, count(len(inputs)))
    known, frozen, rest = set(inputs), [], []
    for step in steps:
        if known.issuperset(step.inputs) and step.is_frozen:
            frozen.append(step)
            known.update(step.outputs)
        else:
            rest.append(step)
    if not rest or not any(getattr(step.node.operation, "weights", ()) for step in frozen):
        return None
    needed = {number for step in rest for number in step.inputs} | set(outputs)
    return Parts(graph, frozen, rest, sorted(needed & known), outputs)


def features(parts: Parts, x: Any) -> Features | None:
    """What the frozen part computes from NumPy arrays, from the cache if it is there; None if it does not fit into memory."""
    flat = tree.flatten(x)
    key = hashlib.sha256(cloudpickle.dumps(([step.facts for step in parts.frozen], parts.cut)))
    for each in flat:
        key.update(f"{each.shape} {each.dtype}".encode())
        key.update(np.ascontiguousarray(each).data)
    if key.digest() not in _CACHE and (new := _computed(parts, x, len(flat[0]))):
        _CACHE[key.digest()] = new
        while sum(map(_bytes, _CACHE.values())) > _limit():
            _CACHE.popitem(last=False)
    return _CACHE.get(key.digest())


def _computed(parts: Parts, x: Any, examples: int) -> Features | None:
    specs = tree.map_structure(lambda each: tf.TensorSpec((None, *each.shape[1:]), each.dtype), x)
    compute, arrays = tf.function(parts.features, input_signature=[specs]), Features()
    for first in range(0, examples, BATCH):
        rows = slice(first, first + BATCH)
        part = tree.map_structure(lambda each, rows=rows: each[rows], x)
        batch = {name: each.numpy() for name, each in compute(part).items()}
        if not arrays and _bytes(batch) * examples > _limit() * min(BATCH, examples):
            return None
        for name, each in batch.items():
            arrays.setdefault(name, np.empty((examples, *each.shape[1:]), each.dtype))[rows] = each
    return arrays


def _run(steps: Sequence[Step], values: dict[int, Any], training: bool | None) -> dict[int, Any]:
    for step in steps:
        args, kwargs = step.arguments(values)
        outputs = operation_fn(step.node.operation, training=training)(*args, **kwargs)
        values.update(zip(step.outputs, tree.flatten(outputs), strict=True))
    return values


def _steps(graph: Functional, inputs: Sequence[int], numbers: Iterator[int]) -> tuple[list[Step], list[int]]:
    """The operations in their order, and the numbers of the outputs."""
    known, steps = dict(zip(map(id, graph.inputs), inputs, strict=True)), []
    nodes = (node for depth in sorted(graph._nodes_by_depth, reverse=True) for node in graph._nodes_by_depth[depth])
    for node in (each for each in nodes if not each.is_input):
        own, inner = tuple(known[id(each)] for each in node.input_tensors), _graph(node.operation)
        taken = inner.inputs if inner and len(inner.inputs) == 1 else []  # as they are, if ranks and types are equal
        if inner and [(x.ndim, x.dtype) for x in taken] == [(x.ndim, x.dtype) for x in node.input_tensors]:
            more, outputs = _steps(inner, own, numbers)
            steps += more
        else:
            outputs = [next(numbers) for _ in node.outputs]
            steps.append(Step(node, own, tuple(outputs)))
        known.update(zip(map(id, node.outputs), outputs, strict=True))
    return steps, [known[id(each)] for each in graph.outputs]


def _graph(operation: Any) -> Functional | None:
    """The graph of a functional or sequential model that calls it as Keras does."""
    if isinstance(operation, keras.Sequential) and type(operation).call is keras.Sequential.call:
        operation = operation._functional
    return operation if isinstance(operation, Functional) and type(operation).call is Functional.call else None


def _bytes(arrays: Features) -> int:
    return sum(each.nbytes for each in arrays.values())


def _limit() -> int:
    """The bytes that a process may keep: a quarter of the memory for the processes of all cores."""
    return memory() // (4 * cores())


_CACHE: OrderedDict[bytes, Features] = OrderedDict()
