"""Confusion matrices: rows are true classes, columns predictions. As a chart, and the figures of its classes."""

from collections.abc import Sequence

from tuner.charts.chart import Chart
from tuner.charts.colors import CYCLE
from tuner.charts.marks import Cells
from tuner.charts.scale import Axis

FEW, MANY = 4, 14
"""A matrix of at most `FEW` classes is low; one of more than `MANY` takes the width of the page."""

Matrix = Sequence[Sequence[int]]


def class_metrics(matrix: Matrix) -> list[tuple[float, float, float]]:
    """Precision, recall and F1 of each class; 0 where they are undefined."""
    figures = []
    for index, row in enumerate(matrix):
        hits, true, predicted = row[index], sum(row), sum(each[index] for each in matrix)
        pairs = ((hits, predicted), (hits, true), (2 * hits, true + predicted))
        precision, recall, f1 = (part / whole if whole else 0.0 for part, whole in pairs)
        figures.append((precision, recall, f1))
    return figures


def confused_pairs(matrix: Matrix) -> list[tuple[int, int, int]]:
    """The pairs of classes that are confused, the most frequent first: true class, predicted class, how often."""
    pairs = [
        (true, predicted, count)
        for true, row in enumerate(matrix)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def confusion_chart(id_: str, title: str, matrix: Matrix, classes: Sequence[str]) -> Chart:
    """The matrix with the most confused pair in words. Shades are shares of a row."""
    totals = [max(sum(row), 1) for row in matrix]
    shades = tuple(tuple((count / total) ** 0.5 for count in row) for row, total in zip(matrix, totals, strict=True))
    tips = tuple(
        tuple(f"{count} of class {name} taken for {column}" for column, count in zip(classes, row, strict=True))
        for name, row in zip(classes, matrix, strict=True)
    )
    texts = tuple(tuple(map(str, row)) for row in matrix)
    confused = "Nothing is confused."
    for true, predicted, count in confused_pairs(matrix)[:1]:
        confused = f"Confused most: {classes[true]} taken for {classes[predicted]} ({count} times)."
    names = tuple(classes)
    width, height = (1000, 900) if len(names) > MANY else (560, 360 if len(names) <= FEW else 520)
    return Chart(
        id_,
        title,
        Axis("prediction", names=names),
        Axis("true class", names=names),
        (Cells("", CYCLE[0], shades, texts, tips),),
        f"{confused} Shades grow with the root of the share.",
        width,
        height,
    )
