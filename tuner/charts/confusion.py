"""Confusion matrices: rows are true classes, columns predictions. As a chart of cells, and the figures of its classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.charts.chart import Chart, Frame
from tuner.charts.colors import CYCLE
from tuner.charts.scale import Axis
from tuner.charts.shapes import rectangle, text, tip

FEW, MANY = 4, 14
"""A matrix of at most `FEW` classes is low; one of more than `MANY` takes the width of the page."""

FONT = 11

Matrix = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Cells:
    """A matrix of shaded cells: `values[row][column]` between 0 and 1, with a text in each. Both axes have names."""

    name: str
    color: str
    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    tips: tuple[tuple[str, ...], ...] = ()

    def extent(self, axis: int) -> Iterator[float]:
        return iter(())

    def svg(self, frame: Frame) -> str:
        return "".join(
            self._cell(row, column, frame) for row, values in enumerate(self.values) for column in range(len(values))
        )

    def _cell(self, row: int, column: int, frame: Frame) -> str:
        value = self.values[row][column]
        left, top = frame.pixels((column - 0.5, row - 0.5))
        right, bottom = frame.pixels((column + 0.5, row + 0.5))
        attribute = tip(self.tips[row][column]) if self.tips else ""
        style = f'fill="var(--{self.color})" fill-opacity="{value:.3f}"{attribute}'
        ink = "var(--paper)" if value > 0.6 else "var(--ink)" if value else "var(--line)"
        style_of_text = f' text-anchor="middle" font-size="{FONT}" fill="{ink}" pointer-events="none"'
        label = text(self.texts[row][column], (left + right) / 2, (top + bottom) / 2 + 4, style_of_text)
        return rectangle(left, top, right - left, bottom - top, style) + label


def class_metrics(matrix: Matrix) -> list[tuple[float, float, float]]:
    """Precision, recall and F1 of each class; 0 where they are undefined."""
    rows = enumerate(zip(matrix, zip(*matrix, strict=True), strict=True))
    counts = ((row[index], sum(row), sum(column)) for index, (row, column) in rows)
    return [
        (hits / max(predicted, 1), hits / max(true, 1), 2 * hits / max(true + predicted, 1))
        for hits, true, predicted in counts
    ]


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
