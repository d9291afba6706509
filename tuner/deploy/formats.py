"""A model in other formats, and what such a file says when it is loaded again."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tuner.base.errors import TunerError, require_packages
from tuner.deploy.portable import make_portable
from tuner.deploy.predictor import Predictor, traced
from tuner.networks.layers.row_coder import raw_dtype
from tuner.training.saving import load_model, on_codes

Quantize = Literal["none", "dynamic", "int8"]
Inputs = NDArray[Any]
Says = Callable[[Inputs], NDArray[np.float32]]
"""From coded rows or arrays to outputs, as the network gives them."""


def write_saved_model(predictor: Predictor, path: Path) -> None:
    """A folder for TensorFlow Serving: a table's columns by name as they are written, or arrays as they are stored."""
    archive = keras.export.ExportArchive()
    model = predictor.model
    archive.track(model)
    if predictor.coding is None:
        signature: Any = [tf.TensorSpec((None, *predictor.shape), tf.float32, name="inputs")]
    else:
        kinds = {column.name: raw_dtype(column.kind) for column in predictor.coding.columns}
        names = safe_names(predictor.columns)
        signature = [{name: tf.TensorSpec((None, 1), kinds[name], name=names[name]) for name in kinds}]
    archive.add_endpoint("serve", lambda inputs: model(inputs, training=False), input_signature=signature)
    with _quietly():
        archive.write_out(str(path), verbose=False)


def safe_names(columns: tuple[str, ...]) -> dict[str, str]:
    """Names that a SavedModel's signature can have, by column: letters, digits and underscores, each once."""
    found: dict[str, str] = {}
    for place, column in enumerate(columns):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", column)
        is_free = re.match("[A-Za-z]", plain) and plain not in found.values()
        found[column] = plain if is_free else f"column_{place}_{plain}"
    return found


def write_litert(predictor: Predictor, path: Path, quantize: Quantize, sample: Inputs) -> None:
    """A `.tflite` file on one coded row or array at a time: of any number LiteRT cannot tell all shapes. `dynamic` keeps weights in 8 bits, `int8` activations too, whose ranges the
    sample tells."""
    inner = _portable(predictor)
    one = traced(inner, predictor.shape, batch=1)
    frozen = convert_variables_to_constants_v2(one)  # LiteRT leaves variables empty
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], inner)
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        converter.representative_dataset = lambda: ([row[np.newaxis].astype(np.float32)] for row in sample[:200])
    with _quietly():
        path.write_bytes(converter.convert())


def write_onnx(predictor: Predictor, path: Path) -> None:
    """An `.onnx` file on coded rows or arrays. Raises `MissingPackage` without what writes it."""
    require_packages("ONNX", "onnx", "tf2onnx", "onnxruntime")
    with _quietly():
        _portable(predictor).export(str(path), format="onnx", verbose=False)


def _portable(predictor: Predictor) -> keras.Model:
    """The network alone, loaded anew, in operations that other formats have."""
    model = load_model(predictor.path)
    inner = model if predictor.coding is None else on_codes(model)[1]
    make_portable(inner)
    return inner


# Loaded again


def said_by_saved_model(predictor: Predictor, path: Path) -> Says:
    """What the folder's signature says; coded rows are first written as the table would have them."""
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    names = safe_names(predictor.columns)

    def says(inputs: Inputs) -> NDArray[np.float32]:
        if predictor.coding is None:
            arguments = {"inputs": tf.constant(inputs, tf.float32)}
        else:
            arguments = {names[name]: tf.constant(values) for name, values in raw_of(predictor, inputs).items()}
        found: NDArray[np.float32] = next(iter(serve(**arguments).values())).numpy()
        return found

    return says


def said_by_keras(predictor: Predictor, path: Path) -> Says:
    """What the copied model says."""
    return Predictor.load(path).network_says


def said_by_litert(predictor: Predictor, path: Path) -> Says:
    """What the file says in the interpreter, of ai-edge-litert where that is installed."""
    interpreter = _interpreter()(str(path))
    (about,), (told,) = interpreter.get_input_details(), interpreter.get_output_details()

    interpreter.allocate_tensors()

    def says_of(one: Inputs) -> NDArray[np.float32]:
        interpreter.set_tensor(about["index"], one[np.newaxis].astype(np.float32))
        interpreter.invoke()
        found: NDArray[np.float32] = interpreter.get_tensor(told["index"])
        return found

    return lambda inputs: np.concatenate([says_of(one) for one in inputs])


def _interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter


def said_by_onnx(predictor: Predictor, path: Path) -> Says:
    """What the file predicts in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def says(inputs: Inputs) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {name: inputs.astype(np.float32)})[0]
        return found

    return says


def raw_of(predictor: Predictor, codes: Inputs) -> Mapping[str, NDArray[Any]]:
    """Coded rows as the table would have them, (n, 1) a column; what was unseen is so again."""
    assert predictor.coding is not None
    found: dict[str, NDArray[Any]] = {}
    place = 0
    for column in predictor.coding.columns:
        values = codes[:, place : place + column.places].astype(np.float64)
        place += column.places
        match column.kind:
            case "number":
                found[column.name] = values + column.origin
            case "date":
                found[column.name] = values * 86_400.0
            case _:
                words = np.array(["", UNSEEN_WORD, *column.values], object)[values.astype(int)]
                found[column.name] = np.array([" ".join(filter(None, row)) for row in words], object)[:, np.newaxis]
    return found


UNSEEN_WORD = "unseen_2f1c"
"""A word that nobody writes."""


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings that only the converters' authors can mend. Raises `TunerError` for what they cannot convert."""
    log = tf.get_logger()
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel("ERROR")
        try:
            yield
        except TunerError:
            raise
        except Exception as error:  # converters raise whatever comes to them
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TunerError(f"the model cannot be converted: {reason}") from error
        finally:
            log.setLevel(level)
