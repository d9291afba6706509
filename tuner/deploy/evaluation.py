"""The metrics of a model on examples with known labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.base.formatting import four_digits, metric_label
from tuner.base.metric_functions import Interval, compute_metrics, metric_interval
from tuner.base.metrics import Task
from tuner.charts.confusion import confused_pairs
from tuner.data.ingest.targets import groups_of, labels_of, weights_of
from tuner.deploy.inputs import blocks_of, prefetched
from tuner.deploy.predictor import Predictions, Predictor
from tuner.recipe import Arrays, Table

MOST_CONFUSIONS = 3


@dataclass(frozen=True)
class Confusion:
    """A class that was predicted in place of another: how often, and of how many examples of the true class."""

    true: str
    predicted: str
    times: int
    of: int

    def __str__(self) -> str:
        return f"{self.true} taken for {self.predicted}: {self.times} of {self.of}"


@dataclass(frozen=True)
class Evaluation:
    """All metrics of a task with their 95 % intervals; NaN for metrics that these examples do not define."""

    task: Task
    examples: int
    figures: Mapping[str, float]
    intervals: Mapping[str, Interval]
    confused: tuple[Confusion, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with null for NaN."""
        return {
            "task": self.task,
            "examples": self.examples,
            "figures": {
                name: {"value": _finite(value), "interval": [_finite(interval.low), _finite(interval.high)]}
                for (name, value), interval in zip(self.figures.items(), self.intervals.values(), strict=True)
            },
            "confused": [
                {"true": each.true, "said": each.predicted, "times": each.times, "of": each.of}
                for each in self.confused
            ],
        }

    def lines(self) -> list[str]:
        """The evaluation as text."""
        lines = [f"{self.examples:,} examples"]
        for name, value in self.figures.items():
            figure = f"{four_digits(value)} (95 % interval {self.intervals[name]})"
            lines.append(f"{metric_label(name)}: {'not defined on these examples' if np.isnan(value) else figure}")
        return [*lines, *map(str, self.confused)]


def evaluate(predictor: Predictor, data: str, target: Sequence[str] = ()) -> Evaluation:
    """The metrics on `data`, with the labels in the columns (or array) `target`, by default the target of the recipe, and in the
    folders' names for pictures. Weights and groups count where the recipe and the data have them.

    Raises `DataError` for missing labels and for classes that the model does not have.
    """
    if predictor.output.task == "custom":
        raise DataError(
            "the model has targets of your own, whose metrics only its function computes: it was tested by `optimize`"
        )
    targets, weight, group = _roles(predictor, target)
    blocks = list(prefetched(blocks_of(predictor, data, targets, (weight, group))))
    outputs = np.concatenate([predictor.predict_inputs(block.inputs, data).values for block in blocks])
    if not len(outputs):
        raise DataError(f"{data}: has no rows")
    others = pd.concat([block.others for block in blocks], ignore_index=True)
    format, task, names = "", predictor.output.task, predictor.output.names
    if isinstance(predictor.data, Table):
        format = predictor.data.target_format
        if predictor.data.drop_missing_target:
            is_known = others[list(targets)].notna().all(axis=1).to_numpy()
            outputs, others = outputs[is_known], others[is_known]
    labels = others.drop(columns=[weight, group], errors="ignore")
    expected = 1 if task == "classification" else len(names)
    if labels.shape[1] not in (expected, len(names)):
        raise DataError(f"{data}: has {labels.shape[1]} label columns, and the model predicts {expected}")
    true = labels_of(task, labels, names, data, format)
    weights = weights_of(others[weight], data) if weight in others else None
    groups = groups_of([others[group]], data)[0] if group in others else None
    figures = compute_metrics(task, outputs, true, weights)
    intervals = {name: metric_interval(name, outputs, true, weights, groups) for name in figures}
    predictions = Predictions(task, names, outputs)
    confused = _confusions(predictions, true) if task == "classification" else ()
    return Evaluation(task, len(outputs), figures, intervals, confused)


def _roles(predictor: Predictor, target: Sequence[str]) -> tuple[tuple[str, ...], str, str]:
    """The columns or arrays with labels, that with weights and that with groups ("" for none)."""
    match predictor.data:
        case Table() as source:
            return tuple(target) or source.targets, source.weight, source.group
        case Arrays() as source:
            return tuple(target) or (source.y,), source.weights, source.groups
    if not target and predictor.coding:
        raise DataError("the model has no metadata with its target: add --target")
    return tuple(target) or ("y",), "", ""


def _confusions(predictions: Predictions, true: NDArray[Any]) -> tuple[Confusion, ...]:
    """The most frequent wrong predictions."""
    names, count = predictions.names, len(predictions.names)
    matrix = (
        np.bincount(true.astype(np.int64) * count + predictions.labels, minlength=count**2)
        .reshape(count, count)
        .tolist()
    )
    return tuple(
        Confusion(names[row], names[column], times, sum(matrix[row]))
        for row, column, times in confused_pairs(matrix)[:MOST_CONFUSIONS]
    )


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
