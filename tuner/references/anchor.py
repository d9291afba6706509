"""What is told of a plain model. Nothing here loads scikit-learn: the search's process and reports read it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tuner.base.metrics import METRICS, Task

MODELS: dict[Task, tuple[str, ...]] = {
    "classification": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "multi_label": ("majority", "logistic", "nearest neighbours", "default network", "trees"),
    "regression": ("mean", "ridge", "nearest neighbours", "default network", "trees"),
}
"""The plain models of a task, in the order in which they are trained."""

SENTENCES = {
    "majority": "the most frequent class is",
    "logistic": "logistic regression is",
    "mean": "the mean is",
    "ridge": "ridge regression is",
    "nearest neighbours": "nearest neighbours are",
    "trees": "gradient-boosted trees are",
    "default network": "a default network (scikit-learn's) is",
}
"""How a sentence about each begins."""

CUT = "trained on"
"""How the note begins on one that had not all examples."""

SHARE, LEAST_SECONDS, MOST_SECONDS = 0.08, 2.0, 30.0
"""Of the time of a call, at most, for all plain models together; and no fewer and no more seconds than these."""


@dataclass(frozen=True)
class ReferenceModel:
    """A plain model's validation `figures` by measure (the mean over folds, each on what it was not trained on) and
    `test_figures`, where it was measured on the test part. A figure that the examples cannot tell is left out; one that was
    skipped has none, and its `note` says why.

    `error` is the standard error of the measure that was asked for: over folds, of a single one by its examples. In each
    fold it was trained on `examples`, in so many `seconds` all together.
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
    def is_cut(self) -> bool:
        """Whether it was trained on a part of the examples only, since all would have taken too long."""
        return self.note.startswith(CUT)

    @property
    def sentence(self) -> str:
        """The beginning of a sentence about it, with its verb."""
        return SENTENCES[self.name]


def seconds_for(call: float) -> float:
    """How long all plain models may take together in a call of so many seconds.

    >>> seconds_for(30), seconds_for(300), seconds_for(3600)
    (2.4, 24.0, 30.0)
    """
    return min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * call))


def best_first(anchors: Sequence[ReferenceModel], measure: str) -> tuple[ReferenceModel, ...]:
    """Those that have this figure, the best first."""
    sign = -1 if METRICS[measure].direction == "maximize" else 1
    return tuple(
        sorted((each for each in anchors if measure in each.figures), key=lambda each: sign * each.figures[measure])
    )


def better(anchors: Sequence[ReferenceModel], measure: str, figure: float) -> tuple[ReferenceModel, ...]:
    """Those that are better than a model of this validation figure, by more than their standard error; the best first."""
    sign = 1 if METRICS[measure].direction == "maximize" else -1
    if not math.isfinite(figure):
        return ()
    return tuple(each for each in best_first(anchors, measure) if sign * (each.figures[measure] - figure) > each.error)
