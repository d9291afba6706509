"""The part of a script of plain Keras that makes a function's network: the function's file lies beside the script and gets fixed answers."""

import inspect
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras

from tuner.base.writing import output_path
from tuner.deploy.answers import STAND_INS
from tuner.networks import Function
from tuner.networks.build import FunctionModel
from tuner.networks.function import is_model
from tuner.networks.sources import unchanged


@dataclass(frozen=True)
class OwnCode:
    """What a script has of a function's `model`: the `function` that makes it, and the `sources` that it needs; by their names the files
    beside the script, which are copied or, for a model, saved."""

    model: keras.Model
    function: str
    sources: tuple[str, ...] = ()
    files: Mapping[str, Path | keras.Model] = field(default_factory=dict)

    def write_files(self, folder: Path) -> list[Path]:
        """Write the files beside the script; their paths."""
        for name, content in self.files.items():
            with output_path(folder / name) as path:
                shutil.copyfile(content, path) if isinstance(content, Path) else content.save(path)
        return [folder / name for name in self.files]


def own_code(network: Function, made: FunctionModel, out: Path) -> OwnCode:
    """The code of a function of which the search has `made` this model, for the script `out`. Raises `Invalid` where its file has
    changed."""
    place, _, name = network.source.partition(":")
    stem, files = re.sub(r"\W", "_", out.stem), dict[str, Path | keras.Model]()
    called = "build_network" if made.whole is made.own else "own_network"
    head = f'def {called}() -> keras.Model:\n    """The network of {network.source}."""\n'
    if is_model(place):  # with its new last layer
        file = f"{stem}_network.keras"
        return OwnCode(made.own, f'{head}    return keras.models.load_model(HERE / "{file}")', files={file: made.own})
    module = place
    if place.endswith(".py"):
        module = f"{stem}_network"
        files[f"{module}.py"] = unchanged(place, network.sha256)
    (asked, answers), *others = made.arguments.items()
    stand_in, values = STAND_INS[asked]
    arguments = {each: repr(value) for each, value in others}
    if network.weights and "weights" in arguments:
        file = f"{stem}_{Path(network.weights).name}"
        files[file] = unchanged(network.weights, network.weights_sha256)
        arguments["weights"] = f'str(HERE / "{file}")'
    answer_lines = "".join(f"    {each!r}: {value!r},\n" for each, value in getattr(answers, values).items())
    text = ", ".join([f"{stand_in.__name__}(ANSWERS)", *(f"{each}={value}" for each, value in arguments.items())])
    made_by = f'{head}    keras.utils.set_random_seed(SEED)\n    return import_module("{module}").{name}({text})'
    return OwnCode(made.own, made_by, (f"ANSWERS = {{\n{answer_lines}}}", inspect.getsource(stand_in).strip()), files)
