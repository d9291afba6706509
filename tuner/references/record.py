"""The result of a reference model. Imports no scikit-learn: the search's process and reports read it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from tuner.base.metrics import METRICS, Direction, Task

MODELS: dict[Task, tuple[str, ...]] = {
    "classification": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "multi_label": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "regression": ("mean", "ridge", "nearest neighbours", "default network", "trees"),
}
"""The reference models of a task, in the order in which they are fitted."""

OPTIONAL = ("lightgbm", "catboost")
"""Boosted trees of other packages at their defaults: reference models of every task, where the package is installed."""

SENTENCES = {
    "majority": "the most frequent class is",
    "logistic": "logistic regression is",
    "mean": "the mean is",
    "ridge": "ridge regression is",
    "nearest neighbours": "nearest neighbours are",
    "trees": "gradient-boosted trees are",
    "lightgbm": "LightGBM is",
    "catboost": "CatBoost is",
    "default network": "a default network (scikit-learn's) is",
}

SUBSAMPLED = "trained on"
"""The beginning of the note on a model that was fitted on a part of the examples."""

SHARE, LEAST_SECONDS, MOST_SECONDS = 0.08, 2.0, 30.0
"""The time of all reference models: at most this share of a call's time, within these limits in seconds."""


@dataclass(frozen=True)
class ReferenceModel:
    """The validation `figures` of a reference model by metric (the mean over folds), and its `test_figures` if it was tested.
    Metrics that the examples do not define are absent; a skipped model has none, and its `note` gives the reason.

    `error` is the standard error of the study's metric, over the folds, or by the number of examples if there is one fold.
    `examples` is the size of the training part of a fold, `seconds` is the time for all folds.
    """

    name: str
    figures: Mapping[str, float] = field(default_factory=dict)
    error: float = 0.0
    test_figures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    examples: int = 0
    note: str = ""

    @property
    def is_skipped(self) -> bool:
        """Whether it has no figures."""
        return not self.figures

    @property
    def is_subsampled(self) -> bool:
        """Whether it was fitted on a part of the examples because all would have taken too long."""
        return self.note.startswith(SUBSAMPLED)

    @property
    def sentence(self) -> str:
        """The beginning of a sentence about it, with its verb."""
        return SENTENCES[self.name]


def model_names(task: Task) -> tuple[str, ...]:
    """The reference models of a task that this machine can fit."""
    return *MODELS[task], *filter(find_spec, OPTIONAL)


def seconds_for(call: float) -> float:
    """The time limit of all reference models together, in a call of so many seconds.

    >>> seconds_for(30), seconds_for(300), seconds_for(3600)
    (2.4, 24.0, 30.0)
    """
    return min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * call))


def best_first(models: Sequence[ReferenceModel], metric: str) -> tuple[ReferenceModel, ...]:
    """The models that have this metric, the best first."""
    known = (each for each in models if metric in each.figures)
    is_higher_better = METRICS[metric].direction is Direction.MAXIMIZE
    return tuple(sorted(known, key=lambda each: each.figures[metric], reverse=is_higher_better))


def better_parts(model: ReferenceModel, metric: str, validation: float, test: float | None) -> tuple[str, ...]:
    """The parts, `validation` and `test`, on which a reference model is better than a network with these metrics."""
    direction = METRICS[metric].direction
    pairs = (("validation", model.figures.get(metric), validation), ("test", model.test_figures.get(metric), test))
    known = ((part, one, own) for part, one, own in pairs if one is not None and own is not None)
    return tuple(part for part, one, own in known if math.isfinite(own) and direction.is_better(one, own))
