"""Models on disk: `.keras` files that contain the scaling and take inputs as the data set stores them."""

import json
import math
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid, first_line
from tuner.base.metric_functions import SMALLEST_PROBABILITY
from tuner.base.writing import atomic_path
from tuner.data.examples import Examples
from tuner.data.ingest.columns import Coding
from tuner.networks import Function
from tuner.networks.layers import RowCoder
from tuner.networks.sources import names_around
from tuner.recipe import Recipe, Views
from tuner.result import Scores
from tuner.training.augmentation import views_of
from tuner.training.compiling import loss_of, metric_of
from tuner.training.evaluation import scores_in_float32
from tuner.training.parts import Scaler
from tuner.training.targets import target_scales, targets

EVERYTHING = "trained_on_everything"
"""The name of the network that is trained on everything, in the average with those of the folds."""

CODER, ON_CODES = "rows", "on_codes"
"""The names of the coder and of the model on coded rows, in a saved model on a table."""

MADE_BY = "function.json"
"""The file in a saved model with the function of the user's that made it."""

UNSCALED = Scaler(np.zeros((), np.float32), np.ones((), np.float32))
"""The scaler for saved models, which contain their scaling."""


def save_models(models: Sequence[keras.Model], recipe: Recipe, path: Path) -> None:
    """Write models of one recipe (`with_scaling`), the last one trained on everything, as one model, their average. That of softmax
    outputs is of their logarithms: their common confidence, for which the final model's temperature is chosen, stays as it is. Keras
    alone can load it, except for locally connected layers, ensembles and networks on tables, which need `tuner.networks.layers`."""
    if len(models) > 1:
        inputs = keras.Input(models[0].input_shape[1:])
        _name(models, "fold")
        models[-1].name = EVERYTHING
        outputs = [model(inputs) for model in models]
        if recipe.network.output == "softmax":
            average = keras.ops.softmax(keras.layers.Average(dtype="float32")(list(map(_logarithms, outputs))))
        else:
            average = keras.layers.Average(dtype=outputs[0].dtype)(outputs)
        models = [keras.Model(inputs, average, name="tuned")]
    _write(models[0], path, _function(recipe))


def _function(recipe: Recipe) -> Function | None:
    return recipe.network if isinstance(recipe.network, Function) else None


def _name(models: Sequence[keras.Model], name: str) -> None:
    """Give the models different names, as parts of one model."""
    for number, model in enumerate(models, start=1):
        model.name = f"{name}_{number}"


def _write(model: keras.Model, path: Path, function: Function | None = None) -> None:
    """Write the model; with what has made its classes, where that is a function of the user's."""
    with atomic_path(path) as temporary:
        model.save(temporary)
        if function:
            with zipfile.ZipFile(temporary, "a") as file:
                file.writestr(MADE_BY, json.dumps({"source": function.source, "sha256": function.sha256}))


def own_names(path: Path) -> dict[str, Any]:
    """The classes and functions around the function that made a saved model, from its file, which must not have changed; none for
    other models."""
    function = _made_by(path)
    return names_around(function.source, function.sha256) if function else {}


def _made_by(path: Path) -> Function | None:
    with zipfile.ZipFile(path) as file:
        return Function(**json.loads(file.read(MADE_BY))) if MADE_BY in file.namelist() else None


def save_average(
    paths: Sequence[Path],
    path: Path,
    views: Views = Views(),  # noqa: B008 (frozen)
    temperature: float = 1.0,
    coding: Coding | None = None,
    with_folds: bool = True,
) -> int:
    """Write the average of saved models, over the `views` of each image, as one model and return its number of parameters. Its
    probabilities are those at a `temperature`. With a table's `coding` it takes raw rows by the names of their columns. Without the
    folds' networks a model that averages them is the one on everything alone."""
    members = [load_model(each) for each in paths]
    if not with_folds:
        members = [next((each for each in model.layers if each.name == EVERYTHING), model) for model in members]
    _name(members, "member")
    function = next(filter(None, map(_made_by, paths)), None)
    inputs = keras.Input(members[0].input_shape[1:])
    seen = [views_of(inputs, part) for part in views.parts]
    outputs = []
    for member in members:
        for images in seen:
            repeats = 1 + (views.is_shifted and len(images) == 1)  # one image counts as much as two shifted ones
            outputs += [member(each) for each in images] * repeats
    output = outputs[0]
    if len(outputs) > 1:
        output = keras.layers.Average(dtype="float64" if output.dtype == "float64" else "float32")(outputs)
    if temperature != 1:
        output = _at_temperature(output, temperature)
    whole = keras.Model(inputs, output, name="tuned")
    _write(whole if coding is None else _on_raw_rows(whole, coding), path, function)
    return int(whole.count_params())


def _at_temperature(probabilities: Any, temperature: float) -> Any:
    """Probabilities raised to the power of the temperature's inverse, and scaled to a sum of 1."""
    return keras.ops.softmax(keras.ops.divide(_logarithms(probabilities), temperature))


def _logarithms(probabilities: Any) -> Any:
    return keras.ops.log(keras.ops.maximum(keras.ops.cast(probabilities, "float32"), SMALLEST_PROBABILITY))


def _on_raw_rows(model: keras.Model, coding: Coding) -> keras.Model:
    coder = RowCoder([encode(column) for column in coding.columns], name=CODER)
    raw = coder.raw_inputs()
    model.name = ON_CODES
    with _other_input_names():
        return keras.Model(raw, model(coder(raw)), name="tuned")


@contextmanager
def _other_input_names() -> Iterator[None]:
    """Without Keras's warning about columns such as `speed (km/h)`: its names of inputs cannot have a slash, their keys can."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
        yield


def on_codes(model: keras.Model) -> tuple[Coding, keras.Model]:
    """The coding of a model on raw rows, and its inner model on coded rows. Raises `ValueError` for other models."""
    coder = model.get_layer(CODER)
    return decode(Coding, {"columns": coder.columns}), model.get_layer(ON_CODES)


def takes_raw_rows(model: keras.Model) -> bool:
    """Whether a model takes a table's columns by their names."""
    return any(layer.name == CODER for layer in model.layers)


def load_model(path: Path) -> keras.Model:
    """A saved model; not compiled. No code of it runs. Classes of the user's come from the file of the function that made it, which must
    not have changed. Raises `Invalid` where that is gone."""
    with _other_input_names():
        try:
            return _loaded(path)
        except (TypeError, ValueError):
            made_by = _made_by(path)
            if made_by is None:
                raise
        with keras.saving.custom_object_scope(own_names(path)):
            try:
                return _loaded(path)
            except (TypeError, ValueError) as error:
                cure = "import its classes at the top of the function's file, and give them get_config"
                problem = f"the saved model of {made_by.source} cannot be read ({first_line(error)}); {cure}"
                raise Invalid("network.source", problem) from error


def weights_of(config: dict[str, Any]) -> int:
    """How many weights a model with this configuration has, which are not allocated."""

    def described() -> int:
        with keras.StatelessScope(initialize_variables=False):
            model: keras.Model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            return sum(math.prod(each.shape) for each in model.weights)

    with (
        _other_input_names(),
        ThreadPoolExecutor(1) as thread,
    ):  # each thread has its own list of weights to allocate later
        return thread.submit(described).result()


def _loaded(path: Path) -> keras.Model:
    model: keras.Model = keras.models.load_model(path, compile=False, safe_mode=True)
    return model


def in_float32(model: keras.Model) -> keras.Model:
    """A copy of the model that computes in float32, in whatever precision the model computes."""
    policy = r'("class_name": "DTypePolicy", "config": {"name": )"\w*float16"'
    plain = re.sub(policy, r'\1"float32"', json.dumps(keras.saving.serialize_keras_object(model)))
    copy: keras.Model = keras.saving.deserialize_keras_object(json.loads(plain))
    copy.set_weights(model.get_weights())
    return copy


def scores_of(outputs: NDArray[np.float32], recipe: Recipe, examples: Examples, classes: int) -> Scores:
    """Loss and metric of a saved model's outputs; in a regression standardized by these examples."""
    scales = target_scales(examples.labels, None) if recipe.data.task == "regression" else {}
    scale = scales.get(recipe.training.target_scale)
    wanted = targets(recipe, examples.labels, classes, scale)
    outputs = outputs if scale is None else scale.standardized(outputs)
    loss, metric = loss_of(recipe), metric_of(recipe)
    metric.update_state(wanted, outputs)
    return scores_in_float32(keras.ops.stack([loss(wanted, outputs), metric.result()]), (metric.name,))
