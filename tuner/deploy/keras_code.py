"""Keras objects as the Python code that makes them: layers, losses, optimizers, whole networks."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import keras

from tuner.networks import columns, encoder
from tuner.networks.layers import (
    LocallyConnectedLayer,
    MembersDense,
    MembersOutput,
    RowEncoder,
    RowPart,
    locally_connected,
    members,
    row_encoder,
    row_part,
)
from tuner.training.with_scaling import PLAIN

MODULES: Mapping[type, tuple[ModuleType, ...]] = {
    RowEncoder: (columns, encoder, row_encoder),
    RowPart: (row_part,),
    MembersDense: (members,),
    MembersOutput: (members,),
    LocallyConnectedLayer: (locally_connected,),
}
"""Where the layers are written that Keras does not have."""
SUBSTITUTES = {"ActivityL1": "keras.regularizers.L1", "ElasticNet": "keras.regularizers.L1L2"}
OMITTED = {"data_format", "trainable", "learning_rate", "name"}
SHIMS = '''from dataclasses import dataclass

record = dataclass(frozen=True, kw_only=True)


def require(*_: object) -> None:
    """The values were checked before."""'''
"""What the modules of tables need of others."""


def functions_of(model: keras.Model, name: str = "build_network", own: keras.Model | None = None) -> Iterator[str]:
    """The functions that build a network: those of the networks in it first, but for `own`, which `own_network` builds."""
    names = {own.name: "own_network"} if own else {}
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.Model) and layer is not own:
            names[layer.name] = f"{name}_{place}"
            yield from functions_of(layer, names[layer.name])

    def code(layer: keras.layers.Layer) -> str:
        return f"{names[layer.name]}()" if layer.name in names else layer_code(layer)

    shape = tuple(model.input_shape[1:])
    head = f"def {name}() -> keras.Model:\n    "
    if isinstance(model, keras.Sequential):
        layers = "".join(f"\n            {each}," for each in (f"keras.Input({shape})", *map(code, model.layers)))
        yield f"{head}return keras.Sequential(\n        [{layers}\n        ]\n    )"
        return
    lines, variables = [f"start = keras.Input({shape})"], {id(model.inputs[0]): "start"}
    for number, layer in enumerate(model.layers[1:], start=1):
        node = next(
            each for each in layer._inbound_nodes if all(id(tensor) in variables for tensor in each.input_tensors)
        )
        variables[id(node.outputs[0])] = f"x{number}"
        lines.append(f"x{number} = {code(layer)}({_tensors_code(node.arguments.args[0], variables)})")
    yield head + "\n    ".join([*lines, f"return keras.Model(start, {variables[id(model.outputs[0])]})"])


def _tensors_code(tensors: Any, variables: Mapping[int, str]) -> str:
    """The argument of a layer: a tensor, or several in a list or by name."""
    if isinstance(tensors, dict):
        return "{" + ", ".join(f"{name!r}: {_tensors_code(each, variables)}" for name, each in tensors.items()) + "}"
    if isinstance(tensors, list | tuple):
        return f"[{', '.join(_tensors_code(each, variables) for each in tensors)}]"
    return variables[id(tensors)]


def sources_of(model: keras.Model, *classes: type) -> list[str]:
    """The source of each layer that Keras does not have, and of these classes."""
    found = dict.fromkeys(module for layer in model._flatten_layers() for module in MODULES.get(type(layer), ()))
    texts = [SHIMS] if columns in found else []
    texts += [re.sub(r"(?m)^from tuner[^\n(]*(\([^)]*\))?[^\n]*\n", "", inspect.getsource(each)) for each in found]
    texts += [inspect.getsource(each) for each in classes]
    return [_of_script(each) for each in texts]


def _of_script(source: str) -> str:
    """The source without its module's docstring and marks for type checkers, registered under another name."""
    text = re.sub(r'\A""".*?"""\n+', "", re.sub(r"  # type: ignore\S*", "", source), flags=re.DOTALL)
    return text.replace('serializable("tuner")', 'serializable("exported")').strip()


def layer_code(layer: keras.layers.Layer) -> str:
    """The call that makes a layer, with Keras's layer in place of a faster one."""
    kind, config = PLAIN.get(type(layer), type(layer)), layer.get_config()
    if type(layer) in MODULES:
        return f"{kind.__name__}.from_config({config!r})"
    return f"keras.layers.{kind.__name__}({arguments(kind, config, ['name'] if layer.name == 'output' else [])})"


def arguments(make: Callable[..., Any], config: Mapping[str, Any], wanted: list[str] = []) -> str:  # noqa: B006
    """The arguments whose values are not the defaults."""
    defaults = {name: each.default for name, each in inspect.signature(make).parameters.items()}
    given = {name: value for name, value in config.items() if name not in OMITTED or name in wanted}
    return ", ".join(
        f"{name}={code_of(value)}" for name, value in given.items() if not _is_default(value, defaults.get(name))
    )


def code_of(value: Any) -> str:
    """A value of a configuration."""
    match value:
        case {"class_name": "DTypePolicy", "config": {"name": name}}:
            return repr(name)
        case {"class_name": name, "config": config, "module": module}:
            place = SUBSTITUTES.get(name, f"{module}.{name}")
            make = getattr(getattr(keras, place.split(".")[-2]), place.split(".")[-1])
            return f"{place}({arguments(make, config)})"
        case float() if value in (float("inf"),):
            return 'float("inf")'
    return repr(value)


def _is_default(value: Any, default: Any) -> bool:
    match value:
        case {"class_name": "DTypePolicy", "config": {"name": "float32"}}:
            return True
        case {"class_name": name, "config": {}} if isinstance(default, str):
            return name.lower() == default.replace("_", "") and not value["config"]
    return bool(value == default)
