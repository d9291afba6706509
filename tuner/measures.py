"""Figures of merit by name: in which direction each is better, and for which tasks it is. `tuner.measuring` computes them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Task = Literal["classification", "multi_label", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Measure:
    """One figure: in which direction it is better, for which tasks it is, whether it is a share, to be told in percent."""

    direction: Literal["maximize", "minimize"]
    tasks: tuple[Task, ...]
    is_share: bool = False


def measures_of(task: Task) -> Mapping[str, Measure]:
    """The figures of a task, the most usual first."""
    return {name: measure for name, measure in MEASURES.items() if task in measure.tasks}


def main_measure(task: Task) -> str:
    """The figure that is told of a task where nothing else is asked for.

    >>> main_measure("classification"), main_measure("multi_label"), main_measure("regression")
    ('accuracy', 'macro_f1', 'r2')
    """
    return "macro_f1" if task == "multi_label" else next(iter(measures_of(task)))


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
    if MEASURES[name].is_share:
        return math.sqrt(max(figure * (1 - figure), 1 / examples) / examples)
    gap = 1 - figure if MEASURES[name].direction == "maximize" else figure
    return max(gap, 1 / examples) / math.sqrt(examples)


BOTH: tuple[Task, ...] = ("classification", "multi_label")

MEASURES: dict[str, Measure] = {
    "accuracy": Measure("maximize", BOTH, is_share=True),
    "balanced_accuracy": Measure("maximize", ("classification",), is_share=True),
    "macro_f1": Measure("maximize", BOTH),
    "log_loss": Measure("minimize", BOTH),
    "roc_auc": Measure("maximize", BOTH),
    "average_precision": Measure("maximize", BOTH),
    "r2": Measure("maximize", ("regression",)),
    "rmse": Measure("minimize", ("regression",)),
    "mae": Measure("minimize", ("regression",)),
}
