"""A model in other formats: written in float32, loaded again, and its outputs computed."""

import re
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tuner.base.errors import TunerError, first_line, require_packages
from tuner.deploy.predictor import Predictor, traced
from tuner.networks.layers import RowEncoder
from tuner.networks.layers.row_coder import SECONDS_A_DAY, raw_dtype, raw_shape
from tuner.training import silenced
from tuner.training.saving import in_float32, on_codes

Array = NDArray[Any]
UNSEEN_WORD = "unseen_2f1c"
"""A word that no data has."""
MATRIX_PRODUCTS = {"FULLY_CONNECTED", "BATCH_MATMUL"}
"""The operations of LiteRT that `int8` quantizes in a table's model: its encoder compares numbers, and needs them exactly."""


def convert(predictor: Predictor, path: Path, format: str, quantize: str, inputs: Array) -> Array:
    """Write the model, load it again, and return its outputs for these coded rows or arrays as stored. Raises `MissingPackage`
    for ONNX without its packages, and `TunerError` with one line where a converter fails."""
    with warnings.catch_warnings(action="ignore"), silenced(2):  # only the authors of the converters can act on them
        try:
            return WRITERS[format](predictor, path, inputs, quantize)
        except TunerError:
            raise
        except Exception as error:  # converters and runtimes raise any exception
            reason = textwrap.shorten(first_line(error), 200, placeholder=" …")
            raise TunerError(f"the model cannot be converted and loaded again: {reason}") from error


def safe_names(columns: tuple[str, ...]) -> dict[str, str]:
    """Unique names of letters, digits and underscores by column, as a SavedModel's signature needs them."""
    names: dict[str, str] = {}
    for place, column in enumerate(columns):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", column)
        is_free = re.match("[A-Za-z]", plain) and plain not in names.values()
        names[column] = plain if is_free else f"column_{place}_{plain}"
    return names


def _keras(predictor: Predictor, path: Path, inputs: Array, quantize: str) -> Array:
    predictor.model.save(path)
    return Predictor.load(path).network_outputs(inputs)


def _saved_model(predictor: Predictor, path: Path, inputs: Array, quantize: str) -> Array:
    """A folder for TensorFlow Serving: its inputs are a table's columns by name as they are written, or arrays as stored."""
    archive, model, coding = keras.export.ExportArchive(), predictor.model, predictor.coding
    archive.track(model)
    names = safe_names(predictor.columns)
    if coding is None:
        signature: Any = [tf.TensorSpec((None, *predictor.shape), tf.float32, name="inputs")]
    else:
        signature = [
            {
                each.name: tf.TensorSpec(
                    (None, *raw_shape(each.kind, each.format)), raw_dtype(each.kind), name=names[each.name]
                )
                for each in coding.columns
            }
        ]
    archive.add_endpoint("serve", lambda inputs: model(inputs, training=False), input_signature=signature)
    archive.write_out(str(path), verbose=False)
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    if coding is None:
        arguments = {"inputs": tf.constant(inputs, tf.float32)}
    else:
        arguments = {names[name]: tf.constant(values) for name, values in _table_values(predictor, inputs).items()}
    outputs = serve(**arguments)
    return _side_by_side([np.asarray(outputs[name]) for name in sorted(outputs)])


def _side_by_side(arrays: Sequence[Array]) -> Array:
    """Several outputs as one array (n, numbers); a single one as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([each.reshape(len(each), -1) for each in arrays], axis=1)


def _litert(predictor: Predictor, path: Path, inputs: Array, quantize: str) -> Array:
    """A `.tflite` file with one coded row or array as input: LiteRT cannot infer all shapes for a batch of any size. `dynamic`
    keeps weights in 8 bits, `int8` activations too, with the ranges that they have on these inputs."""
    inner = _portable(predictor)
    examples = [example[np.newaxis].astype(np.float32) for example in inputs]
    frozen = convert_variables_to_constants_v2(traced(inner, predictor.shape, batch=1))  # LiteRT leaves variables empty
    if frozen.outputs[0].dtype == tf.float64:
        raise TunerError("LiteRT computes in float32, which cannot hold these targets: add --format onnx")
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], inner)
    is_partial = quantize == "int8" and predictor.coding is not None
    used = {each["op_name"] for each in _interpreter(converter.convert())._get_ops_details()} if is_partial else set()
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        converter.representative_dataset = lambda: ([each] for each in examples[:200])
    if is_partial:
        options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=sorted(used - MATRIX_PRODUCTS))
        settings = {"debug_dataset": converter.representative_dataset, "debug_options": options}
        converter = tf.lite.experimental.QuantizationDebugger(converter=converter, **settings)
    content = converter.get_nondebug_quantized_model() if is_partial else converter.convert()
    path.write_bytes(content)
    interpreter = _interpreter(content)
    interpreter.allocate_tensors()
    (first,), (last,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for example in examples:
        interpreter.set_tensor(first["index"], example)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(last["index"]))
    return np.concatenate(outputs)


def _onnx(predictor: Predictor, path: Path, inputs: Array, quantize: str) -> Array:
    """An `.onnx` file for coded rows or arrays."""
    require_packages("ONNX", "onnx", "tf2onnx", "onnxruntime")
    import onnxruntime
    import tf2onnx

    inner = _portable(predictor)
    signature = [tf.TensorSpec((None, *predictor.shape), tf.float32, name="inputs")]
    call = tf.function(lambda inputs: inner(inputs, training=False), input_signature=signature, autograph=False)
    tf2onnx.convert.from_function(call, signature, custom_op_handlers={"SelectV2": (_where, [])}, output_path=str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return _side_by_side(session.run(None, {session.get_inputs()[0].name: inputs.astype(np.float32)}))


def _where(context: Any, node: Any, name: str, settings: Any) -> None:
    """tf2onnx multiplies both choices by 0 or 1 and adds them, which makes a missing number (NaN) of any choice."""
    node.type = "Where"


def _table_values(predictor: Predictor, codes: Array) -> Mapping[str, Array]:
    """A table's columns (n, 1), or in their shape, from coded rows; unseen values become unseen words."""
    assert predictor.coding is not None
    columns: dict[str, Array] = {}
    for column, places in zip(predictor.coding.columns, predictor.coding.slices, strict=True):
        values = codes[:, places].astype(np.float64)
        match column.kind:
            case _ if column.shape:
                columns[column.name] = codes[:, places].reshape(-1, *column.shape)
            case "number":
                columns[column.name] = values + column.origin
            case "date":
                columns[column.name] = values * SECONDS_A_DAY
            case _:
                words = np.array(["", UNSEEN_WORD, *column.values], object)[values.astype(int)]
                columns[column.name] = np.array([" ".join(filter(None, row)) for row in words], object)[:, np.newaxis]
    return columns


def _interpreter(content: bytes) -> Any:
    """The interpreter of ai-edge-litert where that is installed, else TensorFlow's."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter
    return Interpreter(model_content=content)


def _portable(predictor: Predictor) -> keras.Model:
    """A copy of the network on coded rows or arrays, in operations that other formats have.

    It finds quantiles by comparing a value with all of them, since LiteRT and ONNX have no search in sorted numbers. The
    outputs are the same.
    """
    inner = in_float32(predictor.model if predictor.coding is None else on_codes(predictor.model)[1])
    for layer in inner._flatten_layers():
        if isinstance(layer, RowEncoder):
            object.__setattr__(layer, "count_knots", partial(_count_by_comparing, layer))
    return inner


def _count_by_comparing(layer: RowEncoder, values: Any) -> Any:
    knots = tf.convert_to_tensor(layer.knots)
    return tf.reduce_sum(tf.cast(knots[:, :, tf.newaxis] <= values[:, tf.newaxis, :], tf.int32), axis=1)


WRITERS: dict[str, Callable[[Predictor, Path, Array, str], Array]] = {
    "keras": _keras,
    "saved_model": _saved_model,
    "litert": _litert,
    "onnx": _onnx,
}
"""Each writes the model, loads it again, and returns its outputs for these coded rows or arrays as stored."""
