"""A recipe as a script of plain Keras, which builds and trains the same network on the data in the file beside it."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import keras
import numpy as np

from tuner.base.errors import DataError, StorageError, StudyError
from tuner.base.writing import output_path
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy.keras_code import arguments, functions_of, sources_of
from tuner.deploy.metadata import read_metadata, recipe_in
from tuner.networks import Function
from tuner.networks.build import build
from tuner.recipe import Augmentation, CategoricalCrossentropy, OneCycle, Patience, Plateau, Recipe, SteppedRate
from tuner.recipe.training import FallingRate, LogCosine, Training
from tuner.training import schedules
from tuner.training.compiling import HalfSquaredError, MembersLoss, compile_model
from tuner.training.fold_data import FoldData, fold_data

RATES = '''class Rates(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate for each step."""

    def __init__(self, values):
        self.values = keras.ops.convert_to_tensor(values, "float32")

    def __call__(self, step):
        return self.values[keras.ops.minimum(keras.ops.cast(step, "int32"), len(self.values) - 1)]

    def get_config(self):
        return {"values": np.asarray(self.values).tolist()}'''
OWN_SCHEDULES = {FallingRate: ("_eased", "_falling"), OneCycle: ("_eased", "_one_cycle"), LogCosine: ("_eased",)}
LEFT_OUT = {
    "averaging": "the average of the weights has no faster start",
    "lean_epochs": "no epoch is shortened",
    "bootstrap": "the examples are not drawn with replacement",
    "adversarial": "no batch is attacked",
    "callbacks": "the study's own callbacks are left out",
    "regularization": "dropout and weight decay do not fall",
}
"""Fields of a training that plain Keras lacks, where they are not at their defaults."""
LEFT_OUT_OF_IMAGES = ("elastic", "erase", "mixup")


def export_code(model: Path, out: Path, places: Places) -> list[Path]:
    """Write the script of a saved model's recipe, and its data (.npz). Raises `TunerError` for a model without a recipe or data
    that is no longer there."""
    if out.suffix != ".py":
        raise StorageError(f"--out {out}: must end in .py for --as code")
    metadata = read_metadata(model)
    if not metadata:
        raise DataError(f"{model}: has no metadata beside it, and so no recipe to write as code")
    recipe, data = recipe_in(metadata, model), out.with_suffix(".npz")
    if isinstance(recipe.network, Function):
        raise StudyError(f"--as code: the network is made by {recipe.network.source}, which is code already")
    fold = fold_data(recipe, training_set(recipe.data, places), 0)
    with output_path(data) as path, path.open("wb") as file:
        np.savez_compressed(file, **_arrays(recipe, fold))
    with output_path(out) as path:
        path.write_text(script_of(recipe, fold, out), encoding="utf-8")
    return [out, data]


def script_of(recipe: Recipe, fold: FoldData, out: Path) -> str:
    """The script, for a file of this name."""
    training, network = recipe.training, build(recipe.network, fold.inputs, fold.outputs, recipe.seed, fold.constants)
    compile_model(network, recipe)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    template = environment.from_string(Path(__file__).with_name("network.py.j2").read_text(encoding="utf-8"))
    losses = network.loss, getattr(network.loss, "loss", None)  # of an ensemble, the one of each member
    own = [each for each in (HalfSquaredError, MembersLoss) if any(isinstance(loss, each) for loss in losses)]
    rates, factors = _rates(training)
    sources = [*sources_of(network, *own), *rates]
    return template.render(
        title=recipe.summary,
        script=out.name,
        data_name=out.with_suffix(".npz").name,
        model=out.with_suffix(".keras").name,
        notes=list(_notes(recipe)),
        needs_math=any("math." in each for each in sources),
        has_tensors=bool(_images(recipe, fold)) or any("tf." in each for each in sources),
        constants=[f"constant_{number}" for number in range(len(fold.constants))],
        seed=recipe.seed,
        epochs=training.epochs,
        batch=training.batch_size,
        sources=sources,
        functions=list(functions_of(network)),
        rate=training.optimizer.learning_rate,
        factors=factors,
        callbacks=list(_callbacks(recipe)),
        optimizer=_optimizer(network.optimizer, training),
        loss=_loss(network.loss, training),
        metric=_metric(recipe),
        augmentation=_images(recipe, fold),
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


def _rates(training: Training) -> tuple[list[str], str]:
    """The functions of a schedule, and the expression of its factors by step; empty for a constant rate."""
    match training.schedule:
        case SteppedRate(every=every, factor=factor):
            return [RATES], f"{factor} ** (done // steps // {every})"
        case FallingRate() | OneCycle() as schedule:
            names = OWN_SCHEDULES[type(schedule)]
            values = ", ".join(f"{name}={value!r}" for name, value in vars(schedule).items())
            factors = f"{names[-1]}(SimpleNamespace({values}), done, total)"
        case LogCosine(cycles=cycles):
            names = OWN_SCHEDULES[LogCosine]
            factors = f"_eased(0.0, 1.0, 2 * np.log2(1 + {2**cycles - 1} * (done + 0.5) / total))"
        case _:
            return [], ""
    return [RATES, *(inspect.getsource(getattr(schedules, name)).strip() for name in names)], factors


def _monitor(name: str) -> str:
    """Keras's name of a metric."""
    return {"validation_accuracy": "val_accuracy", "validation_r2": "val_r2"}.get(name, "val_loss")


def _callbacks(recipe: Recipe) -> Iterator[str]:
    training, callbacks = recipe.training, "keras.callbacks"
    keeps_best = training.keep == "best"
    if isinstance(schedule := training.schedule, Plateau):
        numbers = f"factor={schedule.factor}, patience={schedule.epochs}, min_delta={schedule.min_delta}"
        yield f"{callbacks}.ReduceLROnPlateau({_watched(schedule.monitor)}, {numbers})"
    if isinstance(stopping := training.early_stopping, Patience):
        numbers = f"patience={stopping.epochs}, min_delta={stopping.min_delta}, restore_best_weights={keeps_best}"
        yield f"{callbacks}.EarlyStopping({_watched(stopping.monitor)}, {numbers})"
    elif keeps_best:
        yield f"{callbacks}.EarlyStopping({_watched(training.keep_by)}, patience=EPOCHS, restore_best_weights=True)"


def _watched(monitor: str) -> str:
    name = _monitor(monitor)
    return f'"{name}", mode="{"min" if name == "val_loss" else "max"}"'


def _optimizer(optimizer: keras.optimizers.Optimizer, training: Training) -> str:
    """Keras's optimizer in place of a faster one."""
    kinds = vars(keras.optimizers).values()
    kind = next(each for each in type(optimizer).mro() if each in kinds)
    config = {name: value for name, value in optimizer.get_config().items() if name not in ("rates", "epsilon_outside")}
    config |= {"use_ema": True, "ema_momentum": training.averaging} if training.averaging else {}
    others = arguments(kind, config)
    return f"keras.optimizers.{kind.__name__}(learning_rate(steps){', ' if others else ''}{others})"


def _loss(loss: keras.losses.Loss, training: Training) -> str:
    if isinstance(loss, MembersLoss):
        return f"MembersLoss({_loss(loss.loss, training)})"
    config = {name: value for name, value in loss.get_config().items() if name != "fn"}
    if isinstance(loss, HalfSquaredError):
        return "HalfSquaredError()"
    if isinstance(training.loss, CategoricalCrossentropy):
        config["label_smoothing"] = training.loss.label_smoothing
    kinds = vars(keras.losses).values()
    kind = next(each for each in type(loss).mro() if each in kinds)
    return f"keras.losses.{kind.__name__}({arguments(kind, config)})"


def _metric(recipe: Recipe) -> str:
    if recipe.data.task == "regression":
        return 'keras.metrics.R2Score(name="r2")'
    if recipe.network.output == "signed":
        return 'keras.metrics.MeanMetricWrapper(lambda y, p: keras.ops.cast(y * p > 0, "float32"), name="accuracy")'
    return '"accuracy"'


def _images(recipe: Recipe, fold: FoldData) -> list[str]:
    """The layers of the augmentation."""
    settings, edge = recipe.training.augmentation, 'fill_mode="nearest"'
    if settings == Augmentation() or not isinstance(fold.inputs, tuple):
        return []
    height, width = (settings.shift / each for each in fold.inputs[:2]) if settings.shift else (0.0, 0.0)
    made = {
        'RandomFlip("horizontal")': settings.flip,
        f"RandomTranslation({height:.4g}, {width:.4g}, {edge})": settings.shift,
        f"RandomRotation({settings.rotate / 360:.4g}, {edge})": settings.rotate,
        f"RandomZoom({settings.zoom}, {edge})": settings.zoom,
    }
    return [f"keras.layers.{layer}" for layer, is_used in made.items() if is_used]


def _notes(recipe: Recipe) -> Iterator[str]:
    """What the script does in another way."""
    training = recipe.training
    for name, note in LEFT_OUT.items():
        if getattr(training, name) != getattr(Training(), name):
            yield f"training.{name}: {note}"
    watched = [getattr(each, "monitor", "") for each in (training.schedule, training.early_stopping)]
    for name in {*watched, training.keep_by if training.keep == "best" else ""} - {"", "validation_loss"}:
        if _monitor(name) == "val_loss":
            yield f"{name}: val_loss is watched in its place"
    for name in LEFT_OUT_OF_IMAGES:
        if getattr(training.augmentation, name):
            yield f"training.augmentation.{name}: left out"
    for name in ("rates", "epsilon_outside"):
        if getattr(training.optimizer, name, None) not in (None, False, "equal"):
            yield f"training.optimizer.{name}: left out"
