"""What a function's model returns, beside what the data need: numbers for classes, labels or targets, or whatever its own loss takes."""

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import keras
import numpy as np

from tuner.base.errors import Invalid
from tuner.networks.function import Call, FunctionOutput
from tuner.networks.layer import Shape
from tuner.networks.parts import NamedShapes
from tuner.networks.sources import described


def overrides(model: keras.Model, *names: str) -> bool:
    """Whether the class of a model has one of these methods of its own."""
    return any(getattr(type(model), name) is not getattr(keras.Model, name) for name in names)


def as_offered(targets: NamedShapes) -> Shape | dict[str, Shape]:
    """What a function gets as its `outputs`: the shape of the only target, or the shapes of several by name."""
    return dict(targets) if [name for name, _ in targets] != [""] else targets[0][1]


def symbolic_outputs(model: keras.Model, shape: tuple[int | None, ...]) -> Any:
    """The outputs of a model for inputs of a shape, as Keras tensors in the form in which the model returns them."""
    own = getattr(getattr(model, "_functional", None) or model, "_outputs_struct", None)
    own = model(keras.KerasTensor((None, *shape), "float32")) if own is None else own
    return own[0] if isinstance(own, list | tuple) and len(own) == 1 else own


def flat(outputs: Any) -> Any:
    """Several outputs side by side (n, numbers); a single one as it is."""
    if not isinstance(outputs, dict | list | tuple):
        return outputs
    rows = [
        keras.ops.cast(keras.ops.reshape(each, (-1, math.prod(each.shape[1:]))), "float32")
        for each in keras.tree.flatten(outputs)
    ]
    return keras.ops.concatenate(rows, axis=1)


def output_parts(model: keras.Model) -> NamedShapes:
    """The names and shapes of the outputs of a model, in the order in which they lie side by side; a single one has no name."""
    outputs = symbolic_outputs(model, model.input_shape[1:])
    if not isinstance(outputs, dict | list | tuple):
        return (("", tuple(outputs.shape[1:])),)
    inner = model.layers[-1] if isinstance(model, keras.Sequential) else model
    names = list(outputs) if isinstance(outputs, dict) else inner.output_names
    form = {name: name for name in names} if isinstance(outputs, dict) else names
    shapes = (tuple(each.shape[1:]) for each in keras.tree.flatten(outputs))
    return tuple(zip(keras.tree.flatten(form), shapes, strict=True))


def flat_names(targets: NamedShapes) -> tuple[str, ...]:
    """A name for each number of the targets: `box[0]`, `box[1]`; `age` for a target that is one number."""
    places = ((name or "y", shape, place) for name, shape in targets for place in range(math.prod(shape)))
    return tuple(f"{name}[{place}]" if shape else name for name, shape, place in places)


def taken_apart(targets: NamedShapes, numbers: Any) -> dict[str, Any]:
    """Flat targets (n, numbers) as arrays (n, *shape) by name."""
    ends = [0, *accumulate(math.prod(shape) for _, shape in targets)]
    pieces = zip(targets, ends, ends[1:], strict=False)
    return {name: keras.ops.reshape(numbers[:, start:end], (-1, *shape)) for (name, shape), start, end in pieces}


def in_form(model: keras.Model, outputs: Any, by_name: Mapping[str, Any]) -> Any:
    """Targets in the form of a model's outputs, as Keras wants them: by their names, or in their order. Raises `LookupError` where the
    outputs have other names, or another number."""
    values = list(by_name.values())
    if not isinstance(outputs, dict | list | tuple):
        return values[0] if len(values) == 1 else dict(by_name)
    names = list(outputs) if isinstance(outputs, dict) else list(getattr(model, "output_names", None) or by_name)
    if len(names) != len(values):
        raise LookupError
    if isinstance(outputs, dict):
        return {name: values[0] if "" in by_name else by_name[name] for name in names}
    return [by_name[name] for name in names] if set(names) == set(by_name) else values


def described_output(model: keras.Model, outputs: Any, call: Call) -> FunctionOutput:
    """What the outputs of a model are. Raises `Invalid` where they are not those of the data, or do not fit its loss."""
    if not isinstance(call.outputs, int):
        _require_own_targets(model, outputs, call, call.outputs)
        return "custom"
    if isinstance(outputs, dict | list | tuple):
        cure = "for several outputs pass y as a dictionary with an array for each output"
        problem = f"{call.name}: its model has {len(outputs)} outputs, and the data have one target"
        raise Invalid("network.source", f"{problem}; {cure}")
    numbers = np.asarray(outputs)
    allowed = {call.outputs, *([1] if call.is_binary else [])}
    if numbers.ndim != 2 or numbers.shape[1] not in allowed:
        rule = " or ".join(f"({each},)" for each in sorted(allowed, reverse=True))
        problem = f"{call.name}: the outputs of its model have the shape {numbers.shape[1:]}, the data need {rule}"
        raise Invalid("network.source", problem)
    output = _output(model, numbers, call)
    if call.task == "multi_label" and output != "sigmoid":
        problem = f"{call.name}: the last layer of its model must have the activation sigmoid for labels"
        raise Invalid("network.source", problem)
    _require_fit(model, numbers, call, np.zeros(numbers.shape, np.float32), np.zeros(len(numbers), np.int32))
    return output


def metric_names(model: keras.Model) -> tuple[str, ...]:
    """The metrics that a validation computes of a model that a function has compiled: none where only its own train step counts them."""
    is_own = overrides(model, "train_step") and not overrides(model, "test_step")
    if not model.compiled or is_own:
        return ()
    unbuilt = [each for each in (model._compile_metrics,) if each is not None and not each.built]
    return () if unbuilt else tuple(name for name in model.get_metrics_result() if name != "loss")


def _require_own_targets(model: keras.Model, outputs: Any, call: Call, targets: NamedShapes) -> None:
    if not (model.compiled or overrides(model, "train_step")):
        cure = "its last line before the return is model.compile(optimizer, loss)"
        raise Invalid(
            "network.source",
            f"{call.name} must compile its model, since targets of your own have no usual loss: {cure}",
        )
    numbers = np.zeros((2, len(flat_names(targets))), np.float32)
    is_one = not isinstance(outputs, dict | list | tuple)
    try:
        if is_one and len(targets) > 1 and not overrides(model, "train_step", "compute_loss"):
            raise LookupError
        truth = in_form(model, outputs, taken_apart(targets, numbers))
    except LookupError:
        own = list(outputs) if isinstance(outputs, dict) else ["one array" if is_one else f"{len(outputs)} in a list"]
        names = ", ".join(name or "a single one" for name, _ in targets)
        problem = f"{call.name}: the outputs of its model are {', '.join(own)}, and the targets are {names}"
        raise Invalid("network.source", f"{problem}; give them the same names") from None
    _require_fit(model, outputs, call, truth)


def _require_fit(model: keras.Model, outputs: Any, call: Call, *truths: Any) -> None:
    """Raise `Invalid` where the loss that a model was compiled with takes none of these targets. Makes its metrics for the first that it
    takes."""
    if overrides(model, "train_step", "compute_loss") or not model.compiled or model._compile_loss is None:
        return
    problem: Exception | None = None
    for truth in truths:
        try:
            tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, (truth, outputs))
            model._compile_loss(*tensors)
            if model._compile_metrics is not None and not model._compile_metrics.built:
                model._compile_metrics.build(*tensors)
            return
        except Exception as error:
            problem = problem or error
    assert problem is not None
    shapes = keras.tree.map_structure(lambda each: tuple(each.shape[1:]), outputs)
    what = f"{call.name}: its loss does not fit targets of the shape {shapes}: it"
    raise Invalid("network.source", described(problem, what)) from problem


def _output(model: keras.Model, numbers: Any, call: Call) -> FunctionOutput:
    activation = _last_activation(model)
    if call.is_binary and numbers.shape[1] == 1:
        return {"sigmoid": "probability", "tanh": "signed"}.get(activation, "log_odds")  # type: ignore[return-value]
    sums_to_one = numbers.shape[1] > 1 and np.allclose(numbers.sum(axis=1), 1.0, atol=1e-3) and (numbers >= 0).all()
    if activation == "softmax" or sums_to_one:
        return "softmax"
    return "sigmoid" if activation == "sigmoid" else "linear"


def _last_activation(model: keras.Model) -> str:
    """The name of the last layer's activation; empty where there is none."""
    last = model.layers[-1] if model.layers else None
    if isinstance(last, keras.Model):
        return _last_activation(last)
    is_softmax = isinstance(last, keras.layers.Softmax)
    return "softmax" if is_softmax else getattr(getattr(last, "activation", None), "__name__", "")
