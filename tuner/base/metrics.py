"""Figures of merit by name: in which direction each is better, and for which tasks it is. `tuner.base.metric_functions` computes them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Task = Literal["classification", "multi_label", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Metric:
    """One figure: in which direction it is better, for which tasks it is, whether it is a share, to be told in percent."""

    direction: Literal["maximize", "minimize"]
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


def in_words(name: str) -> str:
    """A figure as a sentence names it, also one with the name of a part in front.

    >>> in_words("roc_auc"), in_words("validation_r2"), in_words("balanced_accuracy")
    ('ROC AUC', 'validation R²', 'balanced accuracy')
    """
    words = name.replace("_", " ")
    for plain, spoken in (
        ("roc auc", "ROC AUC"),
        ("macro f1", "macro F1"),
        ("rmse", "RMSE"),
        ("mae", "MAE"),
        ("r2", "R²"),
    ):
        words = words.replace(plain, spoken)
    return words


def standard_error(name: str, figure: float, examples: int) -> float:
    """About how far a figure of so many examples may be off: of a share as of any, of other figures by a rule of thumb (the
    distance from the best there is, as that of a variance)."""
    if METRICS[name].is_share:
        return math.sqrt(max(figure * (1 - figure), 1 / examples) / examples)
    gap = 1 - figure if METRICS[name].direction == "maximize" else figure
    return max(gap, 1 / examples) / math.sqrt(examples)


BOTH: tuple[Task, ...] = ("classification", "multi_label")

METRICS: dict[str, Metric] = {
    "accuracy": Metric("maximize", BOTH, is_share=True),
    "balanced_accuracy": Metric("maximize", ("classification",), is_share=True),
    "macro_f1": Metric("maximize", BOTH),
    "log_loss": Metric("minimize", BOTH),
    "roc_auc": Metric("maximize", BOTH),
    "average_precision": Metric("maximize", BOTH),
    "r2": Metric("maximize", ("regression",)),
    "rmse": Metric("minimize", ("regression",)),
    "mae": Metric("minimize", ("regression",)),
}
