"""Figures of merit by name: in which direction each is better, and for which tasks it is. `tuner.base.metric_functions` computes them."""

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
        """1 or -1: of two values times this the greater is better."""
        return 1 if self is Direction.MAXIMIZE else -1

    @property
    def worst(self) -> float:
        """Infinite, on the bad side."""
        return -self.sign * math.inf

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value is better than another."""
        return self.sign * value > self.sign * than

    def best(self, values: Iterable[float]) -> float:
        """The best of at least one value."""
        return max(values, key=lambda value: self.sign * value)


@dataclass(frozen=True)
class Metric:
    """One figure: in which direction it is better, for which tasks it is, whether it is a share, to be told in percent."""

    direction: Direction
    tasks: tuple[Task, ...]
    is_share: bool = False


def metrics_for(task: Task) -> Mapping[str, Metric]:
    """The figures of a task, the most usual first."""
    return {name: measure for name, measure in METRICS.items() if task in measure.tasks}


def main_metric(task: Task) -> str:
    """The figure that is told of a task where nothing else is asked for.

    >>> main_metric("classification"), main_metric("multi_label"), main_metric("regression")
    ('accuracy', 'macro_f1', 'r2')
    """
    return "macro_f1" if task == "multi_label" else next(iter(metrics_for(task)))


def standard_error(name: str, figure: float, examples: int) -> float:
    """About how far a figure of so many examples may be off: of a share as of any, of other figures by a rule of thumb (the
    distance from the best there is, as that of a variance)."""
    if METRICS[name].is_share:
        return math.sqrt(max(figure * (1 - figure), 1 / examples) / examples)
    gap = 1 - figure if METRICS[name].direction is Direction.MAXIMIZE else figure
    return max(gap, 1 / examples) / math.sqrt(examples)


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
