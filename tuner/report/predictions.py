"""Predictions of the confirmed networks for the test part, with the true values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.base.metric_functions import Interval, class_probabilities, compute_metrics, metric_interval
from tuner.base.metrics import Task
from tuner.charts.content import Cell
from tuner.data.examples import Examples, HeldOut
from tuner.data.ingest.columns import ColumnCoding
from tuner.data.load import coding_of, test_rows_of
from tuner.data.sources import Places
from tuner.recipe import AnyData, Arrays, Cut, Data, Table, describe
from tuner.report.own_data import value_texts
from tuner.storage.confirmed import Confirmed

RESAMPLED_OUTPUTS = 30_000
"""At most this many outputs have bootstrap intervals: ten times as many take a minute."""


SHOWN_COLUMNS = 12
"""Tables of mistakes show the values of at most this many columns."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """`outputs` (networks, examples, outputs) are probabilities of classes or of labels, or numbers; those of the final
    model have the index `best`. `names` are those of classes, labels or targets. `row_numbers` are the rows of the examples in
    `row_source`, from 1. `tested` are the stored metrics: stored outputs are rounded, so other values would follow from them.
    `columns` are the first ones of a table."""

    task: Task
    names: tuple[str, ...]
    outputs: NDArray[np.float32]
    best: int
    examples: Examples
    row_numbers: NDArray[np.int64]
    row_source: str
    value_range: tuple[float, float] = (0.0, 1.0)
    are_images: bool = False
    tested: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[ColumnCoding, ...] = ()

    @property
    def predicted(self) -> NDArray[np.float32]:
        """Outputs of the final model (examples, outputs)."""
        chosen: NDArray[np.float32] = self.outputs[self.best]
        return chosen

    @property
    def true(self) -> NDArray[Any]:
        """Class numbers (examples,), or labels or numbers (examples, outputs)."""
        return self.examples.labels

    @property
    def classes(self) -> NDArray[np.int64]:
        """The predicted class of each example by each network (networks, examples)."""
        classes: NDArray[np.int64] = self.outputs.argmax(axis=2).astype(np.int64)
        return classes

    @property
    def metrics(self) -> dict[str, float]:
        """All metrics of the final model: as stored, and those that an older version did not store."""
        return compute_metrics(self.task, self.predicted, self.true, self.examples.weights) | dict(self.tested)

    def values(self, indices: NDArray[np.int64]) -> list[tuple[Cell, ...]]:
        """The values of the columns in the rows of some examples."""
        return [tuple(value_texts(self.columns, self.examples.inputs[index])) for index in indices]

    def interval(self, metric: str) -> Interval | None:
        """The 95 % interval of a metric of the final model; None where there are too many outputs."""
        if self.predicted.size > RESAMPLED_OUTPUTS:
            return None
        return metric_interval(metric, self.predicted, self.true, self.examples.weights, self.examples.groups)

    def of_target(self, place: int) -> "Predictions":
        """The predictions for one of several targets."""
        examples = replace(self.examples, labels=self.true[:, [place]])
        outputs, tested = self.outputs[:, :, [place]], self.tested if len(self.names) == 1 else {}
        return replace(self, names=self.names[place : place + 1], outputs=outputs, examples=examples, tested=tested)


def read_predictions(
    confirmed: Confirmed, open_test_part: Callable[[], HeldOut], places: Places, gaps: list[str]
) -> Predictions | None:
    """The stored predictions with the true values of the held-out part; None with a reason in `gaps` if there are none."""
    path, data = confirmed.predictions, confirmed.recipe.data
    if confirmed.test is None:
        gaps.append("Nothing was held out for a test: all metrics are of the validation part, which chose the winner.")
        return None
    if path is None or not path.is_file():
        gaps.append(
            "The predictions of the confirmed models are missing: they are in the folder of the runs, on the machine that confirmed them."
        )
        return None
    try:
        examples = open_test_part().examples
        columns = coding_of(data, places).columns[:SHOWN_COLUMNS] if isinstance(data, Table) else ()
        rows = None if isinstance(data, Data) else test_rows_of(data, places)
    except TunerError as error:
        gaps.append(f"The test examples cannot be shown: {error}")
        return None
    if (stored := _stored_outputs(path, len(examples))) is None:
        gaps.append(
            f"The predictions of the confirmed models cannot be read: {path} is damaged, or is of other examples."
        )
        return None
    outputs, best, about = *stored, describe(data)
    classes = about.task == "classification"
    labels = examples.labels.astype(np.int64) if classes else np.asarray(examples.labels)
    row_numbers, row_source = _rows(data, len(examples), rows)
    return Predictions(
        task=about.task,
        names=about.classes,
        outputs=class_probabilities(outputs, confirmed.recipe.network.output) if classes else outputs,
        best=best,
        examples=replace(examples, inputs=np.asarray(examples.inputs), labels=labels),
        row_numbers=row_numbers,
        row_source=row_source,
        value_range=about.value_range,
        are_images=_are_images(data, examples),
        tested=confirmed.figures,
        columns=columns,
    )


def _stored_outputs(path: Path, examples: int) -> tuple[NDArray[Any], int] | None:
    """The outputs (networks, examples, outputs) and the index of the final model; None if they are not those of so many examples."""
    try:
        with np.load(path) as arrays:
            outputs, best = arrays["outputs"], int(arrays["best"])
        is_right = outputs.ndim == 3 and outputs.shape[1] == examples and 0 <= best < len(outputs)
        return (outputs.astype(np.promote_types(outputs.dtype, np.float32), copy=False), best) if is_right else None
    except Exception:  # NumPy and `zipfile` raise any exception for a damaged file
        return None


def _are_images(data: AnyData, examples: Examples) -> bool:
    """Whether the examples have height and width; a user's arrays count as images only if they are bytes."""
    shape = examples.shape
    is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
    return is_image and (not isinstance(data, Arrays) or examples.inputs.dtype == np.uint8)


def _rows(data: AnyData, count: int, rows: NDArray[Any] | None) -> tuple[NDArray[np.int64], str]:
    """The numbers of the test examples, from 1, and what they count: rows of the file if those are known."""
    order = ", in the order of time" if isinstance(data, Table) and data.time else ""
    if isinstance(data, Table | Arrays) and not isinstance(data.test, Cut):
        return np.arange(1, count + 1), f"{data.test}{order}"
    if isinstance(data, Data) or rows is None:
        return np.arange(1, count + 1), "the test part"
    return rows + 1, f"{data.path}{order}"
