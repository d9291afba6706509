"""The metrics by name: their direction and the tasks they apply to. `tuner.base.metric_functions` computes them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

Task = Literal["classification", "multi_label", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)


class Direction(StrEnum):
    """Whether greater or smaller values are better; the texts are Optuna's."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> int:
        """1 or -1: a value times this is better the greater it is."""
        return 1 if self is Direction.MAXIMIZE else -1

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value is better than another."""
        return self.sign * value > self.sign * than

    def best(self, values: Iterable[float]) -> float:
        """The best of at least one value."""
        return max(values, key=lambda value: self.sign * value)


@dataclass(frozen=True)
class Metric:
    """`is_share` metrics are shown in percent."""

    direction: Direction
    tasks: tuple[Task, ...]
    is_share: bool = False


def metrics_for(task: Task) -> Mapping[str, Metric]:
    """The metrics of a task, the most common first."""
    return {name: metric for name, metric in METRICS.items() if task in metric.tasks}


def main_metric(task: Task) -> str:
    """The default metric of a task.

    >>> main_metric("classification"), main_metric("multi_label"), main_metric("regression")
    ('accuracy', 'macro_f1', 'r2')
    """
    return "macro_f1" if task == "multi_label" else next(iter(metrics_for(task)))


def shortfall(name: str, value: float) -> float:
    """What a metric, or the `loss`, lacks of its best possible value."""
    return 1 - value if name in METRICS and METRICS[name].direction is Direction.MAXIMIZE else value


def standard_error(name: str, value: float, examples: int) -> float:
    """The standard error of a metric over so many examples: binomial for shares, of the log loss by `LOG_LOSS_VARIANCE`, else by a
    rule of thumb, which takes the distance from the best possible value for the standard deviation."""
    if name in METRICS and METRICS[name].is_share:
        return math.sqrt(max(value * (1 - value), 1 / examples) / examples)
    if name == "log_loss":
        return math.sqrt(LOG_LOSS_VARIANCE * max(value, 1 / examples) / examples)
    return max(shortfall(name, value), 1 / examples) / math.sqrt(examples)


LOG_LOSS_VARIANCE = 1.5
"""The variance of the examples' log losses, relative to their mean: a few examples have most of the loss. Measured with 17 networks on
the test parts of four sets: 2.3 to 2.9 for means of 0.05 to 0.23, 0.8 to 1.0 for means of 0.8 to 0.9, and 1.0 to 4.1 for means below 0.005."""

BOTH: tuple[Task, ...] = ("classification", "multi_label")

METRICS: dict[str, Metric] = {
    "accuracy": Metric(Direction.MAXIMIZE, BOTH, is_share=True),
    "balanced_accuracy": Metric(Direction.MAXIMIZE, ("classification",), is_share=True),
    "macro_f1": Metric(Direction.MAXIMIZE, BOTH),
    "log_loss": Metric(Direction.MINIMIZE, BOTH),
    "roc_auc": Metric(Direction.MAXIMIZE, BOTH),
    "average_precision": Metric(Direction.MAXIMIZE, BOTH),
    "r2": Metric(Direction.MAXIMIZE, ("regression",)),
    "rmse": Metric(Direction.MINIMIZE, ("regression",)),
    "mae": Metric(Direction.MINIMIZE, ("regression",)),
}

Monitor = Literal[
    "validation_loss",
    "validation_accuracy",
    "validation_balanced_accuracy",
    "validation_macro_f1",
    "validation_log_loss",
    "validation_roc_auc",
    "validation_average_precision",
    "validation_r2",
    "validation_rmse",
    "validation_mae",
]
"""What may be monitored after each epoch; those of the task, and on data sets of the catalogue only the first two."""
