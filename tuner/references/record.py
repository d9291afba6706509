"""The result of a reference model. Imports no scikit-learn: the search's process and reports read it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import accumulate

from tuner.base.metrics import METRICS, Direction, Task
from tuner.recipe import AnyData, Table

MODELS: dict[Task, tuple[str, ...]] = {
    "classification": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "multi_label": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "regression": ("mean", "ridge", "nearest neighbours", "default network", "trees"),
}
"""The reference models of a task, in the order in which they are fitted."""

OPTIONAL = ("lightgbm", "catboost")
"""Boosted trees of other packages at their defaults: reference models of every task, where the package is installed."""

LAST, SEASON = "last value", "season ago"
"""The reference models of a forecast that are not fitted: they repeat the last value, or that of one season ago."""

SENTENCES = {
    "majority": "the most frequent class is",
    "logistic": "logistic regression is",
    "mean": "the mean is",
    "ridge": "ridge regression is",
    "nearest neighbours": "nearest neighbours are",
    "trees": "gradient-boosted trees are",
    "lightgbm": "LightGBM is",
    "catboost": "CatBoost is",
    LAST: "repeating the last value is",
    SEASON: "repeating the value of a season ago is",
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


def model_names(task: Task, data: AnyData | None = None) -> tuple[str, ...]:
    """The reference models of a task that this machine can fit; those of a forecast also repeat values of its `data`."""
    return *(naive_forecasts(data) if data else ()), *MODELS[task], *filter(find_spec, OPTIONAL)


def naive_forecasts(data: AnyData) -> Mapping[str, tuple[int, ...]]:
    """Forecasts that repeat values: for each output the place in a coded row. None where nothing is forecast, or where windows do not reach
    back so far."""
    if not isinstance(data, Table) or not data.horizon or data.task != "regression" or data.found is None:
        return {}
    ends = accumulate(each.places for each in data.found.columns)
    last = {column.part: end - 1 for column, end in zip(data.found.columns, ends, strict=True)}
    if not set(data.targets) <= set(data.windows):
        return {}
    steps = [(last[name], step) for name in data.targets for step in range(1, data.horizon + 1)]
    found = {LAST: tuple(place for place, _ in steps)}
    if 0 < data.season <= data.window:
        found[SEASON] = tuple(place + (step - 1) % data.season + 1 - data.season for place, step in steps)
    return found


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
