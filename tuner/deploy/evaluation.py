"""How right a model is on examples whose answers are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.base.formatting import metric_label
from tuner.base.metric_functions import bootstrap_interval, compute_metrics, wilson_interval
from tuner.base.metrics import Task
from tuner.data.ingest.labels import groups_of, labels_of, weights_of
from tuner.data.ingest.values import column_of
from tuner.deploy.inputs import Block, blocks_of, prefetched
from tuner.deploy.predictor import Predicted, Predictor
from tuner.recipe import Arrays, Table

RESAMPLED_EXAMPLES = 5000
"""Of more examples, so many stand for all in the bootstrap, whose distance from the figure then shrinks by the root of their
share (m out of n: Bickel, Götze & van Zwet 1997)."""

TOLD = 3


@dataclass(frozen=True)
class Confused:
    """A class that was taken for another: how often, of how many."""

    true: str
    said: str
    times: int
    of: int

    def __str__(self) -> str:
        return f"{self.true} taken for {self.said}: {self.times} of {self.of}"


@dataclass(frozen=True)
class Evaluation:
    """All figures of a task with their 95 % intervals; NaN for those that these examples cannot tell."""

    task: Task
    examples: int
    figures: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    confused: tuple[Confused, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: null for what cannot be told."""
        figures = {
            name: {"value": _plain(value), "interval": [_plain(each) for each in self.intervals[name]]}
            for name, value in self.figures.items()
        }
        return {
            "task": self.task,
            "examples": self.examples,
            "figures": figures,
            "confused": [vars(each) for each in self.confused],
        }

    def lines(self) -> list[str]:
        """The same in words."""
        told = [f"{self.examples:,} examples"]
        for name, value in self.figures.items():
            low, high = self.intervals[name]
            known = f"{value:.4f} (95 % interval {low:.4f} to {high:.4f})"
            told.append(f"{metric_label(name)}: {'cannot be told from these examples' if np.isnan(value) else known}")
        return [*told, *map(str, self.confused)]


def evaluation(predictor: Predictor, data: str, target: Sequence[str] = ()) -> Evaluation:
    """The model's figures on `data`, whose columns (or array) `target` have the answers; where none is named, those of the
    recipe; of a folder of pictures the folders in it. Weights and groups count where the recipe and the data have them.

    Raises `DataError` for answers that are missing or none that the model can give.
    """
    wanted, beside = _named(predictor, target)
    blocks = list(prefetched(blocks_of(predictor, data, wanted, beside)))
    values = np.concatenate([predictor.outputs(block.inputs, data) for block in blocks])
    if not len(values):
        raise DataError(f"{data}: has no rows")
    meaning = predictor.meaning
    true = labels_of(meaning.task, _answers(predictor, blocks, wanted, data), meaning.names, data)
    true = true.astype(np.int64) if true.ndim == 1 else true
    weight, group = beside if beside else ("", "")
    weights = _column(blocks, weight, lambda column: weights_of(column, data))
    groups = _column(blocks, group, lambda column: groups_of([column], data)[0])
    figures = compute_metrics(meaning.task, values, true, weights)
    intervals = {name: _interval(name, figures[name], values, true, weights, groups) for name in figures}
    confused = _confused(Predicted(meaning.task, meaning.names, values), true)
    return Evaluation(meaning.task, len(values), figures, intervals, confused)


def _named(predictor: Predictor, target: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns or arrays with the answers, and those with weights and groups ("" where there are none)."""
    match predictor.recipe.data if predictor.recipe else None:
        case Table() as said:
            return tuple(target) or said.targets, (said.weight, said.group)
        case Arrays() as said:
            return tuple(target) or (said.y,), (said.weights, said.groups)
        case _:
            if not target and predictor.coding:
                raise DataError("the model has no papers that name its target: say --target")
            return tuple(target), ()


def _answers(predictor: Predictor, blocks: Sequence[Block], wanted: Sequence[str], where: str) -> pd.DataFrame:
    if blocks[0].files:
        return pd.DataFrame({"folder": [_folder(file, where) for block in blocks for file in block.files]})
    if not wanted:
        blocks, wanted = blocks[:1], ("y",)
    columns: dict[str, Any] = {}
    for name in wanted:
        parts = [block.beside[name] for block in blocks]
        if isinstance(parts[0], pd.Series):
            columns[name] = pd.concat(parts, ignore_index=True)
        else:
            array = np.concatenate(parts)
            table = array.reshape(len(array), -1)
            single = table.shape[1] == 1
            columns |= {name if single else f"{name}[{place}]": table[:, place] for place in range(table.shape[1])}
    count = len(predictor.meaning.names) if predictor.meaning.task != "classification" else 1
    if len(columns) != count:
        raise DataError(f"{where}: has {len(columns)} columns of answers, and the model gives {count}")
    return pd.DataFrame(columns)


def _folder(file: str, where: str) -> str:
    parts = file.split("/")
    if len(parts) < 2:
        raise DataError(f"{where}/{file}: must lie in a folder with the name of its class")
    return parts[-2]


def _column(blocks: Sequence[Block], name: str, of: Any) -> NDArray[Any] | None:
    if not name or name not in blocks[0].beside:
        return None
    parts = [pd.Series(block.beside[name], name=name) for block in blocks]
    found: NDArray[Any] = of(column_of(pd.DataFrame({name: pd.concat(parts, ignore_index=True)}), name, name))
    return found


def _interval(
    name: str,
    figure: float,
    values: NDArray[Any],
    true: NDArray[Any],
    weights: NDArray[Any] | None,
    groups: NDArray[Any] | None,
) -> tuple[float, float]:
    count = len(values)
    if name == "accuracy" and true.ndim == 1 and weights is None and groups is None:
        return wilson_interval(figure, count)
    if count <= RESAMPLED_EXAMPLES or groups is not None:
        return bootstrap_interval(name, values, true, weights, groups)
    some = np.random.default_rng(0).choice(count, RESAMPLED_EXAMPLES, replace=False)
    some_weights = None if weights is None else weights[some]
    low, high = bootstrap_interval(name, values[some], true[some], some_weights)
    middle = (low + high) / 2
    shrunk = (RESAMPLED_EXAMPLES / count) ** 0.5
    return figure + (low - middle) * shrunk, figure + (high - middle) * shrunk


def _confused(predicted: Predicted, true: NDArray[Any]) -> tuple[Confused, ...]:
    """The classes that are most often taken for another."""
    if predicted.task != "classification":
        return ()
    classes = len(predicted.names)
    matrix = np.bincount(true * classes + predicted.numbers, minlength=classes**2).reshape(classes, classes)
    wrong = matrix * ~np.eye(classes, dtype=bool)
    worst = np.argsort(-wrong, axis=None, kind="stable")[:TOLD]
    return tuple(
        Confused(predicted.names[row], predicted.names[column], int(wrong[row, column]), int(matrix[row].sum()))
        for row, column in (divmod(int(place), classes) for place in worst)
        if wrong[row, column]
    )


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
