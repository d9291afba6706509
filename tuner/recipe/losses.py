"""Losses by their Keras names, with Keras's names for all options."""

from typing import Literal

from tuner.base.metrics import Task
from tuner.base.ranges import Positive, Rate, record


@record
class PlainLoss:
    """A loss without options, by its Keras name; `half_squared_error` is the Playground's ½(y - ŷ)²."""

    kind: Literal[
        "sparse_categorical_crossentropy",
        "kl_divergence",
        "mean_squared_error",
        "half_squared_error",
        "categorical_hinge",
        "poisson",
        "binary_crossentropy",
        "mean_absolute_error",
    ]


@record
class CategoricalCrossentropy:
    """Cross-entropy with one-hot targets; `label_smoothing` spreads that share of the target evenly over all classes."""

    kind: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    label_smoothing: Rate = 0.0


@record
class Huber:
    """Half the squared error up to `delta`, linear beyond it, so that outliers count less (Huber 1964). Targets are
    standardized: 1 is a standard deviation of the training part."""

    kind: Literal["huber"] = "huber"
    delta: Positive = 1.0


Loss = PlainLoss | CategoricalCrossentropy | Huber

LOSSES: dict[Task, tuple[str, ...]] = {
    "classification": (
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "kl_divergence",
        "mean_squared_error",
        "half_squared_error",
        "categorical_hinge",
        "poisson",
    ),
    "multi_label": ("binary_crossentropy",),
    "regression": ("mean_squared_error", "mean_absolute_error", "huber"),
    "custom": ("mean_squared_error",),
}
"""The losses of each task; that of `custom` has no effect, since a function's model has its own."""


def wants_class_numbers(loss: Loss) -> bool:
    """Whether its targets are class numbers instead of one-hot rows."""
    return loss.kind == "sparse_categorical_crossentropy"
