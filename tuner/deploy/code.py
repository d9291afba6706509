"""A recipe as a script of plain Keras, which builds and trains the same network on the data in the file beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import keras
import numpy as np

from tuner.base.errors import DataError, StorageError, StudyError
from tuner.base.writing import output_path
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.keras_code import functions_of, sources_of
from tuner.deploy.metadata import read_metadata, recipe_in
from tuner.deploy.own_code import OwnCode, own_code
from tuner.deploy.training_code import (
    augmentation_code,
    callbacks_of,
    learning_rates,
    loss_code,
    metric_code,
    notes,
    optimizer_code,
)
from tuner.networks import Function
from tuner.networks.build import build, from_function
from tuner.networks.sources import PYTHON
from tuner.recipe import Recipe
from tuner.training.compiling import HalfSquaredError, MembersLoss, as_compiled, compile_model
from tuner.training.fold_data import FoldData, fold_data


@dataclass(frozen=True)
class Prepared:
    """A compiled network and its recipe, with the loss of the network where a function compiled it; the code of that function."""

    network: keras.Model
    recipe: Recipe
    is_compiled: bool = False
    own: OwnCode | None = None

    @property
    def metrics(self) -> set[str]:
        """Keras's names of the metrics."""
        if not self.is_compiled:
            return {"accuracy", "r2"}
        own = keras.tree.flatten(self.network._compile_config.config["metrics"])
        return {each if isinstance(each, str) else getattr(each, "name", "") for each in own}


def export_code(model: Path, out: Path, places: Places) -> list[Path]:
    """Write the script of a saved model's recipe, its data (.npz), and the file of a function. Raises `TunerError` for a model without
    a recipe, or data or a function that are no longer there."""
    if out.suffix != ".py":
        raise StorageError(f"--out {out}: must end in .py for --as code")
    metadata = read_metadata(model)
    if not metadata:
        raise DataError(f"{model}: has no metadata beside it, and so no recipe to write as code")
    recipe, data = recipe_in(metadata, model), out.with_suffix(".npz")
    _require_writable(recipe, out)
    fold = fold_data(recipe, training_set(recipe.data, places), 0)
    prepared = prepare(recipe, fold, out)
    with output_path(data) as path, path.open("wb") as file:
        np.savez_compressed(file, **_arrays(prepared.recipe, fold))
    files = prepared.own.write_files(out.parent) if prepared.own else []
    with output_path(out) as path:
        path.write_text(script_of(prepared, fold, out), encoding="utf-8")
    return [out, data, *files]


def _require_writable(recipe: Recipe, out: Path) -> None:
    """Raise `StudyError` for a function that no file has, its own file as the script, targets of one's own, and phases."""
    if recipe.data.task == "custom":
        cure = "call it with `inputs` and `outputs`, and fit its model on your arrays"
        raise StudyError(f"--as code: the function compiles its model for targets of your own: {cure}")
    place, _, name = recipe.network.source.partition(":") if isinstance(recipe.network, Function) else ("", "", "")
    if place == PYTHON:
        cure = f"save it in a file such as my_nets.py, and search with network=my_nets.{name}"
        raise StudyError(f"--as code: {name} only existed in the Python process that began the study; {cure}")
    if place and out.resolve() == Path(place).resolve():
        raise StorageError(f"--out {out}: is the file of the function itself; choose another name")
    if recipe.training.phases:
        raise StudyError("--as code: the training has phases, and a script has a single fit; export the model itself")


def prepare(recipe: Recipe, fold: FoldData, out: Path) -> Prepared:
    """The recipe's network, for a script of this name."""
    function, arguments = recipe.network, (fold.inputs, fold.outputs, recipe.seed, fold.constants)
    if not isinstance(function, Function):
        network = build(function, *arguments)
        compile_model(network, recipe)
        return Prepared(network, recipe)
    made = from_function(function, *arguments)
    is_compiled, recipe = made.whole.compiled, as_compiled(made.whole)(recipe)
    compile_model(made.whole, recipe)
    return Prepared(made.whole, recipe, is_compiled, own_code(function, made, out))


def script_of(prepared: Prepared, fold: FoldData, out: Path) -> str:
    """The script, for a file of this name."""
    network, recipe, own = prepared.network, prepared.recipe, prepared.own
    training = recipe.training
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    template = environment.from_string(Path(__file__).with_name("network.py.j2").read_text(encoding="utf-8"))
    losses = network.loss, getattr(network.loss, "loss", None)  # of an ensemble, the one of each member
    classes = [each for each in (HalfSquaredError, MembersLoss) if any(isinstance(loss, each) for loss in losses)]
    rates, factors = (
        learning_rates(training) if hasattr(getattr(network.optimizer, "learning_rate", None), "assign") else ([], "")
    )
    sources = [*sources_of(network, *classes), *rates, *(own.sources if own else ())]
    is_whole = own is not None and network is own.model
    functions = [own.function] if own else []
    functions += [] if is_whole else functions_of(network, own=own.model if own else None)
    return template.render(
        title=recipe.summary,
        script=out.name,
        data_name=out.with_suffix(".npz").name,
        model=out.with_suffix(".keras").name,
        notes=list(notes(training, prepared.metrics)),
        needs_math=any("math." in each for each in sources),
        needs_scopes=any("@contextmanager" in each for each in sources),
        has_tensors=bool(augmentation_code(recipe, fold)) or any("tf." in each for each in sources),
        constants=[f"constant_{number}" for number in range(len(fold.constants))],
        seed=recipe.seed,
        epochs=training.epochs,
        batch=training.batch_size,
        own=own,
        compiled="" if not prepared.is_compiled else "whole" if is_whole else "inside",
        sources=sources,
        functions=functions,
        rate=training.optimizer.learning_rate,
        factors=factors,
        callbacks=list(callbacks_of(training, prepared.metrics)),
        optimizer="" if prepared.is_compiled else optimizer_code(network.optimizer, training),
        loss="" if prepared.is_compiled else loss_code(network.loss, training),
        metric=metric_code(recipe),
        augmentation=augmentation_code(recipe, fold),
        shuffle=training.shuffle,
    )


def _arrays(recipe: Recipe, fold: FoldData) -> dict[str, Any]:
    scale, *parts, _ = fold.for_loop(recipe)
    arrays: dict[str, Any] = {"offset": scale.offset, "factor": scale.factor}
    for name, part in zip(("train", "valid"), parts, strict=True):
        if part is not None:
            arrays |= {f"x_{name}": part.inputs.numpy(), f"y_{name}": part.targets.numpy()}
            arrays |= {} if part.weights is None else {f"w_{name}": part.weights.numpy()}
    return arrays | {f"constant_{number}": each for number, each in enumerate(fold.constants)}
