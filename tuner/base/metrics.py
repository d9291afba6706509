"""The metrics by name: their direction and the tasks they apply to. `tuner.base.metric_functions` computes them."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from tuner.base.ranges import NonEmpty

Task = Literal["classification", "multi_label", "regression", "custom"]
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
    """`is_share` metrics are shown in percent. Those that a model was compiled with apply to the task `custom`."""

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
    return "macro_f1" if task == "multi_label" else next(iter(metrics_for(task)), "loss")


def shortfall(name: str, value: float) -> float:
    """What a metric, or the `loss`, lacks of its best possible value: above 0, also where a loss of the user's is below it."""
    lack = 1 - value if METRICS[name].direction is Direction.MAXIMIZE else value
    return lack if lack > 0 else TINY * math.exp(max(lack, -600.0))


def standard_error(name: str, value: float, examples: int) -> float:
    """The standard error of a metric over so many examples: binomial for shares, of the log loss by `LOG_LOSS_VARIANCE`, else by a
    rule of thumb, which takes the distance from the best possible value for the standard deviation."""
    if name in METRICS and METRICS[name].is_share:
        return math.sqrt(max(value * (1 - value), 1 / examples) / examples)
    if name == "log_loss":
        return math.sqrt(LOG_LOSS_VARIANCE * max(value, 1 / examples) / examples)
    return max(shortfall(name, value), 1 / examples) / math.sqrt(examples)


TINY = 1e-6
"""Where nothing is lacking, what counts as lacking: the logarithm of it is taken."""

LOG_LOSS_VARIANCE = 1.5
"""The variance of the examples' log losses, relative to their mean: a few examples have most of the loss. Measured with 17 networks on
the test parts of four sets: 2.3 to 2.9 for means of 0.05 to 0.23, 0.8 to 1.0 for means of 0.8 to 0.9, and 1.0 to 4.1 for means below 0.005."""

BOTH: tuple[Task, ...] = ("classification", "multi_label")

HIGHER = """accuracy acc top_k_categorical_accuracy auc precision recall f1 f1_score fbeta_score r2 r2_score iou mean_io_u dice ssim
sensitivity_at_specificity specificity_at_sensitivity precision_at_recall recall_at_precision cosine_similarity"""
LOWER = """loss error crossentropy ce mse mae mape msle rmse mean_squared_error mean_absolute_error kl_divergence poisson log_cosh logcosh
mean_absolute_percentage_error mean_squared_logarithmic_error hinge huber"""
"""How the names of metrics end of which higher, and of which lower values are better."""


def direction_of(name: str) -> Direction:
    """Which values of a metric are better, by the end of its name. Raises `KeyError` where that is not known.

    >>> direction_of("digit_accuracy_1"), direction_of("val_loss")
    (<Direction.MAXIMIZE: 'maximize'>, <Direction.MINIMIZE: 'minimize'>)
    """
    plain = f"_{re.sub(r'_[0-9]+$', '', name)}"
    for endings, direction in ((HIGHER, Direction.MAXIMIZE), (LOWER, Direction.MINIMIZE)):
        if plain.endswith(tuple(f"_{each}" for each in endings.split())):
            return direction
    raise KeyError(name)


class Metrics(dict[str, Metric]):
    """Ours by name. Looking up another one gives the loss or a metric of a function's model, whose direction its name tells; raises
    `KeyError` where it does not."""

    def __missing__(self, name: str) -> Metric:
        return Metric(direction_of(name), ("custom",))


METRICS: Metrics = Metrics(
    {
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
)

Monitor = NonEmpty
"""What may be monitored after each epoch: `validation_loss`, or `validation_` and a metric of the task (on data sets of the catalogue the
accuracy) or one that a function's model was compiled with."""
