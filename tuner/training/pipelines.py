"""A `tf.data.Dataset` as bytes for another process: its graph, with the tensors, tables and random states that it has captured."""

from pickle import PicklingError
from typing import Any

IGNORE_STATE = 1
"""TensorFlow's `ExternalStatePolicy`: operations that draw random numbers are kept, and draw others there."""


def reduced(dataset: Any) -> tuple[Any, ...]:
    """What makes the dataset again, as `object.__reduce__` returns it. Raises `PicklingError` for one that needs this process."""
    import tensorflow as tf

    variant = tf.data.experimental.to_variant(dataset)
    content = tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=IGNORE_STATE).numpy()
    graph = tf.compat.v1.GraphDef.FromString(content)
    inner = [node for function in graph.library.function for node in function.node_def]
    if any("PyFunc" in node.op for node in (*graph.node, *inner)):
        raise PicklingError("a tf.data.Dataset that calls a Python function")
    constants = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
    files = [constants[node.input[1]] for node in graph.node if node.op.startswith("CacheDataset")]
    if any(tf.make_ndarray(each).item() for each in files):
        raise PicklingError("a tf.data.Dataset that caches in a file, which one process can write")
    own = {name: value for name, value in vars(dataset).items() if not name.startswith("_")}  # `class_names` of Keras
    return made, (content, dataset.element_spec), own


def made(content: bytes, element_spec: Any) -> Any:
    """The dataset of a graph."""
    import tensorflow as tf

    return tf.data.experimental.from_variant(tf.raw_ops.DatasetFromGraph(graph_def=content), element_spec)
