"""The training of a recipe as code of plain Keras: learning rates, optimizer, loss, metric, callbacks, augmentation; and what differs."""

import inspect
from collections.abc import Container, Iterator

import keras

from tuner.deploy.keras_code import arguments
from tuner.recipe import Augmentation, CategoricalCrossentropy, OneCycle, Patience, Plateau, Recipe, SteppedRate
from tuner.recipe.training import FallingRate, LogCosine, Training
from tuner.training import schedules
from tuner.training.compiling import HalfSquaredError, MembersLoss
from tuner.training.fold_data import FoldData

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


def learning_rates(training: Training) -> tuple[list[str], str]:
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


def _monitor(name: str, metrics: Container[str]) -> str:
    """Keras's name of a metric, if it is one of these; else that of the loss."""
    own = name.removeprefix("validation_")
    return f"val_{own}" if own in ("accuracy", "r2") and own in metrics else "val_loss"


def callbacks_of(training: Training, metrics: Container[str]) -> Iterator[str]:
    """Keras's callbacks that end the training, and choose the weights; they watch one of these metrics."""
    callbacks = "keras.callbacks"
    keeps_best = training.keep == "best"
    if isinstance(schedule := training.schedule, Plateau):
        numbers = f"factor={schedule.factor}, patience={schedule.epochs}, min_delta={schedule.min_delta}"
        yield f"{callbacks}.ReduceLROnPlateau({_watched(schedule.monitor, metrics)}, {numbers})"
    if isinstance(stopping := training.early_stopping, Patience):
        numbers = f"patience={stopping.epochs}, min_delta={stopping.min_delta}, restore_best_weights={keeps_best}"
        yield f"{callbacks}.EarlyStopping({_watched(stopping.monitor, metrics)}, {numbers})"
    elif keeps_best:
        yield f"{callbacks}.EarlyStopping({_watched(training.keep_by, metrics)}, patience=EPOCHS, restore_best_weights=True)"


def _watched(monitor: str, metrics: Container[str]) -> str:
    name = _monitor(monitor, metrics)
    return f'"{name}", mode="{"min" if name == "val_loss" else "max"}"'


def optimizer_code(optimizer: keras.optimizers.Optimizer, training: Training) -> str:
    """Keras's optimizer in place of a faster one."""
    kinds = vars(keras.optimizers).values()
    kind = next(each for each in type(optimizer).mro() if each in kinds)
    config = {name: value for name, value in optimizer.get_config().items() if name not in ("rates", "epsilon_outside")}
    config |= {"use_ema": True, "ema_momentum": training.averaging} if training.averaging else {}
    others = arguments(kind, config)
    return f"keras.optimizers.{kind.__name__}(learning_rate(steps){', ' if others else ''}{others})"


def loss_code(loss: keras.losses.Loss, training: Training) -> str:
    """Keras's loss, or the one of ours that stands in the script."""
    if isinstance(loss, MembersLoss):
        return f"MembersLoss({loss_code(loss.loss, training)})"
    config = {name: value for name, value in loss.get_config().items() if name != "fn"}
    if isinstance(loss, HalfSquaredError):
        return "HalfSquaredError()"
    if isinstance(training.loss, CategoricalCrossentropy) and isinstance(loss, keras.losses.CategoricalCrossentropy):
        config["label_smoothing"] = training.loss.label_smoothing
    kinds = vars(keras.losses).values()
    kind = next(each for each in type(loss).mro() if each in kinds)
    return f"keras.losses.{kind.__name__}({arguments(kind, config)})"


def metric_code(recipe: Recipe) -> str:
    """The metric: the accuracy for the recipe's targets, or R²."""
    if recipe.data.task == "regression":
        return 'keras.metrics.R2Score(name="r2")'
    if recipe.network.output == "signed":
        return 'keras.metrics.MeanMetricWrapper(lambda y, p: keras.ops.cast(y * p > 0, "float32"), name="accuracy")'
    if recipe.network.output == "log_odds":
        right = 'keras.ops.cast((y > 0.5) == (p > 0), "float32")'
        return f'keras.metrics.MeanMetricWrapper(lambda y, p: {right}, name="accuracy")'
    if recipe.data.task == "multi_label":
        return 'keras.metrics.BinaryAccuracy(name="accuracy")'
    return '"accuracy"'


def augmentation_code(recipe: Recipe, fold: FoldData) -> list[str]:
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


def notes(training: Training, metrics: Container[str]) -> Iterator[str]:
    """What the script does in another way."""
    for name, note in LEFT_OUT.items():
        if getattr(training, name) != getattr(Training(), name):
            yield f"training.{name}: {note}"
    watched = [getattr(each, "monitor", "") for each in (training.schedule, training.early_stopping)]
    for name in {*watched, training.keep_by if training.keep == "best" else ""} - {"", "validation_loss"}:
        if _monitor(name, metrics) == "val_loss":
            yield f"{name}: val_loss is watched in its place"
    for name in LEFT_OUT_OF_IMAGES:
        if getattr(training.augmentation, name):
            yield f"training.augmentation.{name}: left out"
    for name in ("rates", "epsilon_outside"):
        if getattr(training.optimizer, name, None) not in (None, False, "equal"):
            yield f"training.optimizer.{name}: left out"
