"""Learning curves as charts: figures by epoch, training dashed, validation solid."""

from collections.abc import Iterator, Sequence

from tuner.base.formatting import metric_label
from tuner.charts.chart import Chart
from tuner.charts.colors import BLUE, VERMILION
from tuner.charts.line import Line
from tuner.charts.scale import Axis
from tuner.charts.shapes import Point
from tuner.result import FoldResult, Result

Curve = tuple[Point, ...]
"""Epochs, which count from 1, each with its figure."""


def learning_charts(result: Result) -> tuple[Chart, Chart]:
    """The task's figure (the first that training has) and the loss by epoch, to stand side by side; a line for each fold."""
    figure = next(
        (name for fold in result.folds for epoch in fold.epochs for name in epoch.training.figures), "accuracy"
    )
    return _panel(result, figure), _panel(result, "loss")


def learning_lines(training: Sequence[Curve], validation: Sequence[Curve], dots: bool = False) -> Iterator[Line]:
    """A line for each fold or seed; `dots` show each epoch."""
    for part, color, curves in (("training", BLUE, training), ("validation", VERMILION, validation)):
        for index, curve in enumerate(curves):
            yield Line(part if index == 0 else "", color, curve, dashed=part == "training", dots=dots)


def _panel(result: Result, figure: str) -> Chart:
    training, validation = (
        [curve for fold in result.folds if (curve := _curve(fold, part, figure))] for part in ("training", "validation")
    )
    marks = tuple(learning_lines(training, validation, dots=True))
    axes = Axis("epoch", whole=True), Axis("", percent=figure == "accuracy")
    return Chart(figure, f"{metric_label(figure)} by epoch", *axes, marks, width=360, height=240)


def _curve(fold: FoldResult, part: str, figure: str) -> Curve:
    known = [(epoch.number, scores) for epoch in fold.epochs if (scores := getattr(epoch, part)) is not None]
    return tuple((float(number), {"loss": scores.loss, **scores.figures}[figure]) for number, scores in known)
