"""Which labels the winner gives rightly, one by one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics
from tuner.charts.content import Block, Cell, Table
from tuner.report.predictions import Predictions
from tuner.report.sections.calibration import Words, calibration_chart

MANY = 30
"""Labels from which on the table is folded."""


def told_of_labels(winner: Predictions) -> Iterator[Block]:
    """All of it."""
    words = Words("mean probability of a label", "true", "labels of examples")
    sure, right = winner.said.ravel(), (winner.true == 1).ravel()
    yield calibration_chart("How probable a label is, and how often true", sure, right, words)
    yield _label_by_label(winner)


def _label_by_label(winner: Predictions) -> Table:
    rows = tuple((name, *_figures(winner, place)) for place, name in enumerate(winner.names))
    together = ((winner.said > 0.5) == (winner.true == 1)).all(axis=1).mean()
    note = (
        f"A label is given where its probability is above one half. All labels of an example are right in {100 * together:.2f} % "
        "of the test examples."
    )
    columns = ("label", "precision", "recall", "F1", "ROC AUC", "average precision", "true of", "given to")
    return Table("winner-labels", "Label by label", columns, rows, note, len(rows) > MANY)


def _figures(winner: Predictions, place: int) -> Iterator[Cell]:
    probability = winner.said[:, place]
    given, true = probability > 0.5, winner.true[:, place] == 1
    both = int((given & true).sum())
    yield _share(both, int(given.sum()))
    yield _share(both, int(true.sum()))
    yield _share(2 * both, int(given.sum() + true.sum()))
    yield from _areas(probability, true)
    for each in (true, given):
        yield f"{100 * float(each.mean()):.1f} %"


def _areas(probability: NDArray[np.float32], true: NDArray[np.bool_]) -> Iterator[float | None]:
    """ROC AUC and average precision; None where the label is true of all or of none."""
    pair = np.stack([1 - probability, probability], axis=1)
    figures = compute_metrics("classification", pair, true.astype(np.int64))
    known = bool(true.any() and not true.all())
    yield from (figures[name] if known else None for name in ("roc_auc", "average_precision"))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
