"""Losses, by their Keras names: what each wants as targets, and which outputs it is for."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tuner.base.errors import require_positive, require_rates
from tuner.base.metrics import Task


@dataclass(frozen=True, kw_only=True)
class PlainLoss:
    """A loss without numbers of its own, by its Keras name; `half_squared_error` is the Playground's ½(y - ŷ)²."""

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

    @property
    def wants_class_numbers(self) -> bool:
        """Whether its targets are class numbers, and not one-hot rows."""
        return self.kind == "sparse_categorical_crossentropy"

    @property
    def blends_targets(self) -> bool:
        """Whether its targets can be a mixture of classes."""
        return self.kind != "sparse_categorical_crossentropy" and self.kind != "categorical_hinge"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it is for."""
        if self.kind == "binary_crossentropy":
            return ("multi_label",)
        if self.kind == "mean_absolute_error":
            return ("regression",)
        return ("classification", "regression") if self.kind == "mean_squared_error" else ("classification",)

    @property
    def squared(self) -> bool:
        """Whether it is a squared error, which a `signed` output needs."""
        return self.kind in ("mean_squared_error", "half_squared_error")


@dataclass(frozen=True, kw_only=True)
class CategoricalCrossentropy:
    """Cross-entropy with one-hot targets; smoothing moves that share of the target to all classes evenly."""

    kind: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    label_smoothing: float = 0.0

    wants_class_numbers: ClassVar[bool] = False
    blends_targets: ClassVar[bool] = True
    squared: ClassVar[bool] = False
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __post_init__(self) -> None:
        require_rates(self, "label_smoothing")


@dataclass(frozen=True, kw_only=True)
class Huber:
    """Half the squared error up to `delta`, beyond it straight on (Huber 1964): less is said by what lies far off. Targets are
    standardized: 1 is a standard deviation of the training part."""

    kind: Literal["huber"] = "huber"
    delta: float = 1.0

    wants_class_numbers: ClassVar[bool] = False
    blends_targets: ClassVar[bool] = True
    squared: ClassVar[bool] = False
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __post_init__(self) -> None:
        require_positive(self, "delta")


Loss = PlainLoss | CategoricalCrossentropy | Huber
